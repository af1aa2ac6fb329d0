"""`replay --actions`: corporate actions carried out at the open of their day (R-54, R-55, R-59)."""

from __future__ import annotations

from datetime import date
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from tests.cli.books import Outcome, call
from tests.replay_rules import nyse_days

HEADER = "date,symbol,kind,ratio,amount,new_symbol,price\n"
DAYS = nyse_days(date(2024, 6, 3), date(2024, 6, 14))


def closes(header: str, before: str, after: str) -> str:
    """Ten sessions: constant closes up to Friday 2024-06-07, and from Monday 2024-06-10 on."""
    rows = (f"{day},{before if day < date(2024, 6, 10) else after}\n" for day in DAYS)
    return f"date,{header}\n" + "".join(rows)


def replayed(folder: Path, text: str, *actions: str, options: tuple[str | Path, ...] = ("--json",)) -> Outcome:
    prices, file = folder / "closes.csv", folder / "actions.csv"
    prices.write_text(text)
    file.write_text(HEADER + "".join(f"{row}\n" for row in actions))
    return call("replay", prices, "--actions", file, *options)


def reported(folder: Path, text: str, *actions: str) -> Any:
    result = replayed(folder, text, *actions)
    assert result.code == 0, result.err
    return result.json


def run_days(report: Any) -> list[tuple[str, str]]:
    return [(run["created_at"][:10], run["type"]) for run in report["runs"]]


@pytest.mark.slow
@pytest.mark.parametrize(("ratio", "factor"), [("10", Fraction(10)), ("1:8", Fraction(1, 8)), ("3:2", Fraction(3, 2))])
def test_a_split_ends_within_a_cent_of_the_history_adjusted_by_hand(
    tmp_path: Path, ratio: str, factor: Fraction
) -> None:
    """SPY rises by 2.3 % a session; between two rebalances it splits."""
    days = nyse_days(date(2024, 5, 20), date(2024, 7, 10))
    adjusted = ["date,SPY,TLT"]
    raw = ["date,SPY,TLT"]
    for number, day in enumerate(days):
        spy, tlt = Fraction(int(30_000 * 1.023**number), 100), Fraction(9_400 + 7 * number, 100)
        before = spy * factor if day < date(2024, 6, 10) else spy
        adjusted.append(f"{day},{float(spy):.2f},{float(tlt):.2f}")
        raw.append(f"{day},{float(before):.9f},{float(tlt):.2f}")
    by_hand = replayed(tmp_path, "\n".join(adjusted)).json

    report = reported(tmp_path, "\n".join(raw), f"2024-06-10,SPY,split,{ratio},,,")

    assert abs(Fraction(report["final_equity"]) - Fraction(by_hand["final_equity"])) < Fraction(1, 100)
    assert run_days(report) == run_days(by_hand)
    assert [day < "2024-06-10" for day, _ in run_days(report)] == [True, True, False, False]
    assert (report["corporate_actions"][0]["accounts"], report["price_jumps"]) == (1, [])


def test_a_dividend_is_paid_on_the_shares_held_and_invested(tmp_path: Path) -> None:
    """600 SPY at 100 pay 1.255 each: $753.00, of which all but the cash target is invested on that day."""
    report = reported(tmp_path, closes("SPY,TLT", "100,100", "100,100"), "2024-06-10,SPY,cash_dividend,,1.255,,")

    assert report["basis"] == "prices and 1 cash dividend"
    assert report["final_equity"] == "100753.00"
    assert run_days(report) == [("2024-06-03", "full_rebalance"), ("2024-06-10", "invest_cash")]
    assert report["corporate_actions"] == [
        {
            "date": "2024-06-10",
            "symbol": "SPY",
            "kind": "cash_dividend",
            "text": "SPY pays $1.255 a share",
            "accounts": 1,
            "unexplained": 0,
        }
    ]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("header", "before", "after"),
    [("SPY,TLT,TLX", "100,100,", "100,,104"), ("SPY,TLT", "100,100", "100,104"), ("SPY,TLX", "100,100", "100,104")],
)
def test_a_renamed_asset_continues_in_either_column(tmp_path: Path, header: str, before: str, after: str) -> None:
    report = reported(tmp_path, closes(header, before, after), "2024-06-10,TLT,symbol_change,,,TLX,")

    assert report["final_equity"] == "101400.00"
    assert report["decisions"] == {"full_rebalance": 1, "none": 9}
    assert report["notes"] == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("row", "header", "after", "equity"),
    [
        ("2024-06-10,SPY,spin_off,1:4,,NEW,40", "SPY,TLT,NEW", "90,100,40", "100000.00"),
        ("2024-06-10,SPY,stock_merger,1:2,,NEW,", "SPY,TLT,NEW", ",100,210", "103000.00"),
        ("2024-06-10,SPY,cash_merger,,54.20,,", "SPY,TLT", ",100", "72520.00"),
        ("2024-06-10,SPY,delisting,,,,", "SPY,TLT", ",100", "40000.00"),
        ("2024-06-10,SPY,delisting,,0.15,,", "SPY,TLT", "999,100", "40090.00"),
        ("2024-06-10,SPY,stock_dividend,1:4,,,", "SPY,TLT", "80,100", "100000.00"),
    ],
)
def test_equity_after_an_action_is_that_of_its_terms(
    tmp_path: Path, row: str, header: str, after: str, equity: str
) -> None:
    before = "100,100,200" if "NEW" in header else "100,100"

    result = replayed(tmp_path, closes(header, before, after), row, options=("--json", "--db", tmp_path / "kept.db"))

    assert result.code == 0, result.err
    assert result.json["final_equity"] == equity
    assert (result.json["price_jumps"], result.json["notes"]) == ([], [])
    assert call("check", "--db", tmp_path / "kept.db").code == 0


def test_the_summary_lists_the_actions_and_those_ignored(tmp_path: Path) -> None:
    rows = ("2024-06-10,SPY,split,10,,,", "2024-06-03,TLT,split,2,,,", "2024-06-05,QQQ,split,2,,,")

    out = replayed(tmp_path, closes("SPY,TLT", "1000,100", "100,100"), *rows, options=()).out

    assert "\nCorporate actions\n- 2024-06-10  SPY 10 for 1: 1 account, 0 unexplained\n" in out
    assert "- 1 corporate action ignored: of symbols that are neither held nor targeted (first: line 4, QQQ on" in out
    assert "- 1 corporate action ignored: up to the first session, or after the last (first: line 3, TLT on" in out


def test_a_split_that_the_closes_do_not_show_is_a_jump(tmp_path: Path) -> None:
    result = replayed(tmp_path, closes("SPY,TLT", "100,100", "100,100"), "2024-06-10,SPY,split,10,,,")

    assert (result.code, result.out) == (1, "")
    assert (
        "2024-06-10, SPY: the close $100.00 is 10 times the last one, $100.00 on 2024-06-07 ($10.00 after "
        in result.err
    )
    assert "as after a 1-for-10 reverse split" in result.err


@pytest.mark.parametrize(
    ("rows", "fault"),
    [
        (("2024-06-10,SPY,split,ten,,,",), "actions.csv, line 2, ratio: expected a ratio above 0"),
        (("2024-06-10,SPY,split,,,,",), "actions.csv, line 2, ratio: ratio is required for a split"),
        (("2024-06-08,SPY,split,2,,,",), "actions.csv, line 2, date: got 2024-06-08, expected a trading session"),
        (("2024-06-10,SPY,symbol_change,,,TLT,",), "actions.csv, line 2, new_symbol: got TLT, expected a symbol that"),
        (("2024-06-10,SPY,spin_off,1,,NEW,5",), "closes.csv, NEW: no such column in the closes"),
        (("2024-06-10,SPY,spin_off,1,,TLT,100",), "actions.csv, line 2, price: expected price × ratio below"),
    ],
)
def test_an_action_that_cannot_be_carried_out_is_named_with_file_line_and_column(
    tmp_path: Path, rows: tuple[str, ...], fault: str
) -> None:
    result = replayed(tmp_path, closes("SPY,TLT", "100,100", "100,100"), *rows)

    assert (result.code, result.out) == (1, "")
    assert f"{tmp_path}/{fault}" in result.err
    assert len(result.err.splitlines()) == 1


def test_a_missing_actions_file_is_named(tmp_path: Path) -> None:
    prices = tmp_path / "closes.csv"
    prices.write_text(closes("SPY,TLT", "100,100", "100,100"))

    result = call("replay", prices, "--actions", tmp_path / "none.csv")

    assert (result.code, result.err) == (1, f"{tmp_path / 'none.csv'}: the file cannot be read: no such file\n")
