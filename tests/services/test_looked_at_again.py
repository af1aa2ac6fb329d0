"""A pause ends by itself when what was told later explains it whole, and never when something of it is left."""

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
from rebal_tui.services import passed_over, scheduler
from rebal_tui.services.book import Book, KeepingUp
from rebal_tui.services.checks import check_book
from rebal_tui.services.reconciliation.again import look_again
from rebal_tui.services.reconciliation.reconcile import LATE, reconcile
from rebal_tui.services.sync import sync
from rebal_tui.store import audit, holds, jobs, meta
from tests.live.test_keeping_up import Distant, pass_time
from tests.services.brokers import Around, Repeating, broker, reopen
from tests.services.test_passed_over import HAPPENED, deposit, in_the_middle, left_out, orders_filled, transfer
from tests.services.worlds import SLOW, go_on, only_run

ONE_MORE = "UPDATE sim_accounts SET cash = cash + {} WHERE id = 'b'"


class Behind(Around):
    """Its stream is behind its own books: it tells nothing new, whoever asks, until it is let."""

    def __init__(self, book: Book) -> None:
        super().__init__(book)
        self.told = int(meta.get(book.database, "broker_cursor"))
        self.behind = True
        self.only: list[BrokerEvent] | None = None

    def events(self, after: int, limit: int = 10_000) -> Sequence[BrokerEvent]:
        if self.only is not None:
            only, self.only = self.only, []
            return only
        found = self.inner.events(after, limit)
        return [event for event in found if event.seq <= self.told or not self.behind]


def paused(path: Path, *happened: Callable[[Book], None]) -> tuple[Book, Behind]:
    """A book opened while its broker's stream was behind."""
    book = in_the_middle(path)
    stream = Behind(book)
    for happens in happened:
        happens(book)
    reconcile(book)
    assert book.holds
    assert alerts(book) == sorted(book.holds)
    return book, stream


def alerts(book: Book) -> list[str]:
    return sorted(alert.subject for alert in jobs.open_alerts(book.database) if alert.kind == "reconciliation")


def told(book: Book) -> list[tuple[str, str]]:
    """What the trail tells of pauses, the newest first."""
    entries = audit.entries(book.database, -1)
    return [(e.action, e.actor) for e in entries if e.action in ("reconciliation.paused", "reconciliation.explained")]


def one_more(book: Book, cents: int = 1) -> None:
    """Cash changes at the broker, and no event tells of it."""
    book.database.connection.execute(ONE_MORE.format(cents))


def more_shares(book: Book) -> None:
    """Shares change at the broker, and no event tells of it."""
    book.database.connection.execute("UPDATE sim_positions SET qty = qty + 1")


def passed_over_and_paused(path: Path, *happened: Callable[[Book], None]) -> tuple[Book, Sequence[BrokerEvent], Behind]:
    """A book whose stream passed over the first that happened, and would not tell it when the book was opened."""
    book = in_the_middle(path)
    before = int(meta.get(book.database, "broker_cursor"))
    left_out(book, happened[0])
    for happens in happened[1:]:
        happens(book)
    late = book.broker.events(before)
    stream = Behind(book)
    stream.told, stream.only = before, []
    reconcile(book)
    return book, late, stream


def tell(book: Book, events: Sequence[BrokerEvent]) -> None:
    """A heartbeat at which the stream tells some events; its books are no longer behind."""
    assert isinstance(book.broker, Behind)
    book.broker.behind, book.broker.only = False, list(events)
    sync(book)
    book.broker.only = None
    look_again(book)


@pytest.mark.slow
@pytest.mark.parametrize("happened", HAPPENED)
def test_what_was_on_its_way_explains_a_pause_and_ends_it(happened: Callable[[Book], None], tmp_path: Path) -> None:
    book, stream = paused(tmp_path / "book.db", happened)
    assert len(told(book)) == len(book.holds)
    scheduler.tick(book)
    assert book.holds
    stream.behind = False
    scheduler.tick(book)
    assert (book.holds, holds.load(book.database), alerts(book)) == ({}, {}, [])
    assert told(book)[0] == ("reconciliation.explained", "broker")
    assert check_book(book.database, broker(book)).faults == ()
    go_on(book, 15)
    assert only_run(book).status.completed


def test_it_is_explained_after_a_restart_too(tmp_path: Path) -> None:
    book, _ = paused(tmp_path / "book.db", *HAPPENED)
    assert set(book.holds) == {"a", "b"}
    book = reopen(book, model=SLOW)
    scheduler.tick(book)
    assert book.holds == {}


def test_a_restart_after_it_was_told_and_before_it_was_looked_at_loses_nothing(tmp_path: Path) -> None:
    book, stream = paused(tmp_path / "book.db", *HAPPENED)
    stream.behind = False
    sync(book)
    book = reopen(book, model=SLOW)
    assert set(book.holds) == {"a", "b"}
    scheduler.tick(book)
    assert book.holds == {}


def test_what_had_been_passed_over_before_explains_it_when_it_is_told(tmp_path: Path) -> None:
    book, late, _ = passed_over_and_paused(tmp_path / "book.db", deposit)
    assert list(book.holds) == ["b"]
    tell(book, late)
    assert (book.holds, passed_over.numbers(book.database)) == ({}, [])


def test_what_is_passed_over_still_explains_nothing_yet(tmp_path: Path) -> None:
    book, late, stream = passed_over_and_paused(tmp_path / "book.db", deposit)
    deposit(book)
    tell(book, stream.inner.events(late[-1].seq))
    assert book.account("b") == broker(book).account("b")
    assert list(book.holds) == ["b"]
    tell(book, late)
    assert book.holds == {}


def test_a_transfer_that_was_told_in_time_explains_nothing_later(tmp_path: Path) -> None:
    def told_in_time(book: Book) -> None:
        transfer(book)
        sync(book)
        more_shares(book)

    book, late, _ = passed_over_and_paused(tmp_path / "book.db", deposit, told_in_time)
    assert set(book.holds) == {"a", "b"}
    tell(book, late)
    assert book.account("b") == broker(book).account("b")
    assert set(book.holds) == {"a", "b"}


def test_shares_that_change_after_they_were_told_of_do_not_end_the_pause(tmp_path: Path) -> None:
    book, stream = paused(tmp_path / "book.db", transfer)
    stream.behind = False
    sync(book)
    more_shares(book)
    look_again(book)
    assert list(book.holds) == ["b"]


@pytest.mark.slow
@pytest.mark.parametrize("happened", HAPPENED)
def test_a_real_difference_stays_however_alike_the_figures_are(
    happened: Callable[[Book], None], tmp_path: Path
) -> None:
    def differs(book: Book) -> None:
        book.database.connection.execute("UPDATE sim_accounts SET cash = cash + 1")

    book, stream = paused(tmp_path / "book.db", happened, differs)
    stream.behind = False
    everyone = set(book.holds)
    for account_id in everyone:
        broker(book).deposit(account_id, book.account("c").cash, book.now())
    go_on(book, 3)
    assert all(book.account(account_id) == broker(book).account(account_id) for account_id in everyone)
    assert (set(book.holds), set(alerts(book))) == (everyone, everyone)
    book = reopen(book, model=SLOW)
    scheduler.tick(book)
    assert set(book.holds) == everyone


def test_an_account_that_changes_later_explains_nothing_of_before(tmp_path: Path) -> None:
    book, stream = paused(tmp_path / "book.db", more_shares)
    assert list(book.holds) == ["a"]
    stream.behind = False
    pass_time(book, minutes=1)
    broker(book).set_restrictions("a", frozenset({Restriction.TRADING_BLOCKED}), book.now())
    broker(book).bring_in("a", "TLT", parse_qty("3"), parse_price("90"), book.now())
    scheduler.tick(book)
    assert book.account("a") == broker(book).account("a")
    assert list(book.holds) == ["a"]


def test_what_was_told_before_and_is_told_again_explains_nothing(tmp_path: Path) -> None:
    book = in_the_middle(tmp_path / "book.db")
    transfer(book)
    scheduler.tick(book)
    more_shares(book)
    reconcile(book)
    Repeating(book)
    deposit(book)
    go_on(book, 3)
    assert set(book.holds) == {"a", "b"}


def test_a_difference_that_the_broker_takes_back_ends_the_pause(tmp_path: Path) -> None:
    book, stream = paused(tmp_path / "book.db", one_more)
    stream.behind = False
    one_more(book, -1)
    go_on(book, 1)
    assert list(book.holds) == ["b"]
    deposit(book)
    go_on(book, 1)
    assert book.holds == {}


def test_what_no_event_can_explain_waits_for_a_person(tmp_path: Path) -> None:
    book = in_the_middle(tmp_path / "book.db")

    class Other(Around):
        other = True

        def order_by_client_id(self, account_id: str, client_order_id: str) -> Order | None:
            order: Order | None = self.inner.order_by_client_id(account_id, client_order_id)
            return replace(order, side=Side.BUY) if order and self.other else order

    answers = Other(book)
    reconcile(book)
    assert book.holds["a"].ground is None
    answers.other = False
    orders_filled(book)
    go_on(book, 3)
    assert list(book.holds) == ["a"]
    one_more(book)
    book.database.connection.execute("UPDATE sim_accounts SET cash = cash + 1 WHERE id = 'a'")
    reconcile(book)
    assert book.holds["a"].ground is None


def test_another_difference_does_not_make_the_first_forgotten(tmp_path: Path) -> None:
    book, stream = paused(tmp_path / "book.db", one_more)
    first = book.holds["b"]
    stream.behind = False
    deposit(book)
    scheduler.tick(book)
    one_more(book)
    reconcile(book)
    assert book.holds["b"].reason != first.reason
    assert (book.holds["b"].at, book.holds["b"].ground) == (first.at, first.ground)
    one_more(book, -1)
    deposit(book)
    go_on(book, 1)
    assert list(book.holds) == ["b"]


def test_a_pause_of_an_earlier_version_waits_for_a_person(tmp_path: Path) -> None:
    book, stream = paused(tmp_path / "book.db", deposit)
    book.database.connection.execute("UPDATE reconciliation_holds SET ground = NULL")
    book.reload()
    stream.behind = False
    scheduler.tick(book)
    assert list(book.holds) == ["b"]


@pytest.mark.parametrize(("late", "left"), [(LATE, ["b"]), (LATE - timedelta(seconds=1), [])])
def test_after_days_nothing_explains_it_any_more(late: timedelta, left: list[str], tmp_path: Path) -> None:
    book, stream = paused(tmp_path / "book.db", deposit)
    stream.behind = False
    pass_time(book, seconds=int(late.total_seconds()))
    scheduler.tick(book)
    assert list(book.holds) == left


def test_orders_that_filled_while_the_program_was_off_are_explained_when_their_events_come(tmp_path: Path) -> None:
    """At a real broker: the order is asked for at once, the stream is heard some seconds later."""
    book = in_the_middle(tmp_path / "book.db")
    distant = Distant(book)
    scheduler.tick(book)
    distant.deaf = True
    orders_filled(book)
    book.keeping_up, book.reconciled = KeepingUp(), False
    pass_time(book, minutes=10)
    scheduler.tick(book)
    assert "its executions tell of 0" in book.holds["a"].reason
    distant.deaf = False
    scheduler.tick(book)
    assert (book.holds, alerts(book)) == ({}, [])
    go_on(book, 15)
    assert only_run(book).status is RunStatus.COMPLETED_SUCCESS
