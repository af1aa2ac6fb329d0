"""Differences without an event: clock skew, a different calendar, a missing event."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest

from rebal_tui.broker.budget import RequestBudget
from rebal_tui.broker.connection import ConnectionState, StreamState
from rebal_tui.broker.failures import BrokerRefused, BrokerUnavailable
from rebal_tui.broker.protocol import BrokerEvent, EventBatch, JournalRequest, LiveBroker
from rebal_tui.domain.accounts import Restriction
from rebal_tui.domain.cash import Journal
from rebal_tui.domain.errors import Conflict
from rebal_tui.domain.orders import OrderStatus
from rebal_tui.domain.quantities import parse_money, parse_price
from rebal_tui.domain.runs import RunStatus
from rebal_tui.domain.sessions import Session
from rebal_tui.market.clock import FixedClock
from rebal_tui.market.live import LivePrices
from rebal_tui.market.protocol import Quote
from rebal_tui.market.sessions import build_sessions
from rebal_tui.services.book.book import Book
from rebal_tui.services.broker_sync.events import read_batch
from rebal_tui.services.broker_sync.polling import poll_broker
from rebal_tui.services.schedule import scheduler
from rebal_tui.store import jobs, run_orders, runs
from tests.services.brokers import BrokerWrapper
from tests.services.factories import new_york, only_run, simple_book


class RemoteBroker(BrokerWrapper):
    """The simulated broker as a remote broker, which can stop responding."""

    def __init__(self, book: Book) -> None:
        super().__init__(book)
        self.skew = timedelta(0)
        self.clock_asked: list[datetime] = []
        self.streams: tuple[StreamState, ...] = ()
        self.closed: set[date] = set()
        self.disconnected = False
        self.refuses: BrokerRefused | None = None
        self.reminded: list[str | None] = []
        self._book = book
        live: LiveBroker = self
        book.live = live

    def clock(self) -> datetime:
        if self.refuses is not None:
            raise self.refuses
        self.clock_asked.append(self._book.now())
        return self._book.now() + self.skew

    def sessions(self, first: date, last: date) -> Sequence[Session]:
        days = [session for session in build_sessions(first, last) if session.day not in self.closed]
        after = [*(session.day for session in days[1:]), None]
        return [replace(session, next_day=day) for session, day in zip(days, after, strict=True)]

    def connection(self) -> ConnectionState:
        return ConnectionState(self.streams, self.skew)

    def listen(self) -> None:
        return

    def catch_up(self, until: datetime) -> None:
        return

    def request_refresh(self, account_id: str | None, why: str) -> None:
        self.reminded.append(account_id)

    def close(self) -> None:
        return

    @property
    def budget(self) -> RequestBudget:
        return self._book.rate_limiter.budget

    def ready_events(self, after: int, limit: int) -> EventBatch | None:
        events = self.events(after, limit)
        return read_batch(self._book, events) if events else None

    def behind(self, after: int) -> bool:
        return False

    def under_way(self, key: str) -> bool:
        return False

    def hold(self, on: bool) -> None:
        self.held = on

    def journal_of(self, request: JournalRequest) -> Journal | None:
        return None

    def events(self, after: int, limit: int = 10_000) -> Sequence[BrokerEvent]:
        found: Sequence[BrokerEvent] = [] if self.disconnected else self.inner.events(after, limit)
        return found


def remote_book(at: str = "2026-03-02 09:00") -> tuple[Book, RemoteBroker]:
    book = simple_book(at)
    return book, RemoteBroker(book)


def advance_clock(book: Book, **delta: int) -> None:
    assert isinstance(book.clock, FixedClock)
    book.clock.advance(timedelta(**delta))


def alerts(book: Book) -> dict[str, str]:
    return {alert.kind: alert.text for alert in jobs.open_alerts(book.database)}


def test_nothing_is_decided_until_everything_was_read_and_the_reason_is_an_alert() -> None:
    book, broker = remote_book("2026-03-02 10:00")
    broker.refuses = BrokerRefused("rejected", "insufficient permission (40310000)")
    scheduler.tick(book)
    assert not book.polling_state.loaded
    assert "insufficient permission" in alerts(book)["broker"]
    assert not runs.newest(book.database, 10)
    broker.refuses = None
    advance_clock(book, seconds=11)
    scheduler.tick(book)
    assert book.polling_state.loaded
    assert "broker" not in alerts(book)


@pytest.mark.parametrize(("seconds", "warned", "refused"), [(1, False, False), (5, True, False), (45, True, True)])
@pytest.mark.parametrize("sign", [1, -1])
def test_a_clock_difference_is_reported_and_a_large_one_stops_everything(
    seconds: int, warned: bool, refused: bool, sign: int
) -> None:
    book, broker = remote_book()
    broker.skew = timedelta(seconds=sign * seconds)
    scheduler.tick(book)
    text = " ".join(alerts(book).values())
    assert (f"{seconds} s {'behind' if sign > 0 else 'ahead of'} the broker's" in text) is warned
    assert book.polling_state.loaded is not refused


def test_the_brokers_calendar_takes_precedence_and_a_difference_is_reported() -> None:
    book, broker = remote_book()
    mourning = date(2026, 3, 4)
    broker.closed = {mourning}
    scheduler.tick(book)
    assert book.calendar.session(mourning) is None
    before = book.calendar.session(date(2026, 3, 3))
    assert before is not None
    assert before.next_day == date(2026, 3, 5)
    assert "2026-03-04" in alerts(book)["calendar"]
    days = book.calendar.days(book.calendar.known_from, book.calendar.known_through)
    chain = [session.next_day for day in days if (session := book.calendar.session(day))]
    assert chain == [*days[1:], None]


def test_the_same_calendar_changes_nothing() -> None:
    book, _ = remote_book()
    before = [book.calendar.session(day) for day in book.calendar.days(date(2026, 1, 1), date(2027, 12, 31))]
    scheduler.tick(book)
    assert [book.calendar.session(day) for day in book.calendar.days(date(2026, 1, 1), date(2027, 12, 31))] == before
    assert not alerts(book)


def test_orders_whose_events_never_come_are_looked_up_and_the_run_ends() -> None:
    book, broker = remote_book("2026-03-02 09:29")
    scheduler.tick(book)
    broker.disconnected = True
    assert book.sandbox is not None
    for symbol in ("SPY", "TLT"):
        book.sandbox.halt(symbol, True, book.now())
    advance_clock(book, minutes=1)
    scheduler.tick(book)
    run = only_run(book)
    assert run.status is RunStatus.IN_PROGRESS
    for symbol in ("SPY", "TLT"):
        book.sandbox.halt(symbol, False, book.now())
    for _ in range(5):
        advance_clock(book, seconds=16)
        scheduler.tick(book)
    assert only_run(book).status is RunStatus.COMPLETED_SUCCESS
    assert all(o.status is OrderStatus.FILLED for _, o, *_ in run_orders.of_run(book.database, run.id))
    assert book.account("a").positions == broker.inner.account("a").positions


def test_an_account_that_changed_without_an_event_is_detected() -> None:
    book, broker = remote_book()
    scheduler.tick(book)
    broker.disconnected = True
    broker.inner.deposit("a", parse_money("12.34"), book.now())
    broker.inner.set_restrictions("a", frozenset({Restriction.ACH_RETURN}), book.now())
    advance_clock(book, seconds=2)
    scheduler.tick(book)
    assert book.account("a").cash == parse_money("50012.34")
    assert "an ACH deposit was returned" in alerts(book)["restricted"]


def test_a_few_times_a_day_the_assets_are_read_again() -> None:
    book, broker = remote_book()
    scheduler.tick(book)
    advance_clock(book, hours=6, seconds=1)
    poll_broker(book, book.now())
    assert broker.reminded == [None]


def test_an_unresponsive_broker_is_not_called_for_a_while() -> None:
    book, broker = remote_book()
    scheduler.tick(book)
    asked = []

    def unresponsive(account_id: str) -> None:
        asked.append(account_id)
        raise BrokerUnavailable("no answer")

    broker.account = unresponsive  # type: ignore[attr-defined]
    advance_clock(book, seconds=2)
    with pytest.raises(BrokerUnavailable):
        poll_broker(book, book.now())
    poll_broker(book, book.now())
    assert asked == ["a"]


def test_an_account_that_the_broker_refuses_raises_an_alert_and_heartbeats_continue() -> None:
    book, broker = remote_book()
    scheduler.tick(book)

    def forbidden(account_id: str) -> None:
        raise BrokerRefused("rejected", "insufficient permission (40310000)")

    broker.account = forbidden  # type: ignore[attr-defined]
    broker.inner.deposit("a", parse_money("1"), book.now())
    advance_clock(book, seconds=2)
    scheduler.tick(book)
    assert "insufficient permission" in alerts(book)["quarantine"]
    assert book.is_paused("a")
    del broker.account
    advance_clock(book, seconds=12)
    scheduler.tick(book)
    assert not alerts(book)
    assert book.account("a").cash == parse_money("50001")


def test_prices_are_fetched_in_a_thread_and_never_go_back_in_time() -> None:
    warned: list[tuple[str, str, str]] = [("SPY", "400", "10:00")]
    asked: list[list[str]] = []

    def fetch(symbols: Sequence[str]) -> dict[str, tuple[object, datetime]]:
        asked.append(list(symbols))
        if not warned:
            raise Conflict("no prices")
        symbol, price, at = warned.pop()
        return {symbol: (parse_price(price), new_york(f"2026-03-02 {at}"))}

    feed = LivePrices(fetch, lambda: {"TLT", "SPY"}, timedelta(seconds=5))  # type: ignore[arg-type]
    now = new_york("2026-03-02 10:00")

    def fetched_after(seconds: int) -> dict[str, Quote]:
        changed = dict(feed.advance(now + timedelta(seconds=seconds)))
        if feed._pending_fetch is not None:
            feed._pending_fetch.exception(5)
        return changed

    assert fetched_after(0) == {}
    assert list(fetched_after(1)) == ["SPY"]
    assert asked == [["SPY", "TLT"], ["TLT"]]
    warned.append(("SPY", "390", "09:59"))
    assert fetched_after(5) == {}
    assert fetched_after(6) == {}
    assert fetched_after(11) == {}
    warned.append(("SPY", "401", "10:01"))
    assert fetched_after(12) == {}
    fetched_after(17)
    assert list(fetched_after(18)) == ["SPY"]
    quote = feed.quote("SPY")
    assert quote is not None
    assert quote.price == parse_price("401")
    feed.close()
