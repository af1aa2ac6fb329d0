"""Trading sessions and the evaluation window (R-10)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

NEW_YORK = ZoneInfo("America/New_York")
WINDOW_MARGIN = timedelta(minutes=30)


@dataclass(frozen=True, slots=True)
class Session:
    """A trading day. Times are aware; `settles_on` is when a trade of this day settles (T+1).

    `next_day` is the following session's date, None at the end of what the calendar knows.
    """

    day: date
    open: datetime
    close: datetime
    settles_on: date
    next_day: date | None

    @property
    def window_end(self) -> datetime:
        """30 minutes before the close: 15:30, or 12:30 on a 13:00 close."""
        return self.close - WINDOW_MARGIN

    def in_window(self, at: datetime) -> bool:
        """Whether evaluations may take place and runs may start at this moment, both ends included."""
        return self.open <= at <= self.window_end

    def is_open(self, at: datetime) -> bool:
        return self.open <= at < self.close

    @property
    def half_day(self) -> bool:
        return self.close.astimezone(NEW_YORK).hour < 16


def new_york_day(at: datetime) -> date:
    """The calendar date in New York at a moment."""
    return at.astimezone(NEW_YORK).date()
