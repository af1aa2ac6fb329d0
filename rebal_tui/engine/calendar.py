"""Calendar conditions and cooldowns (R-16, R-17)."""

from __future__ import annotations

import calendar
from collections.abc import Iterable
from datetime import date, datetime, timedelta

from rebal_tui.domain.portfolios import WEEKDAYS, CalendarCondition, CalendarType
from rebal_tui.domain.sessions import new_york_day

QUARTER_ENDS = frozenset({3, 6, 9, 12})
"""Default months of a quarterly condition."""


def nominal_on(condition: CalendarCondition, day: date, quarterly_months: frozenset[int] = QUARTER_ENDS) -> bool:
    """Whether `day` is the day that a condition names, such as the 15th; it need not be a session.

    If the condition names a day that a month does not have, the last day of that month counts. `quarterly_months` are
    the months of quarterly conditions.
    """
    if condition.sub_type is CalendarType.WEEKLY:
        return day.weekday() == WEEKDAYS.index(condition.day)
    if condition.sub_type is CalendarType.ANNUALLY:
        month, wanted = (int(part) for part in condition.day.split("-"))
        if day.month != month:
            return False
    else:
        wanted = int(condition.day)
        if condition.sub_type is CalendarType.QUARTERLY and day.month not in quarterly_months:
            return False
    return day.day == min(wanted, calendar.monthrange(day.year, day.month)[1])


def fires_on(
    condition: CalendarCondition,
    session: date,
    next_session: date,
    quarterly_months: frozenset[int] = QUARTER_ENDS,
) -> date | None:
    """The date because of which a condition fires on `session`, None when it does not fire.

    It is the first date that the condition names among the days from `session` to the day before `next_session`, both
    included. `quarterly_months` are the months of quarterly conditions.
    """
    day = session
    while day < next_session:
        if nominal_on(condition, day, quarterly_months):
            return day
        day += timedelta(days=1)
    return None


def firing_sessions(
    condition: CalendarCondition,
    sessions: Iterable[tuple[date, date]],
    quarterly_months: frozenset[int] = QUARTER_ENDS,
) -> list[date]:
    """The days of sessions on which the condition fires.

    `sessions` has, for each session to check, its day and the day of the session after it. `quarterly_months` are the
    months of quarterly conditions.
    """
    return [day for day, following in sessions if fires_on(condition, day, following, quarterly_months)]


def cooldown_ends(last_rebalanced_at: datetime, cooldown_days: int) -> date:
    """The first New York date on which a cooldown no longer delays a full rebalance."""
    return new_york_day(last_rebalanced_at) + timedelta(days=cooldown_days)


def in_cooldown(last_rebalanced_at: datetime | None, cooldown_days: int, today: date) -> bool:
    """Whether `today` is before the end of the cooldown; False when the account was never rebalanced."""
    return last_rebalanced_at is not None and today < cooldown_ends(last_rebalanced_at, cooldown_days)
