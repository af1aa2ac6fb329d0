"""Data of the health route about a book."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rebal_tui.services.book.book import Book
from rebal_tui.services.wire.shapes import time_text
from rebal_tui.store import jobs

if TYPE_CHECKING:
    from rebal_tui.services.wire.models.server import LastDecision


def check(book: Book) -> LastDecision | None:
    """The last evaluation of the whole book, None before the first.

    Raises `sqlite3.OperationalError` while another program holds the file, also when there is nothing to write.
    """
    with book.write():
        pass
    found = jobs.last_evaluation(book.database)
    if found is None:
        return None
    return {"session": found.session, "at": time_text(found.at), "outcomes": found.detail}
