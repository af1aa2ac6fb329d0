"""NYSE sessions: construction from holiday tables, and a calendar for lookups."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta

from rebal_tui.domain.errors import Fault, Invalid
from rebal_tui.domain.sessions import NEW_YORK, Session, new_york_day

OPEN = time(9, 30)
CLOSE = time(16)
EARLY_CLOSE = time(13)
FIRST_DAY = date(2003, 1, 1)
"""From this day, every session opens at 09:30 and closes at 16:00 or 13:00."""
LAST_DAY = date(2099, 12, 31)
SKIP_AFTER_CLOSE = timedelta(minutes=30)
SKIP_TO_BEFORE_OPEN = timedelta(minutes=5)
WEEKEND = "weekend"
HOLIDAY = "holiday"
UNKNOWN = "unknown to the calendar"
_DAY = timedelta(days=1)
_SATURDAY = 5
_SETTLEMENT_LOOKAHEAD = timedelta(days=14)


def build_sessions(first: date, last: date) -> list[Session]:
    """Every NYSE session from `first` to `last`, both included, ascending.

    A trade settles on the next settlement day (R-30). A settlement day is an NYSE session on which the Federal Reserve
    Banks are open, so not Columbus Day or Veterans Day. `next_day` of the last session is None. Raises `Invalid`
    outside the years 2003 to 2099 or when `first` is after `last`.
    """
    if not FIRST_DAY <= first <= last <= LAST_DAY:
        raise Invalid([Fault("calendar", f"expected {FIRST_DAY} ≤ first ≤ last ≤ {LAST_DAY}")])
    import holidays

    # Trades of the last session settle after `last`.
    beyond = last + _SETTLEMENT_LOOKAHEAD
    years = range(first.year, beyond.year + 1)
    closed = holidays.financial_holidays("XNYS", years=years, categories=("public",)).keys()
    early = holidays.financial_holidays("XNYS", years=years, categories=("half_day",)).keys()
    bank_holidays = holidays.financial_holidays("XFED", years=years).keys()

    days = [
        day
        for day in (first + timedelta(days=n) for n in range((beyond - first).days + 1))
        if day.weekday() < _SATURDAY and day not in closed
    ]
    settlement_days = [day for day in days if day not in bank_holidays]
    within = days[: bisect_right(days, last)]
    return [
        Session(
            day=day,
            open=_utc(day, OPEN),
            close=_utc(day, EARLY_CLOSE if day in early else CLOSE),
            settles_on=settlement_days[bisect_right(settlement_days, day)],
            next_day=within[index + 1] if index + 1 < len(within) else None,
        )
        for index, day in enumerate(within)
    ]


def _utc(day: date, at: time) -> datetime:
    return datetime.combine(day, at, NEW_YORK).astimezone(UTC)


class TradingCalendar:
    """Finds sessions by New York date or by timestamp. Timestamps must have a time zone."""

    def __init__(self, sessions: Iterable[Session]) -> None:
        """Raises `ValueError` when `sessions` is empty or not ascending by day."""
        self._sessions = tuple(sessions)
        self._days = [session.day for session in self._sessions]
        self._opens = [session.open for session in self._sessions]
        self._by_day = dict(zip(self._days, self._sessions, strict=True))
        if not self._days:
            raise ValueError("expected at least one session")
        if any(later <= earlier for earlier, later in zip(self._days, self._days[1:], strict=False)):
            raise ValueError("expected sessions ascending by day")

    @property
    def known_from(self) -> date:
        """The first session's day; the calendar does not cover earlier days."""
        return self._days[0]

    @property
    def known_through(self) -> date:
        """The last session's day; the calendar does not cover later days."""
        return self._days[-1]

    def session(self, day: date) -> Session | None:
        """The session of a day, None on a day without one."""
        return self._by_day.get(day)

    def at(self, at: datetime) -> Session | None:
        """The session of a timestamp's New York date, open at that time or not; None on a day without a session."""
        return self._by_day.get(new_york_day(at))

    def on_or_before(self, day: date) -> Session | None:
        """The last session on or before `day`, None before the first.

        For a day after `known_through` it is the calendar's last session.
        """
        return self._session_at(bisect_right(self._days, day) - 1)

    def previous(self, day: date) -> Session | None:
        """The last session before `day`, None if the calendar has none."""
        return self._session_at(bisect_left(self._days, day) - 1)

    def next_after(self, day: date) -> Session | None:
        """The first session after `day`, None if the calendar has none."""
        return self._session_at(bisect_right(self._days, day))

    def last_opened(self, at: datetime) -> Session | None:
        """The latest session that opened at or before `at`, None before the calendar's first open."""
        return self._session_at(bisect_right(self._opens, at) - 1)

    def next_open(self, after: datetime) -> datetime | None:
        """The time of the first open later than `after`, None if the calendar has none."""
        session = self._session_at(bisect_right(self._opens, after))
        return session.open if session else None

    def days(self, first: date, last: date) -> tuple[date, ...]:
        """The days of all sessions from `first` to `last`, both included."""
        return tuple(self._days[bisect_left(self._days, first) : bisect_right(self._days, last)])

    def closed_reason(self, day: date) -> str | None:
        """Why a day has no session: `weekend`, `holiday` or `unknown to the calendar`. None on a trading day."""
        if day in self._by_day:
            return None
        if day.weekday() >= _SATURDAY:
            return WEEKEND
        return HOLIDAY if self.known_from <= day <= self.known_through else UNKNOWN

    def demo_skip(self, at: datetime) -> datetime | None:
        """The time to which a demo skips the night, 5 minutes before the next open; None when it does not skip.

        Nothing is skipped from 5 minutes before an open until 30 minutes after the close, nor when the calendar has no
        later session.
        """
        last = self.last_opened(at)
        if last is not None and at < last.close + SKIP_AFTER_CLOSE:
            return None
        following = self.next_open(at)
        target = following - SKIP_TO_BEFORE_OPEN if following else None
        return target if target is not None and at < target else None

    def _session_at(self, index: int) -> Session | None:
        return self._sessions[index] if 0 <= index < len(self._sessions) else None
