"""`replay` of small histories, and what it refuses. Longer ones: test_cli_replay_rules.py."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.cli.books import book, call, written

CRASH = """date,SPY,TLT
2020-03-02,100,100
2020-03-03,130,100
2020-03-09,150,100
2020-03-10,75,100
"""


def crash(folder: Path, text: str = CRASH) -> Path:
    path = folder / "crash.csv"
    path.write_text(text)
    return path


def test_a_small_history_gives_the_manually_computed_figures(tmp_path: Path) -> None:
    """Bought at 100: 600 SPY, 350 TLT, $5,000. At 130 the band is broken, in the cooldown; 150 on the seventh day.

    On 2020-03-09 equity is 600 × 150 + 350 × 100 + 5,000 = 130,000. Sold: 90,000 − 78,000 = 12,000 of SPY; bought:
    45,500 − 35,000 = 10,500 of TLT; cash 6,500. A day later SPY has halved: 39,000 + 45,500 + 6,500 = 91,000. Three
    sessions of the week have no closes.
    """
    report = call("replay", crash(tmp_path), "--allow-jumps", "--json").json

    assert report["sessions"] == 7
    assert [run["created_at"][:10] for run in report["runs"]] == ["2020-03-02", "2020-03-09"]
    assert [(o["symbol"], o["side"]) for o in report["runs"][1]["orders"]] == [("SPY", "sell"), ("TLT", "buy")]
    assert report["runs"][1]["orders"][1]["notional"] == "10500.00"
    assert report["first_equity"] == "100000.00"
    assert report["final_equity"] == "91000.00"
    assert report["days_outside"] == 3
    assert report["worst_drift_at"]["date"] == "2020-03-10"
    assert report["worst_drift"] == "17.1428"
    assert report["decisions"] == {"blocked": 3, "full_rebalance": 2, "none": 2}


def test_an_empty_cell_stops_the_day_and_nothing_else(tmp_path: Path) -> None:
    text = "date,SPY,TLT\n2020-03-02,100,\n2020-03-03,100,100\n2020-03-04,101,\n"

    result = call("replay", crash(tmp_path, text), "--json", "--db", tmp_path / "kept.db")

    assert [run["created_at"][:10] for run in result.json["runs"]] == ["2020-03-03"]
    decisions = call("export", "decisions", "--format", "json", "--db", tmp_path / "kept.db").json["decisions"]
    assert [(d["session"], d["outcome"]) for d in decisions] == [
        ("2020-03-02", "blocked"),
        ("2020-03-03", "full_rebalance"),
        ("2020-03-04", "blocked"),
    ]
    assert decisions[2]["reason"].startswith("the price of TLT is ")
    assert call("check", "--db", tmp_path / "kept.db").code == 0


def test_the_same_history_gives_the_same_bytes(tmp_path: Path) -> None:
    arguments = ("replay", crash(tmp_path), "--allow-jumps", "--json")

    assert call(*arguments).out == call(*arguments).out != ""


def test_an_imported_book_brings_its_accounts_and_not_its_prices(tmp_path: Path) -> None:
    content: dict[str, Any] = book(cash="1000", spy="90", last="2026-11-23T15:00:00Z")
    path = written(tmp_path, content)

    report = call(
        "replay", crash(tmp_path), "--book", path, "--from", "2020-03-09", "--to", "2020-03-09", "--json"
    ).json

    assert report["first_equity"] == "14500.00"
    assert (report["from"], report["to"], report["sessions"]) == ("2020-03-09", "2020-03-09", 1)
    assert [run["account_id"] for run in report["runs"]] == ["acc"]


@pytest.mark.parametrize(
    ("text", "arguments", "report"),
    [
        ("date,SPY\n2020-03-02,100\n", (), "TLT: no such column in the closes"),
        (
            "date,SPY,TLT\n2020-03-02,100,x\n",
            (),
            "crash.csv, line 2, TLT: got 'x', expected a plain decimal number such as 1234.56",
        ),
        (CRASH, ("--from", "2021-01-01"), "--from/--to: no closes in this range"),
        ("", (), "crash.csv: got an empty file, expected a header"),
    ],
)
def test_a_replay_of_invalid_input_is_refused(
    tmp_path: Path, text: str, arguments: tuple[str, ...], report: str
) -> None:
    result = call("replay", crash(tmp_path, text), *arguments)

    assert result.code == 1
    assert report in result.err
    assert len(result.err.splitlines()) == 1


def test_a_replay_never_changes_an_existing_file(tmp_path: Path) -> None:
    kept_book = tmp_path / "kept.db"
    kept_book.write_text("mine")

    assert call("replay", crash(tmp_path), "--db", kept_book).code == 1
    assert kept_book.read_text() == "mine"
