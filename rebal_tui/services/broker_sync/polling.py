"""Polling of a real broker for data that its events do not carry.

The broker's own records are authoritative. Until they show an order, it is only a request, and an event is only a
reason to read the records.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta

from rebal_tui.broker.failures import BrokerPending, BrokerRefused, BrokerUnavailable, ClocksDiffer
from rebal_tui.broker.protocol import LiveBroker
from rebal_tui.broker.unreadable import AccountUnreadable
from rebal_tui.domain.quarantine import QuarantineKind
from rebal_tui.domain.runs import RunStatus
from rebal_tui.domain.sessions import Session
from rebal_tui.services.book import quarantine
from rebal_tui.services.book.book import Book
from rebal_tui.services.book.rate_limiter import PACE_KEY
from rebal_tui.services.broker_sync.account_snapshot import read_account, store_orders
from rebal_tui.services.broker_sync.connection_watch import compare_clocks, watch_connection
from rebal_tui.services.broker_sync.events import CURSOR, reload_from_broker
from rebal_tui.services.broker_sync.explained.watch import compared, comparison_is_due, watch_differences
from rebal_tui.services.broker_sync.journal_poll import poll_journals
from rebal_tui.services.broker_sync.journal_watch import watch_journals
from rebal_tui.services.broker_sync.price_times import watch_prices
from rebal_tui.store import book_settings, event_inbox, jobs, run_orders
from rebal_tui.store import sessions as session_store

ACCOUNTS_AT_ONCE = 10
"""Accounts whose orders are looked up together."""
ACCOUNT_INTERVAL = timedelta(seconds=2)
"""Interval at which the account read longest ago is read again."""
OPEN_ORDERS_INTERVAL = timedelta(seconds=15)
"""Interval at which orders of runs in progress are looked up, because an event may be lost."""
REFRESH_INTERVAL = timedelta(hours=6)
"""Interval at which calendar and assets are compared."""
RETRY_INTERVAL = timedelta(seconds=10)
INBOX_RETENTION = timedelta(days=8)
"""How long broker events are stored to detect repeated delivery."""
BUDGET_INTERVAL = timedelta(seconds=5)
"""Interval at which the requests of the last minute are stored, so that a restart does not exceed the broker's rate."""
CALENDAR_LOOKBACK, CALENDAR_LOOKAHEAD = timedelta(days=40), timedelta(days=370)


def poll_broker(book: Book, now: datetime) -> None:
    """Read everything from the broker once, then poll accounts and orders one by one. Does nothing without a real
    broker.

    Raises `BrokerUnavailable` until the first load has succeeded, because nothing may be decided before, and when a
    later read fails or is refused.
    """
    broker, state = book.live, book.polling_state
    if broker is None:
        return
    watch_connection(book, broker, now)
    watch_journals(book, now)
    watch_prices(book, now)
    _store_budget(book, broker, now)
    if state.try_at is not None and now < state.try_at:
        if state.loaded:
            return
        raise (ClocksDiffer if state.clocks_differ else BrokerUnavailable)(state.last_error)
    try:
        if state.loaded:
            _poll(book, broker, now)
        else:
            with broker.reading():
                _load_all(book, broker, now)
    except BrokerPending:
        if not state.loaded:
            raise
    except (BrokerUnavailable, BrokerRefused) as error:
        state.try_at, state.last_error = now + RETRY_INTERVAL, str(error)
        state.clocks_differ = isinstance(error, ClocksDiffer)
        if state.clocks_differ:
            raise
        raise BrokerUnavailable(state.last_error) from error


def _store_budget(book: Book, broker: LiveBroker, now: datetime) -> None:
    state = book.polling_state
    if state.budget_at is not None and now < state.budget_at:
        return
    state.budget_at = now + BUDGET_INTERVAL
    text = broker.budget.text()
    if text != book_settings.get(book.database, PACE_KEY):
        with book.write() as tx:
            book_settings.put(tx, PACE_KEY, text)


def _load_all(book: Book, broker: LiveBroker, now: datetime) -> None:
    there = _check_clock(book, broker, now)
    _apply_calendar(book, broker)
    broker.catch_up(there)
    broker.listen()
    reload_from_broker(book)
    compared(book, now)
    book.polling_state.loaded, book.polling_state.daily_at = True, now + REFRESH_INTERVAL


def _poll(book: Book, broker: LiveBroker, now: datetime) -> None:
    """Poll one account, the orders of runs in progress, journals, and calendar and assets, each when due."""
    state = book.polling_state
    if state.daily_at is None or now >= state.daily_at:
        _apply_calendar(book, broker)
        broker.request_refresh(None, f"assets {now.isoformat()}")
        with book.write() as tx:
            event_inbox.prune(tx, now - INBOX_RETENTION, int(book_settings.get(book.database, CURSOR, "0")))
        state.daily_at = now + REFRESH_INTERVAL
    if comparison_is_due(book, broker, now):
        reload_from_broker(book)
        compared(book, now)
    watch_differences(book, broker, now)
    _look_up_orders(book, now)
    poll_journals(book, now)
    ids = book.account_table.ids
    if ids and (state.account_at is None or now >= state.account_at):
        account_id = ids[state.account_row % len(ids)]
        try:
            if not book.quarantine.waits(QuarantineKind.ACCOUNT, account_id, now):
                read_account(book, account_id)
        except BrokerPending:
            return
        except BaseException:
            state.account_row += 1
            raise
        state.account_row += 1
        state.account_at = now + ACCOUNT_INTERVAL


def _look_up_orders(book: Book, now: datetime) -> None:
    """Compare the orders of runs in progress with the broker's, a few accounts at a time, and apply changes."""
    state = book.polling_state
    if not state.orders_left and (state.orders_at is None or now >= state.orders_at):
        state.orders_at = now + OPEN_ORDERS_INTERVAL
        state.orders_left = [run.account_id for run in book.open_runs.values() if run.status is RunStatus.IN_PROGRESS]
    unread: list[str] = []
    for account_id in state.orders_left[:ACCOUNTS_AT_ONCE]:
        if book.quarantine.waits(QuarantineKind.ACCOUNT, account_id, now):
            continue
        try:
            with book.broker.reading():
                _compare_orders(book, account_id)
        except BrokerPending:
            unread.append(account_id)
        except AccountUnreadable as error:
            with book.write() as tx:
                quarantine.enter(tx, QuarantineKind.ACCOUNT, account_id, str(error), account_id)
    state.orders_left = [*unread, *state.orders_left[ACCOUNTS_AT_ONCE:]]


def _compare_orders(book: Book, account_id: str) -> None:
    """Apply the broker's state to the open orders of an account's run.

    An order that is no longer among the broker's open orders is looked up by its client_order_id.
    """
    run = book.open_runs.get(account_id)
    ours = [] if run is None else [order for _, order, sent in run_orders.of_run(book.database, run.id) if sent]
    ours = [order for order in ours if order.id and not order.status.final]
    if not ours:
        return
    there = {order.client_order_id: order for order in book.broker.open_orders(account_id)}
    changed = []
    for order in ours:
        known = there.get(order.client_order_id) or book.broker.order_by_client_id(account_id, order.client_order_id)
        if known is not None and (known.status, known.filled_qty) != (order.status, order.filled_qty):
            changed.append(known)
    if changed:
        store_orders(book, account_id, changed)


def _check_clock(book: Book, broker: LiveBroker, now: datetime) -> datetime:
    """The broker's time, compared with this computer's. Raises `BrokerUnavailable` when they differ too much."""
    there, after = broker.clock(), book.now()
    compare_clocks(book, there - now if there < now else max(there - after, timedelta(0)), now)
    return there


def _apply_calendar(book: Book, broker: LiveBroker) -> None:
    """Replace the book's trading days with the broker's as far as the broker has them; a difference raises an alert.

    Raises `BrokerUnavailable` when its calendar is empty.
    """
    today = book.today()
    first, last = today - CALENDAR_LOOKBACK, today + CALENDAR_LOOKAHEAD
    theirs = list(broker.sessions(first, last))
    if not theirs:
        raise BrokerUnavailable("the broker's calendar is empty")
    known = (book.calendar.session(day) for day in book.calendar.days(theirs[0].day, theirs[-1].day))
    ours = {session.day: session for session in known if session}
    differing = _differing(ours, theirs)
    if not differing:
        return
    after = book.calendar.next_after(theirs[-1].day)
    before = book.calendar.previous(theirs[0].day)
    theirs[-1] = replace(theirs[-1], next_day=after.day if after else None)
    with book.write() as tx:
        session_store.remove(tx, sorted(set(ours) - {session.day for session in theirs}))
        joined = [replace(before, next_day=theirs[0].day)] if before else []
        session_store.save(tx, [*joined, *theirs])
        text = "trading calendar updated from the broker's; days changed: " + ", ".join(map(str, differing[:10]))
        jobs.raise_alert(tx, book.now(), "calendar", str(differing[0]), text)
        tx.reload()


def _differing(ours: dict[date, Session], theirs: list[Session]) -> list[date]:
    """The days that differ in being a trading day, in hours, or in settlement date."""
    there = {session.day: session for session in theirs}
    return sorted(
        day
        for day in ours.keys() | there.keys()
        if (a := ours.get(day)) is None
        or (b := there.get(day)) is None
        or (a.open, a.close, a.settles_on) != (b.open, b.close, b.settles_on)
    )
