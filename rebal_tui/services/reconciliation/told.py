"""What the broker has told, read again in its order."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from rebal_tui.broker.protocol import BrokerEvent
from rebal_tui.services.book import Book
from rebal_tui.services.sync import CURSOR
from rebal_tui.store import meta

LOOK_BACK = timedelta(minutes=5)
"""Events are looked through again from so long before a run was started."""


def unread(book: Book) -> list[BrokerEvent]:
    """What the broker has told and nobody has read yet."""
    cursor = int(meta.get(book.database, CURSOR, "0"))
    told: list[BrokerEvent] = []
    while events := book.broker.events(cursor):
        told += (event for event in events if event.seq > cursor)
        if (reached := max(event.seq for event in events)) <= cursor:
            break
        cursor = reached
    return told


def events_since(book: Book, since: datetime) -> Iterator[BrokerEvent]:
    """The broker's events from a moment on, found by halving."""
    low, high = 0, int(meta.get(book.database, CURSOR, "0"))
    while low < high:
        middle = (low + high) // 2
        first = book.broker.events(middle, 1)
        if first and first[0].at < since:
            low = middle + 1
        else:
            high = middle
    cursor = low
    while events := book.broker.events(cursor):
        yield from events
        if (reached := max(event.seq for event in events)) <= cursor:
            return
        cursor = reached
