"""Conversion of the date in a file to a time."""

from __future__ import annotations

from datetime import datetime, time

from rebal_tui.broker.files.cells import AsOf
from rebal_tui.domain.sessions import NEW_YORK
from rebal_tui.services.book.book import Book

_CLOSE = time(16)


def moment_of(book: Book, as_of: AsOf) -> datetime:
    """The time meant by `as_of`: a time as it is; a date as the close of its session, but not later than now.

    The close is 16:00 New York time for a day without a session.
    """
    if isinstance(as_of, datetime):
        return as_of
    session = book.calendar.session(as_of)
    usual = datetime.combine(as_of, _CLOSE, NEW_YORK)
    close = usual if session is None or session.any_hour else session.close
    now = book.now().astimezone(NEW_YORK)
    return min(close, now) if as_of == now.date() else close
