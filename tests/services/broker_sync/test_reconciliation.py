"""Reconciliation with the broker at the start (G14, G17): explained differences are applied, others pause."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from rebal_tui.broker.failures import BrokerRefused, BrokerUnavailable, RefusalCode
from rebal_tui.broker.protocol import FIRM_ACCOUNT, BrokerEvent
from rebal_tui.domain.decisions import Outcome, Verdict
from rebal_tui.domain.errors import Conflict
from rebal_tui.domain.orders import Order, OrderRequest, OrderStatus, Side
from rebal_tui.domain.quantities import Qty, parse_money, parse_price, parse_qty
from rebal_tui.domain.runs import RunStatus, RunType
from rebal_tui.services.advisory import cash
from rebal_tui.services.book.book import Book
from rebal_tui.services.broker_sync.events import sync
from rebal_tui.services.broker_sync.reconciliation.reconcile import reconcile
from rebal_tui.services.broker_sync.reconciliation.release import check_release, differences, release
from rebal_tui.services.evaluation.account import evaluate_account
from rebal_tui.services.maintenance.check import check_book
from rebal_tui.services.queries.accounts import account_row
from rebal_tui.services.queries.desk import account_view, desk_snapshot
from rebal_tui.services.reports.audit_sentences import audit_sentence
from rebal_tui.services.runs.manual import cancel_run, create_run
from rebal_tui.services.schedule import scheduler
from rebal_tui.store import audit, holds, jobs, run_orders
from tests.services.brokers import BrokerWrapper, broker, reopen
from tests.services.factories import (
    SLOW,
    account,
    advance,
    advance_to,
    balanced,
    fill_book,
    make_book,
    only_run,
    unsubscribe_account,
)

DOLLARS = parse_money("1000")


def mid_run_book(path: Path) -> Book:
    """A book whose run has its sells at the broker, none of them filled, and a second account that is on target."""
    book = make_book("2026-03-02 09:30", path=path, model=SLOW)
    fill_book(
        book,
        [account("a", "1000", {"SPY": "100", "GLD": "20"}), account("b", "20000")],
        [balanced()],
        {"a": "balanced"},
    )
    scheduler.tick(book)
    assert only_run(book).status is RunStatus.IN_PROGRESS
    assert not book.database.rows("SELECT 1 FROM fills")
    return book


def advance_broker(book: Book, minutes: int = 5) -> None:
    """Time passes at the broker, and the book reads none of its events."""
    broker(book).advance(book.now() + timedelta(minutes=minutes))


def changes(book: Book) -> int:
    return book.database.connection.total_changes


def alerts(book: Book) -> list[tuple[str, str]]:
    return [(alert.kind, alert.subject) for alert in jobs.open_alerts(book.database) if alert.kind == "reconciliation"]


def sql(statement: str, *parameters: object) -> Callable[[Book], None]:
    """A change of the file that bypasses the program and the broker."""

    def act(book: Book) -> None:
        book.database.connection.execute("PRAGMA ignore_check_constraints = ON")
        book.database.connection.execute(statement, parameters)
        book.database.connection.execute("PRAGMA ignore_check_constraints = OFF")

    return act


class AlteredOrders(BrokerWrapper):
    """Answers queries about orders differently from the broker below."""

    def __init__(self, book: Book, order: Callable[[Order | None], Order | None]) -> None:
        super().__init__(book)
        self._order = order

    def order_by_client_id(self, account_id: str, client_order_id: str) -> Order | None:
        return self._order(self.inner.order_by_client_id(account_id, client_order_id))


def altered_orders(**other: Any) -> Callable[[Book], None]:
    """The broker returns orders with other fields."""
    return lambda book: _alter_orders(book, lambda order: replace(order, **other) if order else None)


def orders_unknown(book: Book) -> None:
    _alter_orders(book, lambda _order: None)


def _alter_orders(book: Book, change: Callable[[Order | None], Order | None]) -> None:
    AlteredOrders(book, change)


def fills_reversed(book: Book) -> None:
    """The book has the broker's orders, with more filled than the broker reports."""
    advance_broker(book)
    sync(book)
    book.database.connection.execute("UPDATE sim_fills SET qty = qty - 1 WHERE n = 1")
    first = book.database.row("SELECT order_n FROM sim_fills WHERE n = 1")
    assert first is not None
    book.database.connection.execute("UPDATE sim_orders SET filled_qty = filled_qty - 1 WHERE n = ?", first)


def replies_lost(book: Book) -> None:
    """The orders were accepted, and the replies were lost."""
    book.database.connection.execute("UPDATE orders SET broker_id = NULL, status = 'pending_new'")


def fills_lost(book: Book) -> None:
    """Fills were reported and the cursor is past them, but they are missing from the book's file."""
    advance_broker(book)
    sync(book)
    book.database.connection.execute("DELETE FROM fills")
    book.database.connection.execute("UPDATE orders SET filled_qty = 0, status = 'new'")


def external_order(book: Book) -> None:
    request = OrderRequest("b", "by-hand", "SPY", Side.BUY, notional=DOLLARS)
    broker(book).place_external_order("b", request, book.now())


def external_fill(book: Book) -> None:
    external_order(book)
    advance_broker(book, 10)


def order_reopened(book: Book) -> None:
    advance_broker(book)
    sync(book)
    altered_orders(status=OrderStatus.NEW)(book)


def order_with_our_prefix(book: Book) -> None:
    request = OrderRequest("b", f"rt-{'0' * 32}-1", "SPY", Side.BUY, notional=DOLLARS)
    broker(book).place_external_order("b", request, book.now())
    advance_broker(book, 10)


def transfer_in(book: Book) -> None:
    broker(book).transfer_in("b", "TLT", parse_qty("3"), parse_price("90"), book.now())


def cancel_all(book: Book) -> None:
    for order in broker(book).open_orders("a"):
        broker(book).cancel_order("a", order.id)


def journal_executed(book: Book) -> None:
    """A journal was executed and reported, but its end is missing from the book's file."""
    made = cash.create_journal(book, "b", DOLLARS, incoming=False)
    advance_broker(book, 60 * 24)
    sync(book)
    book.database.connection.execute("UPDATE journals SET status = 'queued' WHERE id = ?", (made.id,))


def journal_unknown(book: Book) -> None:
    made = cash.create_journal(book, "b", DOLLARS, incoming=False)
    book.database.connection.execute("UPDATE journals SET id = 'no such' WHERE id = ?", (made.id,))


@dataclass(frozen=True)
class Row:
    """An unobserved change, and the result of the reconciliation: the reason of a pause, or none."""

    happened: Callable[[Book], None]
    account: str = ""
    reason: str = ""


EXPLAINED = {
    "nothing": Row(lambda _book: None),
    "an answer was lost": Row(replies_lost),
    "orders filled": Row(advance_broker),
    "fills were missed": Row(fills_lost),
    "orders were canceled": Row(cancel_all),
    "an external order": Row(external_order),
    "an external order filled": Row(external_fill),
    "a deposit": Row(lambda book: no_op(broker(book).deposit("b", DOLLARS, book.now()))),
    "a returned deposit": Row(lambda book: no_op(broker(book).return_deposit("b", DOLLARS, book.now()))),
    "a transfer of shares": Row(transfer_in),
    "a restriction": Row(lambda book: broker(book).set_account_status("b", "DISABLED", book.now())),
    "a status without an event": Row(sql("UPDATE sim_accounts SET status = 'DISABLED' WHERE id = 'b'")),
    "a journal under way": Row(lambda book: no_op(cash.create_journal(book, "b", DOLLARS, incoming=True))),
    "the end of a journal was missed": Row(journal_executed),
    "a journal from the firm": Row(
        lambda book: no_op(broker(book).create_journal(FIRM_ACCOUNT, "b", DOLLARS, "gift", "key"))
    ),
    "settlement": Row(lambda book: advance_broker(book, 60 * 26)),
    "unused statuses": Row(altered_orders(status=OrderStatus.SUSPENDED)),
}
UNEXPLAINED = {
    "cash differs": Row(sql("UPDATE sim_accounts SET cash = cash + 1 WHERE id = 'b'"), "b", "20000.000000001 at"),
    "shares differ": Row(sql("UPDATE sim_positions SET qty = qty + 1"), "a", "GLD: 20 in the book, 20.000000001 at"),
    "a split overnight": Row(sql("UPDATE sim_positions SET qty = qty * 2"), "a", "as after a 2-for-1 split"),
    "shares joined": Row(sql("UPDATE sim_positions SET qty = qty / 10"), "a", "as after a 1-for-10 split"),
    "a missing holding": Row(sql("DELETE FROM sim_positions WHERE asset = 1"), "a", "0 at the broker"),
    "an accepted order is missing": Row(orders_unknown, "a", "the broker no longer has it"),
    "an order that is another": Row(altered_orders(side=Side.BUY), "a", "is a different order at the broker"),
    "an order with another id": Row(altered_orders(id="other"), "a", "a different id at the broker"),
    "a busted execution": Row(fills_reversed, "a", "the broker reduced it to"),
    "more filled than ordered": Row(altered_orders(filled_qty=parse_qty("500")), "a", "more than the"),
    "filled without executions": Row(altered_orders(filled_qty=Qty(1)), "a", "at the broker, 0 by its executions"),
    "a final order is open again": Row(
        order_reopened, "a", "was filled and is new at the broker",
    ),
    "an execution without an order": Row(order_with_our_prefix, "b", "prefix, but for no order of this book"),
    "a journal is missing": Row(journal_unknown, "b", "no such journal"),
    "the account is missing": Row(lambda book: no_op(TruncatedListing(book, "b")), "b", "does not have the account"),
}  # fmt: skip


class TruncatedListing(BrokerWrapper):
    """A broker that has lost an account."""

    def __init__(self, book: Book, account_id: str) -> None:
        super().__init__(book)
        self._lost = account_id

    def account_listing(self) -> Any:
        whole = self.inner.account_listing()
        lost = whole.ids.index(self._lost)
        mask = whole.owner != lost
        texts = {
            name: [value for position, value in enumerate(getattr(whole, name)) if position != lost]
            for name in ("ids", "numbers", "names", "statuses", "restrictions", "cash", "unsettled", "created_at")
        }
        columns = {name: getattr(whole, name)[mask] for name in ("asset", "qty", "entry_price")}
        return replace(whole, **texts, owner=whole.owner[mask] - (whole.owner[mask] > lost), **columns)

    def account(self, account_id: str) -> Any:
        if account_id == self._lost:
            raise BrokerRefused(RefusalCode.NOT_FOUND, "no such account")
        return self.inner.account(account_id)


def no_op(_value: object) -> None:
    return None


@pytest.mark.slow
@pytest.mark.parametrize("name", EXPLAINED)
def test_explained_differences_are_applied_once(name: str, tmp_path: Path) -> None:
    book = mid_run_book(tmp_path / "book.db")
    EXPLAINED[name].happened(book)
    assert reconcile(book).paused == {}
    assert (book.holds, alerts(book)) == ({}, [])
    before = changes(book)
    again = reconcile(book)
    assert (again.applied, again.paused, changes(book) - before) == (0, {}, 0)
    if name not in ("a status without an event", "unused statuses"):
        book.reload()
        assert check_book(book.database, broker(book)).faults == ()


@pytest.mark.slow
@pytest.mark.parametrize("name", UNEXPLAINED)
def test_an_unexplained_difference_pauses_only_its_account_with_the_reason(name: str, tmp_path: Path) -> None:
    row = UNEXPLAINED[name]
    book = mid_run_book(tmp_path / "book.db")
    row.happened(book)
    made = reconcile(book)
    assert list(made.paused) == [row.account]
    assert any(row.reason in reason for reason in made.paused[row.account])
    assert alerts(book) == [("reconciliation", row.account)]
    assert audit.entries(book.database, 1)[0].action == "reconciliation.paused"
    before = changes(book)
    assert reconcile(book).paused == {}
    assert changes(book) == before
    assert list(holds.load(book.database)) == [row.account]


def paused_book(path: Path) -> Book:
    book = mid_run_book(path)
    sql("UPDATE sim_positions SET qty = qty * 2")(book)
    return reopen(book, model=SLOW)


def test_the_book_is_reconciled_at_opening_and_a_pause_survives_a_restart(tmp_path: Path) -> None:
    book = paused_book(tmp_path / "book.db")
    assert book.reconciled
    assert "2-for-1 split" in book.holds["a"].reason
    assert reopen(book, model=SLOW).holds.keys() == {"a"}


def test_a_paused_account_is_neither_evaluated_nor_traded_and_shows_why(tmp_path: Path) -> None:
    book = paused_book(tmp_path / "book.db")
    sent = book.database.rows("SELECT count(*) FROM sim_orders")
    advance(book, 30)
    assert book.database.rows("SELECT count(*) FROM sim_orders") == sent
    assert only_run(book).status is RunStatus.IN_PROGRESS
    made = evaluate_account(book, "a")
    assert made.outcome is Outcome.BLOCKED
    assert (made.trace[-1].check, made.trace[-1].verdict) == ("reconciliation", Verdict.FAIL)
    assert "2-for-1 split" in made.reason
    assert "paused: GLD: 20 in the book" in account_row(book, "a").exception
    assert any("paused" in text for text in account_view(book, "a").restrictions)
    (row,) = [row for row in desk_snapshot(book).rows if row.account_id == "a"]
    assert (row.exception, row.state) == (True, "mismatch")
    with pytest.raises(Conflict, match="is paused: GLD"):
        create_run(book, "a", RunType.INVEST_CASH)


def test_the_run_of_a_paused_account_can_be_canceled(tmp_path: Path) -> None:
    book = paused_book(tmp_path / "book.db")
    cancel_run(book, only_run(book).id)
    advance(book, 10)
    assert only_run(book).status is RunStatus.CANCELED_MID_RUN


def test_the_run_of_a_paused_account_ends_with_the_session(tmp_path: Path) -> None:
    book = paused_book(tmp_path / "book.db")
    advance_to(book, "2026-03-02 16:01")
    assert only_run(book).status is RunStatus.TIMEOUT


def test_other_accounts_continue_while_one_is_paused(tmp_path: Path) -> None:
    book = mid_run_book(tmp_path / "book.db")
    sql("UPDATE sim_accounts SET cash = cash + 1 WHERE id = 'b'")(book)
    book = reopen(book, model=SLOW)
    assert list(book.holds) == ["b"]
    advance(book, 15)
    assert only_run(book).status.completed


def test_an_advisor_releases_an_account_with_the_figures_of_the_broker(tmp_path: Path) -> None:
    book = paused_book(tmp_path / "book.db")
    assert ("GLD", "20", "40") in differences(book, "a")
    release(book, "a")
    assert (book.holds, alerts(book)) == ({}, [])
    assert book.account("a").holding("GLD") == parse_qty("40")
    entry = audit.entries(book.database, 1)[0]
    assert (entry.action, entry.actor, "2-for-1" in entry.detail) == ("reconciliation.released", "advisor", True)
    told = audit_sentence(book, entry)
    changed = "GLD from 20 to 40 shares, SPY from 100 to 200 shares"
    assert told == f"The broker's figures were applied: {changed}; trading of the account resumes."
    with pytest.raises(Conflict, match="not paused"):
        check_release(book, "a")
    assert reconcile(book).paused == {}
    advance(book, 15)
    assert only_run(book).status.final


def test_an_order_that_the_broker_lost_ends_when_its_account_is_released(tmp_path: Path) -> None:
    book = mid_run_book(tmp_path / "book.db")
    book.database.connection.execute("PRAGMA foreign_keys = OFF")
    book.database.connection.execute("DROP TRIGGER sim_events_keep_delete")
    for table in ("sim_events", "sim_orders"):
        column = "order_n IS NOT NULL" if table == "sim_events" else "1"
        book.database.connection.execute(f"DELETE FROM {table} WHERE {column}")
    book.database.connection.execute("PRAGMA foreign_keys = ON")
    reconcile(book)
    assert list(book.holds) == ["a"]
    release(book, "a")
    statuses = {order.status for _, order, _ in run_orders.of_run(book.database, only_run(book).id)}
    assert statuses == {OrderStatus.REJECTED}
    advance(book, 15)
    assert only_run(book).status.final


def test_a_busted_execution_is_reversed_when_its_account_is_released(tmp_path: Path) -> None:
    book = mid_run_book(tmp_path / "book.db")
    advance_broker(book)
    sync(book)
    connection = book.database.connection
    busted = book.database.row(
        "SELECT f.n, f.execution_id, f.qty, f.order_n FROM sim_fills f JOIN sim_orders o ON o.n = f.order_n "
        "GROUP BY f.order_n HAVING count(*) > 1"
    )
    assert busted is not None
    number, execution, qty, order = busted
    connection.execute("DROP TRIGGER sim_events_keep_delete")
    connection.execute("DELETE FROM sim_events WHERE fill = ?", (number,))
    connection.execute("DELETE FROM sim_fills WHERE n = ?", (number,))
    connection.execute("UPDATE sim_orders SET filled_qty = filled_qty - ? WHERE n = ?", (qty, order))
    reconcile(book)
    assert "the broker reduced it" in book.holds["a"].reason
    release(book, "a")
    assert book.database.rows("SELECT 1 FROM fills WHERE execution_id = ?", (execution,)) == []
    assert {entry.action for entry in audit.entries(book.database, 4)} >= {"reconciliation.execution_taken_back"}
    assert reconcile(book).paused == {}


def test_nothing_is_decided_before_the_broker_was_polled(tmp_path: Path) -> None:
    class Unresponsive(BrokerWrapper):
        failing = True

        def events(self, after: int, limit: int = 10_000) -> list[BrokerEvent]:
            if self.failing:
                raise BrokerUnavailable("no answer")
            return list(self.inner.events(after, limit))

    book = make_book("2026-03-02 09:30", path=tmp_path / "book.db", model=SLOW)
    fill_book(book, [account("a", "20000")], [balanced()], {"a": "balanced"})
    book.reconciled = False
    unresponsive = Unresponsive(book)
    advance(book, 2)
    assert not book.reconciled
    assert book.database.rows("SELECT 1 FROM runs") == []
    assert [alert.kind for alert in jobs.open_alerts(book.database)] == ["broker"]
    unresponsive.failing = False
    advance(book, 1)
    assert book.reconciled
    assert only_run(book)


@pytest.mark.slow
def test_a_restart_after_a_kill_resumes_all_open_orders(tmp_path: Path) -> None:
    """`MANY_ORDERS=1000` is the drill with a thousand orders."""
    count = int(os.environ.get("MANY_ORDERS", "60")) // 2
    book = make_book("2026-03-02 09:30", path=tmp_path / "book.db", model=SLOW)
    names = [f"a{number}" for number in range(count)]
    fill_book(
        book,
        [account(name, "100", {"SPY": "10", "GLD": "10"}) for name in names],
        [balanced("bonds", {"TLT": "95"})],
        dict.fromkeys(names, "bonds"),
    )
    scheduler.tick(book)
    opened = book.database.row("SELECT count(*) FROM sim_orders WHERE open = 1")
    assert opened == (2 * count,)
    advance_broker(book, 2)
    unread = book.broker.events(int(book.database.rows("SELECT value FROM meta WHERE name = 'broker_cursor'")[0][0]))
    assert unread
    again = reopen(book, model=SLOW)
    assert again.holds == {}
    assert check_book(again.database, broker(again)).faults == ()
    assert len(again.database.rows("SELECT 1 FROM fills")) == sum(event.fill is not None for event in unread)


def test_an_account_without_a_subscription_is_compared_too(tmp_path: Path) -> None:
    book = mid_run_book(tmp_path / "book.db")
    unsubscribe_account(book, "a")
    sql("UPDATE sim_accounts SET cash = cash - 1 WHERE id = 'a'")(book)
    assert list(reconcile(book).paused) == ["a"]
    assert differences(book, "a")[0][0] == "cash"
