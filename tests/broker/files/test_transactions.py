"""Transactions files as each custodian writes them (R-75)."""

from __future__ import annotations

import pytest

from rebal_tui.broker.files.recognizer import read_statement
from rebal_tui.broker.files.transactions import Kind
from rebal_tui.broker.files.transactions_file import read_transactions
from rebal_tui.domain.errors import Invalid
from rebal_tui.domain.quantities import Qty, money_text, price_text, qty_text
from tests.broker.files.samples_of_trades import (
    DECIMAL_COMMA,
    FIDELITY,
    GENERIC,
    IBKR_ACTIVITY,
    IBKR_FLEX,
    SCHWAB,
    VANGUARD,
)


@pytest.mark.parametrize(
    ("text", "account", "fees", "others"),
    [
        (SCHWAB, "", "0.02", [Kind.DIVIDEND, Kind.WITHDRAWAL]),
        (FIDELITY, "Z40118827", "0.52", [Kind.DIVIDEND, Kind.REINVESTMENT]),
        (VANGUARD, "55501", "0.52", [Kind.SWEEP]),
        (GENERIC, "A1", "0.52", []),
        (DECIMAL_COMMA, "A1", "0.52", []),
        (IBKR_ACTIVITY, "U7705512", "0.52", [Kind.OTHER]),
        (IBKR_FLEX, "U9400173", "0.52", []),
    ],
    ids=["schwab", "fidelity", "vanguard", "generic", "decimal comma", "ibkr activity", "ibkr flex"],
)
def test_trades_are_read_with_their_fees(text: str, account: str, fees: str, others: list[Kind]) -> None:
    rows = read_transactions(text.encode())

    trades = [row for row in rows if row.kind in (Kind.BUY, Kind.SELL)]
    read = [
        (row.account, row.kind, row.symbol, qty_text(row.qty), price_text(row.price), money_text(row.fees))
        for row in trades
        if row.qty is not None and row.price is not None
    ]
    assert read == [
        (account, Kind.SELL, "BRK.B", "2", "400.25", fees),
        (account, Kind.BUY, "AAA", "1250.5", "10", "0.00"),
    ]
    assert str(trades[0].day) == "2026-11-30" or text is FIDELITY
    assert [row.kind for row in rows if row not in trades] == others


@pytest.mark.parametrize(
    ("text", "old", "new", "expected"),
    [
        (GENERIC, "BRK.B;2;", "BRK.B;two;", "line 2: shares: got 'two', expected a number"),
        (GENERIC, "2026-11-30;A1;S", "soon;A1;S", "line 2: date: got 'soon', expected a date"),
        (GENERIC, "400.25;0.52", "400.25;0.52;9", "line 2: got 8 cells, expected at most 7"),
        (IBKR_FLEX, ",SELL,", ",LEND,", "line 5: Buy/Sell: got 'LEND', expected BUY or SELL"),
        (IBKR_FLEX, ",-2,", ",x,", "line 5: Quantity: got 'x'"),
    ],
)
def test_faults_name_line_and_column(text: str, old: str, new: str, expected: str) -> None:
    with pytest.raises(Invalid) as refused:
        read_transactions(text.replace(old, new).encode())
    assert expected in str(refused.value.faults[0])


def test_names_of_columns_may_come_again_and_an_ambiguous_mark_is_asked_for() -> None:
    again = GENERIC + GENERIC.replace("A1", "A2")
    assert [row.account for row in read_transactions(again.encode())] == ["A1", "A1", "A2", "A2"]
    open_mark = "date;action;symbol;quantity;price\n2026-11-30;Buy;AAA;1.250;2.500\n"
    with pytest.raises(Invalid, match="--decimal"):
        read_transactions(open_mark.encode())
    assert qty_text(read_transactions(open_mark.encode(), ",")[0].qty or Qty(0)) == "1250"


@pytest.mark.parametrize("text", [FIDELITY, GENERIC, DECIMAL_COMMA, IBKR_FLEX])
def test_transactions_are_never_read_as_positions(text: str) -> None:
    with pytest.raises(Invalid, match="not positions"):
        read_statement(text.encode())


def test_the_list_and_line_of_an_order_are_read_where_the_custodian_repeats_them() -> None:
    assert [row.reference for row in read_transactions(IBKR_FLEX.encode())] == ["L1-1", "L1-2"]
