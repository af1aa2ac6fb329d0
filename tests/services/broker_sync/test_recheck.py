"""A pause ends automatically when later events account for the whole difference, and never when a part remains."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from rebal_tui.broker.protocol import BrokerEvent
from rebal_tui.domain.accounts import Restriction
from rebal_tui.domain.orders import Order, Side
from rebal_tui.domain.quantities import parse_price, parse_qty
from rebal_tui.domain.runs import RunStatus
from rebal_tui.services.book.book import Book
from rebal_tui.services.book.progress import PollingState
from rebal_tui.services.broker_sync import missed_events
from rebal_tui.services.broker_sync.events import sync
from rebal_tui.services.broker_sync.reconciliation.recheck import recheck
from rebal_tui.services.broker_sync.reconciliation.reconcile import LATE_EVENT_MAX_AGE, reconcile
from rebal_tui.services.maintenance.check import check_book
from rebal_tui.services.schedule import scheduler
from rebal_tui.store import audit, book_settings, holds, jobs
from rebal_tui.store.holds import HoldCause, HoldKind
from tests.live.test_differences_without_events import RemoteBroker, advance_clock
from tests.services.broker_sync.test_missed_events import (
    BROKER_CHANGES,
    deposit,
    fill_orders,
    mid_run_book,
    miss_events,
    transfer,
)
from tests.services.brokers import BrokerWrapper, Repeating, broker, reopen
from tests.services.factories import SLOW, advance, only_run

CASH_UPDATE = "UPDATE sim_accounts SET cash = cash + {} WHERE id = 'b'"


class LaggingBroker(BrokerWrapper):
    """Its stream lags behind its own records: it returns no new events until released."""

    def __init__(self, book: Book) -> None:
        super().__init__(book)
        self.reported = int(book_settings.get(book.database, "broker_cursor"))
        self.behind = True
        self.only: list[BrokerEvent] | None = None

    def events(self, after: int, limit: int = 10_000) -> Sequence[BrokerEvent]:
        if self.only is not None:
            only, self.only = self.only, []
            return only
        found = self.inner.events(after, limit)
        return [event for event in found if event.seq <= self.reported or not self.behind]


def paused(path: Path, *changes: Callable[[Book], None]) -> tuple[Book, LaggingBroker]:
    """A book opened while its broker's stream lagged."""
    book = mid_run_book(path)
    stream = LaggingBroker(book)
    for change in changes:
        change(book)
    reconcile(book)
    assert book.holds
    assert alerts(book) == sorted(book.holds)
    return book, stream


def found(book: Book, account_id: str) -> HoldCause:
    """What a reconciliation found."""
    return book.holds[account_id].of(HoldKind.RECONCILIATION)[0]


def alerts(book: Book) -> list[str]:
    return sorted(alert.subject for alert in jobs.open_alerts(book.database) if alert.kind == "reconciliation")


def reported(book: Book) -> list[tuple[str, str]]:
    """The audit entries about pauses, newest first."""
    entries = audit.entries(book.database, -1)
    return [(e.action, e.actor) for e in entries if e.action in ("reconciliation.paused", "reconciliation.explained")]


def change_cash(book: Book, cents: int = 1) -> None:
    """Cash changes at the broker without an event."""
    book.database.connection.execute(CASH_UPDATE.format(cents))


def change_shares(book: Book) -> None:
    """Shares change at the broker without an event."""
    book.database.connection.execute("UPDATE sim_positions SET qty = qty + 1")


def paused_with_missed_event(
    path: Path, *changes: Callable[[Book], None]
) -> tuple[Book, Sequence[BrokerEvent], LaggingBroker]:
    """A book whose stream skipped the first event and did not return it when the book was opened."""
    book = mid_run_book(path)
    before = int(book_settings.get(book.database, "broker_cursor"))
    miss_events(book, changes[0])
    for change in changes[1:]:
        change(book)
    late = book.broker.events(before)
    stream = LaggingBroker(book)
    stream.reported, stream.only = before, []
    reconcile(book)
    return book, late, stream


def deliver(book: Book, events: Sequence[BrokerEvent]) -> None:
    """Synchronize with a stream that returns the given events; it lags no longer."""
    assert isinstance(book.broker, LaggingBroker)
    book.broker.behind, book.broker.only = False, list(events)
    sync(book)
    book.broker.only = None
    recheck(book)


@pytest.mark.slow
@pytest.mark.parametrize("changes", BROKER_CHANGES)
def test_events_in_transit_explain_a_pause_and_end_it(changes: Callable[[Book], None], tmp_path: Path) -> None:
    book, stream = paused(tmp_path / "book.db", changes)
    assert len(reported(book)) == len(book.holds)
    scheduler.tick(book)
    assert book.holds
    stream.behind = False
    scheduler.tick(book)
    assert (book.holds, holds.load(book.database), alerts(book)) == ({}, {}, [])
    assert reported(book)[0] == ("reconciliation.explained", "broker")
    assert check_book(book.database, broker(book)).faults == ()
    advance(book, 15)
    assert only_run(book).status.completed


def test_a_difference_is_explained_after_a_restart_too(tmp_path: Path) -> None:
    book, _ = paused(tmp_path / "book.db", *BROKER_CHANGES)
    assert set(book.holds) == {"a", "b"}
    book = reopen(book, model=SLOW)
    scheduler.tick(book)
    assert book.holds == {}


def test_a_restart_between_an_event_and_its_recheck_loses_nothing(tmp_path: Path) -> None:
    book, stream = paused(tmp_path / "book.db", *BROKER_CHANGES)
    stream.behind = False
    sync(book)
    book = reopen(book, model=SLOW)
    assert set(book.holds) == {"a", "b"}
    scheduler.tick(book)
    assert book.holds == {}


def test_an_earlier_missed_event_explains_the_difference_once_received(tmp_path: Path) -> None:
    book, late, _ = paused_with_missed_event(tmp_path / "book.db", deposit)
    assert list(book.holds) == ["b"]
    deliver(book, late)
    assert (book.holds, missed_events.numbers(book.database)) == ({}, [])


def test_a_missed_event_explains_nothing_before_it_is_received(tmp_path: Path) -> None:
    book, late, stream = paused_with_missed_event(tmp_path / "book.db", deposit)
    deposit(book)
    deliver(book, stream.inner.events(late[-1].seq))
    assert book.account("b") == broker(book).account("b")
    assert list(book.holds) == ["b"]
    deliver(book, late)
    assert book.holds == {}


def test_a_transfer_reported_in_time_explains_no_later_difference(tmp_path: Path) -> None:
    def delivered_in_time(book: Book) -> None:
        transfer(book)
        sync(book)
        change_shares(book)

    book, late, _ = paused_with_missed_event(tmp_path / "book.db", deposit, delivered_in_time)
    assert set(book.holds) == {"a", "b"}
    deliver(book, late)
    assert book.account("b") == broker(book).account("b")
    assert set(book.holds) == {"a", "b"}


def test_shares_that_change_after_their_event_do_not_end_the_pause(tmp_path: Path) -> None:
    book, stream = paused(tmp_path / "book.db", transfer)
    stream.behind = False
    sync(book)
    change_shares(book)
    recheck(book)
    assert list(book.holds) == ["b"]


@pytest.mark.slow
@pytest.mark.parametrize("changes", BROKER_CHANGES)
def test_a_real_difference_keeps_the_pause_even_if_the_figures_are_equal(
    changes: Callable[[Book], None], tmp_path: Path
) -> None:
    def differs(book: Book) -> None:
        book.database.connection.execute("UPDATE sim_accounts SET cash = cash + 1")

    book, stream = paused(tmp_path / "book.db", changes, differs)
    stream.behind = False
    everyone = set(book.holds)
    for account_id in everyone:
        broker(book).deposit(account_id, book.account("c").cash, book.now())
    advance(book, 3)
    assert all(book.account(account_id) == broker(book).account(account_id) for account_id in everyone)
    assert (set(book.holds), set(alerts(book))) == (everyone, everyone)
    book = reopen(book, model=SLOW)
    scheduler.tick(book)
    assert set(book.holds) == everyone


def test_a_later_account_change_explains_no_earlier_difference(tmp_path: Path) -> None:
    book, stream = paused(tmp_path / "book.db", change_shares)
    assert list(book.holds) == ["a"]
    stream.behind = False
    advance_clock(book, minutes=1)
    broker(book).set_restrictions("a", frozenset({Restriction.TRADING_BLOCKED}), book.now())
    broker(book).transfer_in("a", "TLT", parse_qty("3"), parse_price("90"), book.now())
    scheduler.tick(book)
    assert book.account("a") == broker(book).account("a")
    assert list(book.holds) == ["a"]


def test_a_repeated_event_explains_nothing(tmp_path: Path) -> None:
    book = mid_run_book(tmp_path / "book.db")
    transfer(book)
    scheduler.tick(book)
    change_shares(book)
    reconcile(book)
    Repeating(book)
    deposit(book)
    advance(book, 3)
    assert set(book.holds) == {"a", "b"}


def test_a_difference_that_the_broker_corrects_ends_the_pause(tmp_path: Path) -> None:
    book, stream = paused(tmp_path / "book.db", change_cash)
    stream.behind = False
    change_cash(book, -1)
    advance(book, 1)
    assert list(book.holds) == ["b"]
    deposit(book)
    advance(book, 1)
    assert book.holds == {}


def test_a_difference_that_no_event_can_explain_needs_a_person(tmp_path: Path) -> None:
    book = mid_run_book(tmp_path / "book.db")

    class ChangedFigures(BrokerWrapper):
        other = True

        def order_by_client_id(self, account_id: str, client_order_id: str) -> Order | None:
            order: Order | None = self.inner.order_by_client_id(account_id, client_order_id)
            return replace(order, side=Side.BUY) if order and self.other else order

    answers = ChangedFigures(book)
    reconcile(book)
    assert found(book, "a").baseline is None
    answers.other = False
    fill_orders(book)
    advance(book, 3)
    assert list(book.holds) == ["a"]
    change_cash(book)
    book.database.connection.execute("UPDATE sim_accounts SET cash = cash + 1 WHERE id = 'a'")
    reconcile(book)
    assert found(book, "a").baseline is None


def test_a_second_difference_does_not_replace_the_first(tmp_path: Path) -> None:
    book, stream = paused(tmp_path / "book.db", change_cash)
    first = found(book, "b")
    stream.behind = False
    deposit(book)
    scheduler.tick(book)
    change_cash(book)
    reconcile(book)
    second = found(book, "b")
    assert second.reason != first.reason
    assert (second.at, second.baseline) == (first.at, first.baseline)
    change_cash(book, -1)
    deposit(book)
    advance(book, 1)
    assert list(book.holds) == ["b"]


def test_a_pause_stored_by_an_earlier_version_needs_a_person(tmp_path: Path) -> None:
    book, stream = paused(tmp_path / "book.db", deposit)
    book.database.connection.execute("UPDATE hold_causes SET baseline = NULL")
    book.reload()
    stream.behind = False
    scheduler.tick(book)
    assert list(book.holds) == ["b"]


@pytest.mark.parametrize(
    ("late", "left"), [(LATE_EVENT_MAX_AGE, ["b"]), (LATE_EVENT_MAX_AGE - timedelta(seconds=1), [])]
)
def test_after_days_no_event_explains_the_difference(late: timedelta, left: list[str], tmp_path: Path) -> None:
    book, stream = paused(tmp_path / "book.db", deposit)
    stream.behind = False
    advance_clock(book, seconds=int(late.total_seconds()))
    scheduler.tick(book)
    assert list(book.holds) == left


def test_orders_filled_while_the_program_was_off_are_explained_by_their_events(tmp_path: Path) -> None:
    """At a real broker the order is requested at once, while its events arrive some seconds later."""
    book = mid_run_book(tmp_path / "book.db")
    remote = RemoteBroker(book)
    scheduler.tick(book)
    remote.disconnected = True
    fill_orders(book)
    book.polling_state, book.reconciled = PollingState(), False
    advance_clock(book, minutes=10)
    scheduler.tick(book)
    assert "at the broker, 0 by its executions" in book.holds["a"].reason
    remote.disconnected = False
    scheduler.tick(book)
    assert (book.holds, alerts(book)) == ({}, [])
    advance(book, 15)
    assert only_run(book).status is RunStatus.COMPLETED_SUCCESS
