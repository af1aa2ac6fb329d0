"""`replay` makes the runs that an independent reading of the rules makes, on the same days (tests/replay_rules.py)."""

from __future__ import annotations

import csv
import os
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from tests.cli.books import call, written
from tests.replay_rules import Policy, State, nyse_days, runs

REAL = Path(__file__).parents[3] / "shared" / "data" / "etf_daily_close_2009_2024.csv"
SYMBOLS = ("SPY", "TLT", "VWO", "GLD", "AGG")
DEFAULT = Policy({"SPY": "60", "TLT": "35"}, absolute="5", relative="20", cooldown=7)


@dataclass(frozen=True)
class Case:
    """A policy, and an account that follows it. `since` is how many days before the first session it was rebalanced."""

    policy: Policy
    cash: str
    shares: Mapping[str, str]
    since: int | None = None


FIVE = {"SPY": "40", "TLT": "25", "VWO": "15", "GLD": "10", "AGG": "10"}
CASES = (
    Case(DEFAULT, "100000", {}),
    Case(Policy(FIVE, calendar=("weekly", "Wednesday")), "25000", {}),
    Case(Policy(FIVE, calendar=("monthly", "31"), cooldown=45), "25000", {"QQQ": "10"}),
    Case(Policy({"SPY": "50", "GLD": "49"}, relative="10", calendar=("quarterly", "15")), "7777.77", {"SPY": "3.5"}),
    Case(Policy(FIVE, absolute="3", calendar=("annually", "02-29"), cooldown=30), "1000000", {}),
    Case(Policy({"SPY": "80"}), "5000", {}),
    Case(Policy({"SPY": "50", "TLT": "25", "AGG": "25"}, relative="5"), "3", {}),
    Case(Policy(FIVE, absolute="2"), "40", {}),
    Case(Policy(FIVE, absolute="0.5", cooldown=3), "11", {}),
    Case(Policy({"SPY": "99.5", "TLT": "0.5"}, absolute="0.2", relative="20"), "190", {}),
    Case(Policy({"SPY": "40", "TLT": "40"}, absolute="1", cooldown=1), "12345.67", {}),
    Case(Policy(FIVE, absolute="4", relative="25", cooldown=20), "5000", {"SPY": "20", "QQQ": "5"}, since=3),
    Case(Policy(FIVE, calendar=("weekly", "Friday")), "4.50", {}),
    Case(Policy({"TLT": "60", "AGG": "30"}, relative="15", cooldown=5), "0", {"TLT": "400"}, since=1),
    Case(Policy({"VWO": "33.33", "GLD": "33.33", "QQQ": "33.34"}, absolute="2.5"), "98765.43", {}),
)


def generated(path: Path, first: date, last: date) -> Path:
    """Closes of each session: a random walk of each symbol, wide enough for every policy to trade."""
    draw = random.Random(first.year)
    cents = {"SPY": 30_000, "TLT": 12_000, "VWO": 4_000, "GLD": 17_000, "AGG": 11_000, "QQQ": 25_000}
    lines = [",".join(("date", *cents))]
    for day in nyse_days(first, last):
        lines.append(",".join((day.isoformat(), *(f"{price // 100}.{price % 100:02}" for price in cents.values()))))
        shock = draw.randint(-250, 250)
        for symbol, price in cents.items():
            cents[symbol] = price * (10_000 + shock + draw.randint(-280, 285)) // 10_000
    path.write_text("\n".join(lines) + "\n")
    return path


def read(path: Path) -> dict[date, dict[str, Fraction]]:
    with path.open() as file:
        return {
            date.fromisoformat(row.pop("date")): {symbol: Fraction(close) for symbol, close in row.items()}
            for row in csv.DictReader(file)
        }


def clients(first: date) -> dict[str, Any]:
    """The cases as a BOOK.json."""
    symbols = sorted({symbol for case in CASES for symbol in (*case.policy.weights, *case.shares)})
    return {
        "as_of": f"{first}T14:30:00Z",
        "assets": [{"symbol": symbol, "name": symbol} for symbol in symbols],
        "accounts": [
            {
                "id": f"a{number}", "account_number": f"{number}", "name": f"Client {number}", "cash": case.cash,
                "positions": [{"symbol": s, "qty": qty, "avg_entry_price": "1"} for s, qty in case.shares.items()],
            }
            for number, case in enumerate(CASES)
        ],
        "portfolios": [_portfolio(number, case.policy) for number, case in enumerate(CASES)],
        "subscriptions": [
            {
                "account_id": f"a{number}", "portfolio_id": f"p{number}", "last_rebalanced_at":
                None if case.since is None else f"{first - timedelta(days=case.since)}T15:00:00Z",
            }
            for number, case in enumerate(CASES)
        ],
    }  # fmt: skip


def _portfolio(number: int, policy: Policy) -> dict[str, Any]:
    weights: list[dict[str, str]] = [
        {"type": "asset", "symbol": symbol, "percent": percent} for symbol, percent in policy.weights.items()
    ]
    if policy.cash:
        weights.append({"type": "cash", "percent": f"{float(policy.cash * 100):.2f}"})
    conditions = [
        {"type": "drift_band", "sub_type": kind, "percent": percent}
        for kind, percent in (("absolute", policy.absolute), ("relative", policy.relative))
        if percent
    ]
    if policy.calendar:
        kind, day = policy.calendar
        conditions.append({"type": "calendar", "sub_type": kind, "day": day})
    return {
        "id": f"p{number}", "name": f"Policy {number}", "weights": weights, "cooldown_days": policy.cooldown,
        "rebalance_conditions": conditions,
    }  # fmt: skip


def by_the_rules(path: Path, cases: Sequence[Case] = CASES) -> tuple[dict[str, list[tuple[str, str]]], Fraction]:
    """Day and type of every run of each account, and the equity of all after the last day."""
    closes = read(path)
    first, last = min(closes), max(closes)
    sessions = nyse_days(first, last + timedelta(days=10))
    found, equity = {}, Fraction(0)
    for number, case in enumerate(cases):
        rebalanced = None if case.since is None else first - timedelta(days=case.since)
        state = State(Fraction(case.cash), {s: Fraction(qty) for s, qty in case.shares.items()}, rebalanced)
        found[f"a{number}"] = [(f"{day}", kind) for day, kind in runs(case.policy, state, closes, sessions)]
        equity += state.equity(closes[last])
    return found, equity


def replayed(path: Path, folder: Path) -> tuple[dict[str, list[tuple[str, str]]], Fraction]:
    """The same of `replay`."""
    result = call("replay", path, "--book", written(folder, clients(min(read(path)))), "--json")
    assert result.code == 0, result.err
    found: dict[str, list[tuple[str, str]]] = {f"a{number}": [] for number in range(len(CASES))}
    for run in result.json["runs"]:
        found[run["account_id"]].append((run["created_at"][:10], run["type"]))
    return found, Fraction(result.json["final_equity"])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("first", "last"), [(date(2005, 12, 1), date(2006, 4, 28)), (date(2026, 11, 2), date(2027, 3, 19))]
)
@pytest.mark.samples(1)
def test_every_run_of_other_years_is_of_the_type_and_day_given_by_the_rules(
    tmp_path: Path, first: date, last: date
) -> None:
    path = generated(tmp_path / "closes.csv", first, last)
    expected, equity = by_the_rules(path)

    found, final = replayed(path, tmp_path)

    assert found == expected
    assert abs(final - equity) < 1
    assert sum(map(len, expected.values())) > 60
    assert {kind for made in expected.values() for _, kind in made} == {"full_rebalance", "invest_cash"}


@pytest.mark.slow
@pytest.mark.skipif(not REAL.exists(), reason="needs the price history next to the repository")
@pytest.mark.parametrize(
    ("first", "last", "numbers", "some"),
    [
        ("2019", "2021", (3, 505), {"2020-03-09", "2020-06-05"}),
        ("2009", "2025", (24, 3991), {"2020-02-28", "2020-03-16"}),
    ],
    ids=["2019-2020", "all years"],
)
@pytest.mark.samples(1)
def test_every_run_of_the_real_history_is_of_the_type_and_day_given_by_the_rules(
    tmp_path: Path, first: str, last: str, numbers: tuple[int, int], some: set[str]
) -> None:
    """With `REPLAY_CASES` set, all cases; else the default account only."""
    header, *lines = REAL.read_text().splitlines()
    path = tmp_path / "closes.csv"
    path.write_text("\n".join([header, *(line for line in lines if first <= line < last)]) + "\n")
    if os.environ.get("REPLAY_CASES"):
        assert replayed(path, tmp_path)[0] == by_the_rules(path)[0]
        return
    expected = by_the_rules(path, CASES[:1])[0]["a0"]

    report = call("replay", path, "--json").json

    assert [(run["created_at"][:10], run["type"]) for run in report["runs"]] == expected
    assert (len(expected), report["sessions"]) == numbers
    assert some <= {day for day, _ in expected}
