"""Fills from a transactions file: matched to the list, repeated without effect, all or nothing (R-75)."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rebal_tui.broker.files.transactions_file import read_transactions
from rebal_tui.domain.errors import Conflict
from rebal_tui.domain.orders import OrderRequest, Side
from rebal_tui.domain.quantities import Money, Price, money_text, parse_qty, price_text, qty_text
from rebal_tui.services.book.book import Book
from rebal_tui.services.broker_sync.events import sync
from rebal_tui.services.broker_sync.reconciliation.reconcile import reconcile
from rebal_tui.services.files_book.fills import FillReport, apply_fills
from rebal_tui.services.files_book.trade_list import list_states, make_list
from rebal_tui.services.runs.processing import process_runs
from tests.services.files_book.support import (
    MONDAY,
    account_id,
    approve_all,
    empty_book,
    evaluated,
    follow,
    imported,
    positions,
    set_time,
)

SHARED = Path("/work/shared/data/files")
START = {"1": {"AAA": "60", "BBB": "40", "CASH": "2000"}, "2": {"AAA": "10", "CASH": "1000.37"}}
HEAD = "Date,Account,Action,Symbol,Quantity,Price,Fees,Amount\n"
SOLD = "11/30/2026,1,Sell,AAA,25,101,0.05,2524.95\n"
BOUGHT = "11/30/2026,1,Buy,BBB,20,50,,-1000\n11/30/2026,1,Buy,BBB,20,50,,-1000\n11/30/2026,1,Buy,BBB,49,50,,-2450\n"


@pytest.fixture
def book() -> Book:
    """Account 1 sells 25 AAA and buys 89 BBB on list 1; account 2 is on it too."""
    book = empty_book()
    imported(book, positions(START, "2026-11-27 16:30"))
    follow(book, {"AAA": "35", "BBB": "65"})
    evaluated(book)
    approve_all(book)
    make_list(book)
    set_time(book, MONDAY)
    return book


def _filled(book: Book, text: str) -> FillReport:
    report = apply_fills(book, read_transactions((HEAD + text).encode()))
    process_runs(book)
    return report


def _dump(book: Book) -> str:
    return "\n".join(book.database.connection.iterdump())


def test_parts_of_a_line_add_up_and_the_next_positions_change_nothing_more(book: Book) -> None:
    assert [qty for _, _, qty in _filled(book, SOLD + BOUGHT).booked] == [
        parse_qty(q) for q in ("25", "20", "20", "49")
    ]
    account = book.account(account_id(book, "1"))
    assert money_text(account.cash) == "74.95"
    assert {held.symbol: qty_text(held.qty) for held in account.positions} == {"AAA": "35", "BBB": "129"}
    assert [(one.filled, one.open) for one in list_states(book)] == [(2, 2)]
    done = {"1": {"AAA": "35", "BBB": "129", "CASH": "74.95"}, "2": START["2"]}
    plan = imported(book, positions(done, "2026-11-30 16:30"))
    assert not [change for _, change in plan.changes.values() if change.changed]
    assert not book.holds
    assert reconcile(book).paused == {}


def test_the_same_rows_again_change_nothing(book: Book) -> None:
    _filled(book, SOLD)
    before = _dump(book)
    assert (_filled(book, SOLD).known, _dump(book)) == (1, before)
    report = _filled(book, SOLD + BOUGHT)
    assert (report.known, len(report.booked)) == (1, 3)


def test_rows_that_positions_explained_before_are_known(book: Book) -> None:
    done = {"1": {"AAA": "35", "BBB": "129", "CASH": "50"}, "2": START["2"]}
    imported(book, positions(done, "2026-11-30 16:30"))
    report = _filled(book, SOLD + BOUGHT)
    assert (report.booked, report.unmatched) == ([], [])
    assert not book.holds


def test_flows_are_shown_and_a_trade_on_no_list_pauses_its_account(book: Book) -> None:
    report = _filled(book, "11/30/2026,2,Buy,CCC,5,10,,-50\n11/30/2026,1,MoneyLink Deposit,,,,,500\n")
    assert [(row.kind.value, row.line) for row in report.flows] == [("deposit", 3)]
    assert list(book.holds) == [account_id(book, "2")]
    assert "buy 5 CCC is on no trade list" in book.holds[account_id(book, "2")].reason
    assert money_text(book.account(account_id(book, "1")).cash) == "2000.00"


def test_a_row_that_is_refused_leaves_nothing_of_the_file(book: Book) -> None:
    before = _dump(book)
    with pytest.raises(Conflict, match="not known"):
        _filled(book, SOLD + "11/30/2026,9,Buy,BBB,1,50,,-50\n")
    assert _dump(book) == before
    assert len(book.account(account_id(book, "1")).positions) == 2


@pytest.mark.skipif(not SHARED.is_dir(), reason="the shared samples are not on this machine")
def test_the_shared_transactions_give_the_outcome_of_their_truth() -> None:
    truth = json.loads((SHARED / "schwab-transactions.json").read_text("utf-8"))
    book = empty_book()
    imported(book, (SHARED / "schwab-all-accounts.csv").read_bytes())
    account = account_id(book, truth["account"])
    for line in truth["trade_list"]:
        name, side, qty = f"list-{line['line']}", Side(line["side"]), parse_qty(line["quantity"])
        book.broker.submit_order(OrderRequest(account, name, line["symbol"], side, qty=qty))
    sync(book)
    make_list(book)
    set_time(book, MONDAY)
    rows = read_transactions((SHARED / "schwab-transactions.csv").read_bytes())
    report = apply_fills(book, rows, truth["account"])
    for one in truth["outcome"]:
        order = book.broker.order_by_client_id(account, f"list-{one['list_line']}")
        assert order is not None
        assert qty_text(order.filled_qty) == one["filled"]
        if "average_price" in one:
            assert price_text(order.filled_avg_price or Price(0)) == one["average_price"]
    flows = [(row.line, row.kind.value, row.amount and money_text(row.amount)) for row in report.flows]
    assert flows == [(one["file_line"], one["kind"], one["amount"]) for one in truth["flows"]]
    assert [row.line for row in report.unmatched] == [one["file_line"] for one in truth["unmatched"]]
    fees: dict[str, int] = dict(book.database.rows("SELECT o.client_order_id, sum(f.fees) FROM files_fills AS f"
                                   " JOIN files_orders AS o ON o.n = f.order_n GROUP BY 1"))  # fmt: skip
    assert money_text(Money(fees["list-1"])) == "0.11"
    assert list(book.holds) == [account]
