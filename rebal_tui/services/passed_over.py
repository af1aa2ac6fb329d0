"""What the broker's stream passed over: events below the one that was read last, and told by nobody yet.

A stream may tell late what happened early. The numbers that it left out are kept with the cursor, so that a program
that was ended in between asks for exactly these, and knows what is new to it from what is told a second time.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from rebal_tui.broker.protocol import BrokerEvent
from rebal_tui.services.book import Book
from rebal_tui.store import meta
from rebal_tui.store.database import Database

PASSED = "broker_passed"
MOST = 1_000
"""So many numbers are kept, the latest of them: a broker may count in steps."""


def numbers(database: Database) -> list[int]:
    """The numbers that were passed over, ascending."""
    return [int(number) for number in meta.get(database, PASSED).split()]


def note(database: Database, cursor: int, told: Collection[int]) -> None:
    """Keep what is passed over when the stream was read from a cursor on and told some numbers.

    Must be called inside `database.write()`, with the cursor that was stored before.
    """
    reached = max(cursor, *told)
    if min(told) > cursor and len(set(told)) == reached - cursor:
        return
    before = numbers(database)
    first = max(cursor, reached - MOST)
    after = sorted({*before, *range(first + 1, reached)} - set(told))[-MOST:]
    if after != before:
        meta.put(database, PASSED, " ".join(map(str, after)))


def asked_for(book: Book) -> Iterator[BrokerEvent]:
    """What was passed over, as the broker tells it when it is asked for by number."""
    for number in numbers(book.database):
        yield from (event for event in book.broker.events(number - 1, 1) if event.seq == number)
