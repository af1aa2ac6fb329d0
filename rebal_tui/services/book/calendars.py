"""The trading calendar of a book."""

from __future__ import annotations

from datetime import date

from rebal_tui.market.files_calendar import FilesCalendar
from rebal_tui.market.sessions import TradingCalendar
from rebal_tui.store import book_settings
from rebal_tui.store import sessions as session_store
from rebal_tui.store.database import Database

FIRST_DAY, PRICED_DAY = "files_first_day", "files_priced_day"
"""Settings of a files book: the first session since the prices before, and the session of the newest prices."""


def calendar_of(database: Database) -> TradingCalendar:
    """The stored sessions as a calendar; a `FilesCalendar` for a files book with prices."""
    sessions = session_store.load(database)
    first, priced = book_settings.get(database, FIRST_DAY), book_settings.get(database, PRICED_DAY)
    if first and priced:
        return FilesCalendar(sessions, date.fromisoformat(first), date.fromisoformat(priced))
    return TradingCalendar(sessions)
