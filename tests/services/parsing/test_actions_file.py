"""Corporate actions from a CSV file: what is accepted, and how a fault is named (R-54)."""

from __future__ import annotations

import io
from datetime import date
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rebal_tui.domain.corporate_actions import ActionKind, CorporateAction, DatedAction
from rebal_tui.domain.errors import Invalid
from rebal_tui.domain.quantities import parse_price
from rebal_tui.services.parsing.actions_file import read_actions

HEADER = "date,symbol,kind,ratio,amount,new_symbol,price\n"
PIECES = (
    "", "2024-06-10", "2024-02-30", "SPY", "spy", "split", "delisting", "spin_off", "10", "1:8", "0:1", "-1", "1e9",
    "9" * 30, "nan", '"', "a\rb", "\x1b[1m", "\u202e", "=1", "[@click=app.quit]", "１", "1" * 5_000,
)  # fmt: skip


def read(text: str) -> tuple[DatedAction, ...]:
    return read_actions(io.StringIO(text, newline=""))


def faults(text: str) -> list[str]:
    with pytest.raises(Invalid) as refusal:
        read(text)
    return [str(fault) for fault in refusal.value.faults]


def test_a_row_of_every_kind_is_read() -> None:
    actions = read(
        HEADER + "2024-06-10,SPY,split,10,,,\n"
        "2024-06-11,KO,cash_dividend,,0.485,,\n"
        "2024-06-12,KO,stock_dividend,1:20,,,\n"
        "2024-06-13,GE,spin_off,1:4,,GEV,140.5\n"
        "2024-06-14,FB,symbol_change,,,META,\n"
        "2024-06-17,TWTR,cash_merger,,54.20,,\n"
        "2024-06-18,XLNX,stock_merger,1.7234,,AMD,\n"
        "2024-06-20,BBBY,delisting,,,,\n"
    )

    price = parse_price
    assert [dated.action for dated in actions] == [
        CorporateAction(ActionKind.SPLIT, "SPY", Fraction(10)),
        CorporateAction(ActionKind.CASH_DIVIDEND, "KO", amount=price("0.485")),
        CorporateAction(ActionKind.STOCK_DIVIDEND, "KO", Fraction(1, 20)),
        CorporateAction(ActionKind.SPIN_OFF, "GE", Fraction(1, 4), new_symbol="GEV", price=price("140.5")),
        CorporateAction(ActionKind.SYMBOL_CHANGE, "FB", new_symbol="META"),
        CorporateAction(ActionKind.CASH_MERGER, "TWTR", amount=price("54.2")),
        CorporateAction(ActionKind.STOCK_MERGER, "XLNX", Fraction("1.7234"), new_symbol="AMD"),
        CorporateAction(ActionKind.DELISTING, "BBBY"),
    ]
    assert [(dated.day, dated.line) for dated in actions][:2] == [(date(2024, 6, 10), 2), (date(2024, 6, 11), 3)]


def test_actions_are_ordered_by_day_and_within_a_day_as_in_the_file() -> None:
    actions = read(
        HEADER + "2024-06-11,B,split,2,,,\n2024-06-10,Z,split,2,,,\n2024-06-11,A,split,2,,,\n2024-06-10,C,split,2,,,\n"
    )

    assert [dated.action.symbol for dated in actions] == ["Z", "C", "B", "A"]


@pytest.mark.parametrize(
    "text",
    [
        "Date, Symbol, Kind, Amount\n2024-06-11, KO, cash_dividend, 0.25\n",
        "\ufeffdate;symbol;kind;ratio;amount;new_symbol;price\r\n2024-06-11;KO;cash_dividend;;0,25;;\r\n;;;;;;\r\n",
        "kind,date,amount,symbol,,\ncash_dividend,2024-06-11,0.25,KO,,\n",
        HEADER + "2024-06-11,KO,cash_dividend,,0.25\n",
    ],
)
def test_what_a_spreadsheet_writes_is_read(text: str) -> None:
    (dated,) = read(text)

    assert dated.day == date(2024, 6, 11)
    assert dated.action == CorporateAction(ActionKind.CASH_DIVIDEND, "KO", amount=parse_price("0.25"))


def test_every_fault_is_listed_with_line_and_column() -> None:
    found = faults(
        HEADER + "2024-06-10,SPY,split,,,,\n"
        "2024-06-11,KO,cash_dividend,2,0.485\n"
        "20240612,KO,foo,x\n"
        "2024-06-13,ge,spin_off,1:4,,GEV,-1\n"
        "2024-06-14,FB,symbol_change,,,FB,\n"
        "2024-06-17,TWTR,delisting,,,,,x\n"
        ",,,1\n"
    )

    assert found == [
        "line 2, ratio: ratio is required for a split",
        "line 3, ratio: got '2', a cash dividend has no ratio; expected kind and symbol and amount",
        "line 4, date: got '20240612', expected a date such as 2024-06-10",
        "line 4, kind: expected split, cash_dividend, stock_dividend, spin_off, symbol_change, cash_merger, "
        'stock_merger or delisting, got "foo"',
        'line 4, ratio: expected a ratio above 0 such as "10", "1.5", "3:2" or "1:8", got "x"',
        'line 5, symbol: expected a symbol such as SPY or BRK.B, got "ge"',
        'line 5, price: expected a price above 0 and up to 9,000,000,000 with at most nine decimals, got "-1"',
        "line 6, new_symbol: got 'FB', expected another symbol than FB",
        "line 7, column 8: got 'x', expected nothing: the column has no heading",
        "line 8, date: got nothing, expected a date such as 2024-06-10",
        "line 8, kind: kind is required",
        "line 8, symbol: symbol is required",
    ]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", ["got an empty file, expected a header: date,symbol,kind,ratio,amount,new_symbol,price"]),
        (
            "date,kind,foo\n",
            [
                "line 1, column 3: got 'foo', expected one of date, symbol, kind, ratio, amount, new_symbol, price",
                "line 1: got no symbol, expected the header date,symbol,kind,ratio,amount,new_symbol,price",
            ],
        ),
        ("date,symbol,kind,Kind\n", ["line 1, column 4: got kind again, expected every heading once"]),
    ],
)
def test_a_faulty_header_is_refused(text: str, found: list[str]) -> None:
    assert faults(text) == found


def test_hidden_characters_are_named_and_not_repeated() -> None:
    found = faults(HEADER + "2024-06-10\u202e,S\u200bPY,split,1\x1b0,,,\n")

    assert [fault.partition(": ")[0] for fault in found] == ["line 2, date", "line 2, symbol", "line 2, ratio"]
    assert not any(char in fault for fault in found for char in "\u202e\u200b\x1b")


def test_a_file_without_actions_is_empty() -> None:
    assert read(HEADER) == ()


@pytest.mark.slow
@given(st.lists(st.lists(st.sampled_from(PIECES), max_size=9).map(",".join), max_size=5))
def test_any_rows_are_read_or_refused(rows: list[str]) -> None:
    try:
        found = read("\n".join([HEADER.strip(), *rows]))
    except Invalid as refusal:
        shown = [str(fault) for fault in refusal.faults]
    else:
        shown = [dated.action.text for dated in found]
    assert all(text.isprintable() for text in shown)
