"""Events missing from the broker's stream are requested when the book is opened; late events pause no account."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from rebal_tui.broker.failures import BrokerUnavailable
from rebal_tui.broker.protocol import BrokerEvent
from rebal_tui.domain.orders import OrderRequest, Side
from rebal_tui.domain.quantities import parse_money, parse_price, parse_qty
from rebal_tui.domain.runs import RunStatus
from rebal_tui.services.book.book import Book
from rebal_tui.services.broker_sync import missed_events
from rebal_tui.services.broker_sync.events import sync
from rebal_tui.services.broker_sync.reconciliation.reconcile import reconcile
from rebal_tui.services.maintenance.check import check_book
from rebal_tui.services.schedule import scheduler
from rebal_tui.store import book_settings, jobs
from tests.services.brokers import BrokerWrapper, broker, reopen
from tests.services.factories import SLOW, account, balanced, fill_book, make_book, only_run

DOLLARS = parse_money("1000")


class LatestEventOnly(BrokerWrapper):
    """Of the new events, its stream returns only the latest."""

    def events(self, after: int, limit: int = 10_000) -> Sequence[BrokerEvent]:
        return list(self.inner.events(after, limit))[-1:]


class Delayed(BrokerWrapper):
    """Its stream returns nothing the first time it is read."""

    silent = True

    def events(self, after: int, limit: int = 10_000) -> Sequence[BrokerEvent]:
        events_read, self.silent = [] if self.silent else self.inner.events(after, limit), False
        return events_read


class CutOff(BrokerWrapper):
    """Answers a number of requests and then no more."""

    def __init__(self, book: Book, questions: int) -> None:
        super().__init__(book)
        self._left = questions

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.inner, name)
        return self._counted(found) if callable(found) else found

    def _counted(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*arguments: Any) -> Any:
            self._left -= 1
            if self._left < 0:
                raise BrokerUnavailable("no answer")
            return call(*arguments)

        return counted


def fill_orders(book: Book) -> None:
    broker(book).advance(book.now().replace(minute=40))


def deposit(book: Book) -> None:
    broker(book).deposit("b", DOLLARS, book.now())


def transfer(book: Book) -> None:
    broker(book).transfer_in("b", "TLT", parse_qty("3"), parse_price("90"), book.now())


def deposit_returned(book: Book) -> None:
    broker(book).return_deposit("b", DOLLARS, book.now())


def external_order_filled(book: Book) -> None:
    request = OrderRequest("b", "by-hand", "SPY", Side.BUY, notional=DOLLARS)
    broker(book).place_external_order("b", request, book.now())
    fill_orders(book)


BROKER_CHANGES = (fill_orders, deposit, transfer, external_order_filled, deposit_returned)


def mid_run_book(path: Path) -> Book:
    """A book whose account `a` has its sells at the broker, and two unsubscribed accounts."""
    book = make_book("2026-03-02 09:30", path=path, model=SLOW)
    accounts = [account("a", "1000", {"SPY": "100", "GLD": "20"}), account("b", "20000"), account("c", "1000")]
    fill_book(book, accounts, [balanced()], {"a": "balanced"})
    scheduler.tick(book)
    assert only_run(book).status is RunStatus.IN_PROGRESS
    return book


def miss_events(book: Book, *changes: Callable[[Book], None]) -> None:
    """Events that the book misses, followed by one in another account that it receives."""
    for change in changes:
        change(book)
    broker(book).deposit("c", DOLLARS, book.now())
    inner = book.broker
    LatestEventOnly(book)
    sync(book)
    book.broker = inner
    assert missed_events.numbers(book.database)


def assert_reconciled(book: Book) -> None:
    assert book.holds == {}
    assert [alert for alert in jobs.open_alerts(book.database) if alert.kind == "reconciliation"] == []
    assert missed_events.numbers(book.database) == []
    assert check_book(book.database, broker(book)).faults == ()


@pytest.mark.slow
@pytest.mark.parametrize("changes", BROKER_CHANGES)
def test_missed_events_are_requested_at_the_next_opening(changes: Callable[[Book], None], path: Path) -> None:
    book = mid_run_book(path)
    miss_events(book, changes)
    book = reopen(book, model=SLOW)
    assert_reconciled(book)
    before = book.database.connection.total_changes
    assert (reconcile(book).applied, book.database.connection.total_changes) == (0, before)


@pytest.mark.slow
@pytest.mark.parametrize("changes", BROKER_CHANGES)
def test_a_late_event_of_a_stream_is_not_requested_again(changes: Callable[[Book], None], path: Path) -> None:
    book = mid_run_book(path)
    cursor = int(book_settings.get(book.database, "broker_cursor"))
    miss_events(book, changes)
    late = list(book.broker.events(cursor))

    class Late(BrokerWrapper):
        def events(self, after: int, limit: int = 10_000) -> Sequence[BrokerEvent]:
            events_read = late[::-1]
            late.clear()
            return events_read

    Late(book)
    sync(book)
    assert_reconciled(book)


def test_a_difference_without_any_event_pauses_the_account(path: Path) -> None:
    book = mid_run_book(path)
    miss_events(book, fill_orders, deposit)
    book.database.connection.execute("UPDATE sim_accounts SET cash = cash + 1 WHERE id = 'b'")
    book = reopen(book, model=SLOW)
    assert list(book.holds) == ["b"]
    assert "21000.00 in the book" in book.holds["b"].reason
    assert "21000.000000001 at the broker" in book.holds["b"].reason


def test_fills_reported_by_an_order_explain_the_holdings_of_its_account(path: Path) -> None:
    """A file without recorded gaps, as an earlier version wrote it."""
    book = mid_run_book(path)
    miss_events(book, fill_orders)
    with book.database.write() as tx:
        book_settings.put(tx, missed_events.MISSED_KEY, "")
    assert_reconciled(reopen(book, model=SLOW))


def test_events_are_polled_once_more_before_an_account_is_paused(path: Path) -> None:
    book = mid_run_book(path)
    for changes in BROKER_CHANGES:
        changes(book)
    Delayed(book)
    assert reconcile(book).paused == {}
    assert_reconciled(book)


@pytest.mark.slow
def test_an_interrupted_read_leaves_no_partial_state(tmp_path: Path) -> None:
    for questions in range(100):
        book = mid_run_book(tmp_path / f"{questions}.db")
        miss_events(book, *BROKER_CHANGES)
        inner = book.broker
        CutOff(book, questions)
        try:
            reconcile(book)
        except BrokerUnavailable:
            assert book.holds == {}
            book.broker = inner
            assert_reconciled(reopen(book, model=SLOW))
        else:
            assert_reconciled(book)
            assert questions > 10
            return
    pytest.fail("it never came to its end")


def test_the_number_of_stored_missed_events_is_limited(path: Path) -> None:
    book = make_book(path=path)
    with book.database.write() as tx:
        missed_events.record(tx, 10, [12, 11, 13])
        assert missed_events.numbers(book.database) == []
        missed_events.record(tx, 13, [15, 18])
        assert missed_events.numbers(book.database) == [14, 16, 17]
        missed_events.record(tx, 18, [16, 19, 3])
        assert missed_events.numbers(book.database) == [14, 17]
        missed_events.record(tx, 19, [19 + 10**9])
    stored = missed_events.numbers(book.database)
    assert (len(stored), stored[-1]) == (missed_events.MAX_MISSED_EVENTS, 18 + 10**9)
    book.close()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "book.db"
