"""The kill switch: while it is on, no run starts, no order is sent and no journal of a withdrawal is created."""

from __future__ import annotations

from functools import partial

from rebal_tui.services.book.book import Book
from rebal_tui.store import book_settings

HALT = "halt"
"""Key of the kill switch in the book settings."""


def halted(book: Book) -> bool:
    """Whether the kill switch is on: no new order is sent."""
    return book_settings.get(book.database, HALT) == "1"


def set_halt(book: Book, on: bool) -> None:
    """Turn the kill switch on or off.

    While it is on, no run starts and no order is sent, manual or scheduled. A withdrawal that has sold keeps its cash
    reserved, and creates its journal when the switch is turned off. Sending to a real broker stops before the switch is
    stored as on, and resumes after it is stored as off.
    """
    if book.live is not None and on:
        book.live.hold(True)
    with book.write() as tx:
        book_settings.put(tx, HALT, "1" if on else "0")
        tx.record("book.halted" if on else "book.released", "book", actor="advisor")
        tx.changed()
        if book.live is not None and not on:
            tx.after_commit(partial(book.live.hold, False))
