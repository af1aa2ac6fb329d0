"""Accounts with an unexplained difference are read from the broker again; one that remains raises an alert (R-53)."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from rebal_tui.broker.protocol import LiveBroker
from rebal_tui.services.book.book import Book
from rebal_tui.services.broker_sync.explained.comparison import store_difference
from rebal_tui.store import holds
from rebal_tui.store.holds import HoldKind

WAITING_INTERVAL, PAUSED_INTERVAL = timedelta(seconds=5), timedelta(minutes=1)
"""Intervals at which an account that waits for events is read again, and one that is paused."""


GAP = timedelta(seconds=10)
"""A stream that is down for longer has left a gap in the events."""


def comparison_is_due(book: Book, broker: LiveBroker, now: datetime) -> bool:
    """Whether every account must be read and compared: at the open of a session, and after a gap in the events."""
    state, session = book.polling_state, book.session(now)
    streams = broker.connection().streams
    if any(stream.down_for(now) > GAP for stream in streams):
        state.events_missed = True
    elif state.events_missed and all(stream.steady(now) for stream in streams):
        return True
    opened = session is not None and session.open <= now < session.close
    return opened and session is not None and state.compared_on != session.day


def compared(book: Book, now: datetime) -> None:
    """Record that every account was read and compared at `now`."""
    session = book.session(now)
    if session is not None and now >= session.open:
        book.polling_state.compared_on = session.day
    book.polling_state.events_missed = False


def watch_differences(book: Book, broker: LiveBroker, now: datetime) -> None:
    """Request each account with a difference from the broker again, at intervals. Raise an alert once the time to wait
    for late events is over.
    """
    asked = book.polling_state.differences_asked
    for account_id, hold in list(book.holds.items()):
        difference = holds.first_of(hold, HoldKind.DIFFERENCE)
        if difference is None:
            continue
        if difference.waiting_until is not None and now >= difference.waiting_until:
            difference = replace(difference, waiting_until=None)
            with book.write() as tx:
                store_difference(tx, account_id, difference)
                tx.requeue_runs([account_id])
        interval = PAUSED_INTERVAL if difference.waiting_until is None else WAITING_INTERVAL
        if now - asked.get(account_id, difference.at) >= interval:
            asked[account_id] = now
            broker.request_refresh(account_id, f"difference {account_id} {now.isoformat()}")
    for account_id in asked.keys() - book.holds.keys():
        del asked[account_id]
