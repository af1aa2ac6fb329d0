"""Missed events: sequence numbers below the event cursor that the broker's stream has not delivered yet.

A stream may deliver events out of order. Missed numbers are stored with the event cursor, so that after a restart
exactly these events are requested again, and repeated events are recognized.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from rebal_tui.broker.protocol import BrokerEvent
from rebal_tui.services.book.book import Book
from rebal_tui.store import book_settings
from rebal_tui.store.database import Database, Transaction

MISSED_KEY = "broker_passed"
MAX_MISSED_EVENTS = 1_000
"""Only the latest numbers are stored, at most this many, because a broker may number events in steps."""


def numbers(database: Database) -> list[int]:
    """The missed sequence numbers, ascending."""
    return [int(number) for number in book_settings.get(database, MISSED_KEY).split()]


def record(tx: Transaction, cursor: int, received: Collection[int]) -> None:
    """Update the missed numbers after reading the stream from event cursor `cursor`.

    `received` are the sequence numbers that it delivered.
    """
    reached = max(cursor, *received)
    if min(received) > cursor and len(set(received)) == reached - cursor:
        return
    before = numbers(tx.database)
    first = max(cursor, reached - MAX_MISSED_EVENTS)
    after = sorted({*before, *range(first + 1, reached)} - set(received))[-MAX_MISSED_EVENTS:]
    if after != before:
        book_settings.put(tx, MISSED_KEY, " ".join(map(str, after)))


def refetch_missed(book: Book) -> Iterator[BrokerEvent]:
    """Request each missed event from the broker by number; yields the events that the broker delivers."""
    for number in numbers(book.database):
        yield from (event for event in book.broker.events(number - 1, 1) if event.seq == number)
