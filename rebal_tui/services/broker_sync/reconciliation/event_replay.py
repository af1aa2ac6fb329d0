"""Reading the broker's events: those not yet applied, missed ones, and earlier ones again."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from rebal_tui.broker.protocol import BrokerEvent
from rebal_tui.services.book.book import Book
from rebal_tui.services.broker_sync.events import CURSOR, MAX_EVENTS_PER_TRANSACTION, apply_event_batch, read_batch
from rebal_tui.services.broker_sync.missed_events import refetch_missed
from rebal_tui.store import book_settings

EVENT_LOOKBACK = timedelta(minutes=5)
"""Events are searched from this long before the start of a run."""


def poll_events(book: Book) -> list[BrokerEvent]:
    """Apply the broker's unread events and return them.

    Missed events are requested by number first, because the broker may not deliver late events to a new connection.
    """
    missed = list(refetch_missed(book))
    applied = list(missed)
    if missed:
        apply_event_batch(book, read_batch(book, missed), _cursor(book))
    while events := book.broker.events(cursor := _cursor(book), MAX_EVENTS_PER_TRANSACTION):
        applied += (event for event in events if event.seq > cursor)
        if apply_event_batch(book, read_batch(book, events), cursor) <= cursor:
            break
    return applied


def events_since(book: Book, since: datetime) -> Iterator[BrokerEvent]:
    """The broker's events at or after `since`, found by binary search."""
    low, high = 0, _cursor(book)
    while low < high:
        middle = (low + high) // 2
        first = book.broker.events(middle, 1)
        if first and first[0].at < since:
            low = middle + 1
        else:
            high = middle
    return events_from(book, low)


def events_from(book: Book, cursor: int) -> Iterator[BrokerEvent]:
    """The broker's events after sequence number `cursor`."""
    while events := book.broker.events(cursor):
        yield from events
        if (reached := max(event.seq for event in events)) <= cursor:
            return
        cursor = reached


def _cursor(book: Book) -> int:
    return int(book_settings.get(book.database, CURSOR, "0"))
