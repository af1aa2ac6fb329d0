"""Times of scheduled evaluations."""

from __future__ import annotations

from datetime import datetime

from rebal_tui.domain.sessions import Session, new_york_day
from rebal_tui.services.book.book import Book


def next_slot(book: Book, now: datetime) -> datetime | None:
    """The time of the next scheduled evaluation; None when the calendar ends before it.

    An evaluation time at the very end of the window is left out if the session has others: while time passes by itself,
    the window has ended before such an evaluation can start. If it is the only one of the session, as in a replay, it
    counts, because the clock is then set to exactly that time.
    """
    session: Session | None = book.session(now)
    for _ in range(2):
        if session is not None:
            slots = book.settings.slots(session)
            usable = [slot for slot in slots if slot < session.window_end] or slots
            later = [slot for slot in usable if slot > now]
            if later:
                return later[0]
        session = book.calendar.next_after(session.day if session else new_york_day(now))
    return None
