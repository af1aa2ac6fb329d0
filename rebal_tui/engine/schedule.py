"""First evaluation on or after a day, and the first on which a calendar condition fires (R-10, R-16)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Protocol

from rebal_tui.domain.portfolios import CalendarCondition
from rebal_tui.domain.sessions import Session
from rebal_tui.engine.calendar import QUARTER_ENDS, nominal_on

_DAY = timedelta(days=1)
_MAX_CACHED = 10_000
_LONGEST = 366
"""Days within which every calendar condition names a date, except in a calendar that ends earlier."""


class Sessions(Protocol):
    """Trading sessions by New York date."""

    def on_or_before(self, day: date) -> Session | None:
        """The last known session on or before a day; after the last known session, that one."""

    def next_after(self, day: date) -> Session | None:
        """The first known session after a day."""

    def closed_reason(self, day: date) -> str | None:
        """Why a day has no session, None on a trading day."""


@dataclass(frozen=True, slots=True, eq=False)
class Schedule:
    """Future evaluations. `first_evaluation` returns the time of a session's first evaluation, None if it has none."""

    sessions: Sessions
    first_evaluation: Callable[[Session], datetime | None]
    quarterly_months: frozenset[int] = QUARTER_ENDS
    _found: dict[tuple[CalendarCondition, date], datetime | None] = field(default_factory=dict)

    def first_from(self, day: date) -> datetime | None:
        """The first evaluation of the first session on or after a day; None when the calendar ends before it."""
        session = self.sessions.next_after(day - _DAY)
        return None if session is None or session.next_day is None else self.first_evaluation(session)

    def first_firing(self, condition: CalendarCondition, day: date) -> datetime | None:
        """The time of the first evaluation, in a session on or after a day, for which a condition fires, or None."""
        if (condition, day) not in self._found:
            if len(self._found) >= _MAX_CACHED:
                self._found.clear()
            session = self._first_firing(condition, day)
            at = None if session is None else self.first_evaluation(session)
            # Until that session, no earlier one fires.
            days = 0 if session is None else (session.day - day).days
            self._found.update({(condition, day + _DAY * offset): at for offset in range(days + 1)})
        return self._found[condition, day]

    def _first_firing(self, condition: CalendarCondition, day: date) -> Session | None:
        for nominal in (day + _DAY * offset for offset in range(_LONGEST + _LONGEST // 10)):
            if not nominal_on(condition, nominal, self.quarterly_months):
                continue
            session = self.sessions.on_or_before(nominal)
            if session is None or session.next_day is None:
                return None
            if session.day >= day:
                return session
        return None

    def closed_text(self, day: date) -> str:
        """`, a holiday` or `, a weekend` for a day without a session, else empty."""
        reason = self.sessions.closed_reason(day)
        return f", a {reason}" if reason in ("holiday", "weekend") else ""
