"""What the broker's stream passed over: events below the one that was read last, and told by nobody yet.

A stream may tell late what happened early. The numbers that it left out are kept with the cursor, so that a program
that was ended in between asks for exactly these, and knows what is new to it from what is told a second time.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from rebal_tui.broker.protocol import BrokerEvent
from rebal_tui.services.book.book import Book
from rebal_tui.store import book_settings
from rebal_tui.store.database import Database, Transaction

MISSED_KEY = "broker_passed"
MAX_MISSED_EVENTS = 1_000
"""So many numbers are kept, the latest of them: a broker may count in steps."""


def numbers(database: Database) -> list[int]:
    """The numbers that were passed over, ascending."""
    return [int(number) for number in book_settings.get(database, MISSED_KEY).split()]


def note(tx: Transaction, cursor: int, received: Collection[int]) -> None:
    """Keep what is passed over when the stream was read from a cursor on and told some numbers."""
    reached = max(cursor, *received)
    if min(received) > cursor and len(set(received)) == reached - cursor:
        return
    before = numbers(tx.database)
    first = max(cursor, reached - MAX_MISSED_EVENTS)
    after = sorted({*before, *range(first + 1, reached)} - set(received))[-MAX_MISSED_EVENTS:]
    if after != before:
        book_settings.put(tx, MISSED_KEY, " ".join(map(str, after)))


def refetch_missed(book: Book) -> Iterator[BrokerEvent]:
    """What was passed over, as the broker tells it when it is asked for by number."""
    for number in numbers(book.database):
        yield from (event for event in book.broker.events(number - 1, 1) if event.seq == number)
