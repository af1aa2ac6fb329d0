"""Calendar days and cooldowns (R-16, R-17)."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise

import pytest

from rebal_tui.domain.sessions import NEW_YORK
from rebal_tui.engine.calendar import cooldown_ends, fires_on, firing_sessions, in_cooldown
from rebal_tui.market.sessions import TradingCalendar, build_sessions
from tests.engine import oracle
from tests.engine.support import calendar

NYSE = TradingCalendar(build_sessions(date(2024, 1, 1), date(2029, 1, 2)))
PAIRS = list(pairwise(NYSE.days(date(2024, 1, 1), date(2029, 1, 2))))


def firing(kind: str, day: str, year: int, months: frozenset[int] = frozenset({3, 6, 9, 12})) -> list[date]:
    sessions = [pair for pair in PAIRS if pair[0].year == year]
    return firing_sessions(calendar(kind, day), sessions, months)


def test_the_31st_of_every_month_is_its_last_session() -> None:
    fired = firing("monthly", "31", 2026)
    assert len(fired) == 12
    assert date(2026, 6, 30) in fired
    assert date(2026, 2, 27) in fired
    assert date(2026, 5, 29) in fired


def test_a_weekly_friday_before_good_friday_is_a_thursday() -> None:
    fired = firing("weekly", "Friday", 2026)
    assert date(2026, 4, 2) in fired
    assert fired.count(date(2026, 4, 2)) == 1
    assert len([day for day in fired if day.month == 4]) == 4


def test_a_weekly_monday_that_is_a_holiday_is_the_friday_before() -> None:
    fired = firing("weekly", "Monday", 2026)
    assert date(2026, 5, 22) in fired
    assert date(2026, 5, 26) not in fired


@pytest.mark.parametrize(
    ("year", "day"), [(2026, date(2026, 2, 27)), (2027, date(2027, 2, 26)), (2028, date(2028, 2, 29))]
)
def test_leap_day(year: int, day: date) -> None:
    assert firing("annually", "02-29", year) == [day]


def test_an_annual_new_year_belongs_to_the_old_year() -> None:
    assert firing("annually", "01-01", 2026) == [date(2026, 12, 31)]


def test_quarters_are_a_setting() -> None:
    assert firing("quarterly", "15", 2026) == [
        date(2026, 3, 13),
        date(2026, 6, 15),
        date(2026, 9, 15),
        date(2026, 12, 15),
    ]
    selectable = frozenset({1, 3, 6, 12})
    fired = firing("quarterly", "15", 2026, selectable)
    assert [day.month for day in fired] == [1, 3, 6, 12]


def test_the_nominal_date_is_stated() -> None:
    assert fires_on(calendar("weekly", "Friday"), date(2026, 4, 2), date(2026, 4, 6)) == date(2026, 4, 3)
    assert fires_on(calendar("weekly", "Friday"), date(2026, 4, 1), date(2026, 4, 2)) is None


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "day"),
    [
        *(("weekly", name) for name in ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday")),
        *(("monthly", str(day)) for day in (1, 4, 15, 25, 28, 29, 30, 31)),
        *(("quarterly", str(day)) for day in (1, 15, 30, 31)),
        *(("annually", day) for day in ("01-01", "02-28", "02-29", "02-30", "07-04", "12-25", "12-31")),
    ],
)
def test_every_session_of_five_years_against_the_oracle(kind: str, day: str) -> None:
    expected = [today for today, following in PAIRS if oracle.calendar_fires(kind, day, today, following)]
    assert firing_sessions(calendar(kind, day), PAIRS) == expected


@pytest.mark.parametrize(
    ("kind", "day", "per_year"), [("monthly", "31", 12), ("quarterly", "1", 4), ("annually", "12-31", 1)]
)
def test_no_day_is_lost_or_doubled(kind: str, day: str, per_year: int) -> None:
    assert len(firing_sessions(calendar(kind, day), PAIRS)) == per_year * 5


def test_a_cooldown_counts_new_york_dates() -> None:
    late_evening = datetime(2026, 3, 4, 2, 0, tzinfo=UTC)
    assert cooldown_ends(late_evening, 7) == date(2026, 3, 10)
    assert in_cooldown(late_evening, 7, date(2026, 3, 9))
    assert not in_cooldown(late_evening, 7, date(2026, 3, 10))


def test_no_cooldown_of_zero_days_nor_before_a_first_rebalance() -> None:
    now = datetime.combine(date(2026, 3, 4), time(12), NEW_YORK)
    assert not in_cooldown(now, 0, date(2026, 3, 4))
    assert not in_cooldown(None, 365, date(2026, 3, 4))


def test_cooldowns_ignore_the_hour_and_the_change_to_summer_time() -> None:
    before = datetime.combine(date(2026, 3, 7), time(23, 59), NEW_YORK)
    for hour in (0, 12, 23):
        assert cooldown_ends(before - timedelta(hours=hour), 1) == date(2026, 3, 8)
