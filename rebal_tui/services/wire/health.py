"""Data of the health route about a book."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rebal_tui.domain.free_space import FreeSpace
from rebal_tui.services.book.book import Book
from rebal_tui.services.wire.shapes import time_text
from rebal_tui.store import jobs

if TYPE_CHECKING:
    from rebal_tui.services.wire.models.server import LastDecision


@dataclass(frozen=True, slots=True)
class Checked:
    """The last evaluation of the whole book, None before the first; and free disk space, None if it is not known."""

    last_decision: LastDecision | None
    space: FreeSpace | None


def check(book: Book) -> Checked:
    """What the health route reports about a book that is open for writing.

    Raises `sqlite3.OperationalError` while another program holds the lock of the file, even if there is nothing to
    write.
    """
    with book.write():
        pass
    found, space = jobs.last_evaluation(book.database), free_space(book)
    if found is None:
        return Checked(None, space)
    return Checked({"session": found.session, "at": time_text(found.at), "outcomes": found.detail}, space)


def free_space(book: Book) -> FreeSpace | None:
    """The free space of the book's disk; None for a book in memory and when it cannot be read."""
    try:
        return book.database.free_space()
    except OSError:
        return None
