"""Handwritten books, and helpers that run the program on them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from rebal_tui.cli.program import program, run

SPY_TLT = [
    {"type": "cash", "percent": "5"},
    {"type": "asset", "symbol": "SPY", "percent": "60"},
    {"type": "asset", "symbol": "TLT", "percent": "35"},
]
BANDS = [
    {"type": "drift_band", "sub_type": "absolute", "percent": "5"},
    {"type": "drift_band", "sub_type": "relative", "percent": "20"},
]
NOON = "2026-11-24T12:00:00-05:00"


def book(
    *,
    cash: str = "50000",
    spy: str | None = None,
    last: str | None = None,
    restrictions: tuple[str, ...] = (),
    status: str = "ACTIVE",
    tlt_tradable: bool = True,
) -> dict[str, Any]:
    """One account that follows 60 SPY, 35 TLT, 5 cash; both cost $100. `spy` shares; the rest of $1,000 is cash."""
    positions = [{"symbol": "SPY", "qty": spy, "avg_entry_price": "100"}] if spy else []
    return {
        "as_of": NOON,
        "assets": [
            {"symbol": "SPY", "name": "S&P 500", "price": "100"},
            {"symbol": "TLT", "name": "Treasuries", "price": "100", "tradable": tlt_tradable},
        ],
        "accounts": [
            {
                "id": "acc",
                "account_number": "100",
                "name": "Ann Example",
                "status": status,
                "cash": cash,
                "restrictions": list(restrictions),
                "positions": positions,
            }
        ],
        "portfolios": [
            {
                "id": "bal",
                "name": "Balanced",
                "weights": deepcopy(SPY_TLT),
                "cooldown_days": 7,
                "rebalance_conditions": deepcopy(BANDS),
            }
        ],
        "subscriptions": [{"account_id": "acc", "portfolio_id": "bal", "last_rebalanced_at": last}],
    }


@dataclass(frozen=True)
class Outcome:
    """The outcome of a run of the program."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


def call(*arguments: str | Path, stdin: str | None = None) -> Outcome:
    """Run the program in this process."""
    runner = CliRunner()
    with runner.isolation(input=stdin) as (out, err, _):
        code = run([str(argument) for argument in arguments])
        return Outcome(code, out.getvalue().decode(), err.getvalue().decode())


def spawn(*arguments: str | Path, stdin: str | None = None, **environment: str) -> Outcome:
    """Run the program in its own process."""
    done = subprocess.run(
        [sys.executable, "-m", "rebal_tui", *map(str, arguments)],
        input=stdin,
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, **environment},
        check=False,
    )
    return Outcome(done.returncode, done.stdout, done.stderr)


def written(folder: Path, content: dict[str, Any], name: str = "book.json") -> Path:
    """Write the book to a file."""
    path = folder / name
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def decision(folder: Path, content: dict[str, Any], *arguments: str) -> dict[str, Any]:
    """The only decision of `evaluate --book`."""
    result = call("evaluate", "--book", written(folder, content), "--json", *arguments)
    assert result.code == 0, result.err
    (only,) = result.json["decisions"]
    assert isinstance(only, dict)
    return only


def verdicts(made: dict[str, Any]) -> dict[str, str]:
    """Verdicts of a trace by check."""
    return {check["check"]: check["verdict"] for check in made["trace"]}


COMMANDS = program.list_commands(None)  # type: ignore[arg-type]
