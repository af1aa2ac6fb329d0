"""Sessions (trading days) and the window in which evaluations and runs may start (R-10)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

NEW_YORK = ZoneInfo("America/New_York")
WINDOW_MARGIN = timedelta(minutes=30)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Session:
    """A trading day. Times have a time zone; `settles_on` is the settlement date of this day's trades (T+1).

    `next_day` is the date of the next session, None for the calendar's last session.
    """

    day: date
    open: datetime
    close: datetime
    settles_on: date
    next_day: date | None

    @property
    def window_end(self) -> datetime:
        """The end of the window, 30 minutes before the close: 15:30, or 12:30 when the close is at 13:00."""
        return self.close - WINDOW_MARGIN

    def in_window(self, at: datetime) -> bool:
        """Whether evaluations and run starts are allowed at `at`, both ends of the window included (R-10)."""
        return self.open <= at <= self.window_end

    def is_open(self, at: datetime) -> bool:
        return self.open <= at < self.close

    @property
    def any_hour(self) -> bool:
        """Whether this is the session of a files book's newest prices, which allows evaluations at any hour (R-73)."""
        return self.close - self.open > timedelta(days=1)

    @property
    def half_day(self) -> bool:
        return self.close.astimezone(NEW_YORK).hour < 16


def new_york_day(at: datetime) -> date:
    """The New York calendar date of a timestamp that has a time zone."""
    return at.astimezone(NEW_YORK).date()


def epoch_micros(at: datetime) -> int:
    """Microseconds since 1970 UTC of a timestamp that has a time zone, rounded down."""
    return (at - _EPOCH) // _MICROSECOND


def from_epoch_micros(micros: int) -> datetime:
    """The timestamp, in UTC, of a number of microseconds since 1970 UTC."""
    return _EPOCH + timedelta(microseconds=micros)
