"""The first evaluation on or after a day, and the first one for a calendar condition (R-10, R-16, R-66).

The runs of a calendar condition may be spread over several sessions: an account's calendar day is then a number of
sessions (`offset`) after the session on which the condition fires.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Protocol

from rebal_tui.domain.portfolios import CalendarCondition
from rebal_tui.domain.sessions import Session
from rebal_tui.engine.calendar import QUARTER_ENDS, fires_on

_DAY = timedelta(days=1)


class Sessions(Protocol):
    """The trading calendar: sessions by New York date. It knows sessions from a first to a last day."""

    @property
    def known_from(self) -> date:
        """The day of the first session in the calendar."""

    @property
    def known_through(self) -> date:
        """The day of the last session in the calendar."""

    def days(self, first: date, last: date) -> tuple[date, ...]:
        """The days of all sessions in the calendar from `first` to `last`, both included."""

    def next_after(self, day: date) -> Session | None:
        """The first session after `day`, None if the calendar has none."""

    def closed_reason(self, day: date) -> str | None:
        """Why a day has no session, as text; None on a trading day."""


@dataclass(frozen=True, slots=True, eq=False)
class Schedule:
    """When evaluations happen, computed from the trading calendar.

    `first_evaluation` returns the time of a session's first evaluation, None if it has none. `earlier_days` returns the
    days of sessions before the first one in `sessions`, oldest first: a calendar condition spread over sessions may
    have fired on one of them.
    """

    sessions: Sessions
    first_evaluation: Callable[[Session], datetime | None]
    quarterly_months: frozenset[int] = QUARTER_ENDS
    earlier_days: Callable[[], Sequence[date]] = tuple
    _own_days: dict[tuple[CalendarCondition, int], list[date]] = field(default_factory=dict)
    _fires: dict[tuple[CalendarCondition, date], bool] = field(default_factory=dict)

    def first_from(self, day: date) -> datetime | None:
        """The first evaluation of the first session on or after `day`.

        None when the calendar ends before or with that session, and when it has no evaluation.
        """
        session = self.sessions.next_after(day - _DAY)
        return None if session is None or session.next_day is None else self.first_evaluation(session)

    def first_firing(self, condition: CalendarCondition, day: date, offset: int = 0) -> datetime | None:
        """The first evaluation on an account's first calendar day on or after `day`; None if the calendar has none.

        The account's calendar days are `offset` sessions after those on which the condition fires (R-66).
        """
        own = self.own_day(condition, day, offset)
        session = None if own is None else self.sessions.next_after(own - _DAY)
        return None if session is None else self.first_evaluation(session)

    def own_day(self, condition: CalendarCondition, day: date, offset: int) -> date | None:
        """The first session on or after `day` that is `offset` sessions after one on which the condition fires.

        None when the calendar ends before it.
        """
        if (condition, offset) not in self._own_days:
            self._own_days[condition, offset] = self._all_own_days(condition, offset)
        days = self._own_days[condition, offset]
        index = bisect_left(days, day)
        return days[index] if index < len(days) else None

    def _all_own_days(self, condition: CalendarCondition, offset: int) -> list[date]:
        days = self.sessions.days(self.sessions.known_from, self.sessions.known_through)
        if offset:
            days = (*self.earlier_days()[-offset:], *days)
        # Nothing is evaluated in the last known session, as the day after it is unknown.
        triples = zip(days, days[1:], days[offset:-1], strict=False)
        return [own for day, following, own in triples if self._fires_on(condition, day, following)]

    def _fires_on(self, condition: CalendarCondition, day: date, following: date) -> bool:
        if (condition, day) not in self._fires:
            fires = fires_on(condition, day, following, self.quarterly_months) is not None
            self._fires[condition, day] = fires
        return self._fires[condition, day]

    def closed_text(self, day: date) -> str:
        """`, a holiday` or `, a weekend` for such a day, else empty."""
        reason = self.sessions.closed_reason(day)
        return f", a {reason}" if reason in ("holiday", "weekend") else ""
