"""What `replay` reports: equity, turnover, blocked evaluations, price jumps and missing closes (R-55, R-59)."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.cli.books import book, call, written

HOLIDAYS = {date(2024, 5, 27), date(2024, 6, 19), date(2024, 7, 4)}
CRASH = """date,SPY,TLT
2020-03-02,100,100
2020-03-03,130,100
2020-03-09,150,100
2020-03-10,75,100
"""


def saved(folder: Path, text: str) -> Path:
    path = folder / "closes.csv"
    path.write_text(text)
    return path


def summer(spy: str, changes: dict[str, str]) -> str:
    """Closes from 2024-05-20 to 2024-07-10: SPY changes on the given days, TLT costs 100."""
    lines, day = ["date,SPY,TLT"], date(2024, 5, 20)
    while day <= date(2024, 7, 10):
        if day.weekday() < 5 and day not in HOLIDAYS:
            spy = changes.get(day.isoformat(), spy)
            lines.append(f"{day},{spy},100")
        day += timedelta(days=1)
    return "\n".join(lines) + "\n"


SPLIT = summer("1000", {"2024-06-10": "100"})
REVERSE_SPLIT = summer("10", {"2024-06-10": "100"})
TYPO = summer("500", {"2024-06-12": "5000", "2024-06-13": "500"})
DELISTED = summer("500", {"2024-06-12": ""})


def test_the_summary_states_basis_turnover_and_blocked_evaluations(tmp_path: Path) -> None:
    """Equity per session: 100,000 · 118,000 · 118,000 · 118,000 · 118,000 · 130,000 · 91,000, on average 113,285.71.

    Sold 12,000 and bought 10,500 after the first purchase, in 9 days = 0.0246 years.
    """
    out = call("replay", saved(tmp_path, CRASH), "--allow-jumps").out

    lines = [" ".join(line.split()) for line in out.splitlines()]
    assert lines[1:12] == [
        "Basis prices only, no dividends",
        "First equity $100,000.00",
        "Final equity $91,000.00",
        "First purchase $95,000.00",
        "Turnover 429.89 % a year one-way ($12,000.00 sold)",
        "806.04 % a year two-sided ($22,500.00), no first purchase",
        "Worst drift 17.1428 points, SPY on 2020-03-10",
        "Days outside 3 sessions with an account outside a drift band",
        "Evaluations 3 blocked, 2 full_rebalance, 2 none",
        "Blocked 3 evaluations by prices, first on 2020-03-04",
        "",
    ]
    assert "full_rebalance COMPLETED_SUCCESS 2" in lines
    assert "- 3 sessions without trades: not in the file (first: 2020-03-04)" in lines


def test_the_json_has_one_way_and_two_sided_turnover(tmp_path: Path) -> None:
    report = call("replay", saved(tmp_path, CRASH), "--allow-jumps", "--json").json

    assert report["basis"] == "prices only, no dividends"
    assert (report["first_purchase"], report["turnover"]) == ("95000.00", "12000.00")
    assert report["turnover_two_sided"] == "22500.00"
    assert (report["turnover_per_year"], report["turnover_two_sided_per_year"]) == ("4.2989", "8.0604")
    assert report["blocked"] == [{"check": "prices", "times": 3, "first": "2020-03-04"}]
    assert report["price_jumps"] == [
        {
            "date": "2020-03-10",
            "symbol": "SPY",
            "close": "75",
            "last_close": "150",
            "ratio": "0.5",
            "looks_like": "2-for-1 split",
        }
    ]


def test_the_first_purchase_is_left_out_only_for_accounts_that_had_never_been_rebalanced(tmp_path: Path) -> None:
    """The account holds 1,000 SPY and follows 60/35/5: 40,000 are sold and 35,000 bought."""
    path = saved(tmp_path, "date,SPY,TLT\n2020-03-02,100,100\n2020-03-03,100,100\n")
    results: dict[str | None, Any] = {}
    for last in (None, "2020-02-03T15:00:00Z"):
        content = book(cash="0", spy="1000", last=last)
        results[last] = call("replay", path, "--book", written(tmp_path, content), "--json").json

    assert [(r["first_purchase"], r["turnover"], r["turnover_two_sided"]) for r in results.values()] == [
        ("35000.00", "0.00", "0.00"),
        ("0.00", "40000.00", "75000.00"),
    ]


@pytest.mark.parametrize(
    ("text", "jumps"),
    [
        (SPLIT, ["2024-06-10, SPY: the close $100.00 is 0.1 times the last one, $1,000.00 on 2024-06-07, as after a "
                 "10-for-1 split"]),
        (REVERSE_SPLIT, ["2024-06-10, SPY: the close $100.00 is 10 times the last one, $10.00 on 2024-06-07, as after "
                         "a 1-for-10 reverse split"]),
        (TYPO, ["2024-06-12, SPY: the close $5,000.00 is 10 times the last one, $500.00 on 2024-06-11, as after a "
                "1-for-10 reverse split",
                "2024-06-13, SPY: the close $500.00 is 0.1 times the last one, $5,000.00 on 2024-06-12, as after a "
                "10-for-1 split"]),
        (CRASH.replace("2020-03-10,75", "2020-03-10,90"), [
            "2020-03-10, SPY: the close $90.00 is 0.6 times the last one, $150.00 on 2020-03-09"]),
    ],
)  # fmt: skip
@pytest.mark.parametrize("output", [(), ("--json",)])
def test_a_price_jump_stops_the_replay_and_is_named(
    tmp_path: Path, text: str, jumps: list[str], output: tuple[str, ...]
) -> None:
    path = saved(tmp_path, text)

    result = call("replay", path, "--db", tmp_path / "kept.db", *output)

    assert (result.code, result.out, (tmp_path / "kept.db").exists()) == (1, "", False)
    *named, remedy = result.err.splitlines()
    assert named == [f"{path}, {jump}" for jump in jumps]
    assert remedy.startswith(f"{path}: stopped at {len(jumps)} price jump")
    assert "--allow-jumps" in remedy


@pytest.mark.slow
def test_allowed_jumps_are_named_in_the_result(tmp_path: Path) -> None:
    result = call("replay", saved(tmp_path, TYPO), "--allow-jumps")

    assert result.code == 0
    notes = [line for line in result.out.splitlines() if line.startswith("- price jump of SPY on 2024-06-1")]
    assert len(notes) == 2


def test_only_the_symbols_and_days_of_the_replay_are_asked_for_jumps(tmp_path: Path) -> None:
    text = CRASH.replace("\n", ",1\n").replace("TLT,1", "TLT,QQQ").replace("75,100,1", "75,100,500")

    result = call("replay", saved(tmp_path, text), "--to", "2020-03-09", "--json")

    assert (result.code, result.json["price_jumps"]) == (0, [])


def test_a_jump_over_missing_closes_is_one(tmp_path: Path) -> None:
    text = "date,SPY,TLT\n2020-03-02,100,100\n2020-03-03,,100\n2020-03-04,50,100\n"

    result = call("replay", saved(tmp_path, text))

    assert "2020-03-04, SPY: the close $50.00 is 0.5 times the last one, $100.00 on 2020-03-02" in result.err


@pytest.mark.slow
def test_a_symbol_that_ends_is_named_with_its_last_close(tmp_path: Path) -> None:
    path = saved(tmp_path, DELISTED)

    report = call("replay", path, "--json").json

    assert report["notes"] == ["SPY has no close since 2024-06-12: valued at its last one, $500.00 on 2024-06-11"]
    assert report["blocked"] == [{"check": "prices", "times": 19, "first": "2024-06-12"}]
    assert report["notes"][0] in call("replay", path).out


def test_missing_closes_days_without_a_session_and_missing_sessions_are_named(tmp_path: Path) -> None:
    text = (
        "date,SPY,TLT\n2020-03-02,,100\n2020-03-03,100,100\n2020-03-04,,100\n2020-03-05,,100\n2020-03-06,100,100\n"
        "2020-03-07,900,100\n2020-03-10,100,100\n"
    )

    report = call("replay", saved(tmp_path, text), "--json").json

    assert report["notes"] == [
        "1 day ignored: no trading session (first: 2020-03-07)",
        "1 session without trades: not in the file (first: 2020-03-09)",
        "SPY has no close before 2020-03-03",
        "SPY has no close on 2 sessions (first: 2020-03-04)",
    ]
