"""The first evaluation on or after a day, and an account's calendar days (R-10, R-16, R-66).

The days are those of the printed calendar of the NYSE for 2026. Each test makes its own schedule, because a schedule
remembers the days that it has found.
"""

from __future__ import annotations

from datetime import date, datetime, time

import pytest

from rebal_tui.domain.sessions import Session
from rebal_tui.engine.schedule import Schedule
from rebal_tui.market.sessions import TradingCalendar, build_sessions
from tests.engine.support import at, calendar

NYSE = TradingCalendar(build_sessions(date(2026, 1, 1), date(2026, 12, 31)))
EARLIER = (date(2025, 12, 29), date(2025, 12, 30), date(2025, 12, 31))


def opening(session: Session) -> datetime | None:
    return session.open


def schedule(**changes: object) -> Schedule:
    return Schedule(NYSE, opening, **changes)  # type: ignore[arg-type]  # the fields of a schedule


def day_of(text: str) -> date:
    """`3-13` is 13 March 2026."""
    month, day = text.split("-")
    return date(2026, int(month), int(day))


def opens(text: str) -> datetime | None:
    return at(day_of(text), time(9, 30)) if text else None


@pytest.mark.parametrize(
    ("day", "first"),
    [
        ("3-4", "3-4"),
        ("3-7", "3-9"),  # a Saturday
        ("4-3", "4-6"),  # Good Friday
        ("7-3", "7-6"),  # Independence Day, observed
        ("11-27", "11-27"),  # a short day
        ("12-30", "12-30"),
        ("12-31", ""),  # the last session, after which the calendar knows none
    ],
)
def test_the_first_evaluation_on_or_after_a_day(day: str, first: str) -> None:
    assert schedule().first_from(day_of(day)) == opens(first)


def test_no_evaluation_is_known_after_the_end_of_the_calendar_nor_in_a_session_without_one() -> None:
    assert schedule().first_from(date(2027, 1, 1)) is None
    silent = Schedule(NYSE, lambda session: None)
    assert silent.first_from(day_of("3-4")) is None
    assert silent.first_firing(calendar("monthly", "4"), day_of("3-4")) is None


@pytest.mark.parametrize(
    ("kind", "name", "day", "offset", "own"),
    [
        ("weekly", "Friday", "3-4", 0, "3-6"),
        ("weekly", "Friday", "3-6", 0, "3-6"),
        ("weekly", "Friday", "3-7", 0, "3-13"),
        ("weekly", "Friday", "3-30", 0, "4-2"),  # Good Friday is the 3rd
        ("weekly", "Friday", "3-4", 1, "3-9"),
        ("weekly", "Friday", "3-4", 2, "3-10"),
        ("weekly", "Friday", "3-30", 1, "3-30"),
        ("weekly", "Friday", "3-31", 1, "4-6"),
        ("weekly", "Friday", "3-30", 4, "4-2"),  # the turn of Friday the 27th
        ("monthly", "15", "3-1", 0, "3-13"),  # the 15th is a Sunday
        ("monthly", "15", "3-1", 1, "3-16"),
        ("monthly", "15", "3-1", 2, "3-17"),
        ("monthly", "15", "3-18", 2, "4-17"),
        ("monthly", "15", "3-1", 14, "3-6"),  # the turn of 13 February, with Presidents' Day between
        ("monthly", "31", "4-1", 0, "4-30"),
        ("monthly", "31", "4-1", 1, "4-1"),
        ("quarterly", "15", "3-14", 0, "6-15"),
        ("quarterly", "1", "1-1", 0, "2-27"),  # 1 March is a Sunday
        ("annually", "07-04", "1-1", 0, "7-2"),
        ("annually", "07-04", "1-1", 1, "7-6"),
        ("annually", "12-30", "1-1", 0, "12-30"),
        ("monthly", "30", "12-1", 0, "12-30"),
        ("monthly", "29", "12-1", 1, "12-30"),
        ("annually", "12-31", "1-1", 0, ""),  # nothing is evaluated in the last known session
        ("monthly", "30", "12-2", 1, ""),
        ("monthly", "15", "12-16", 0, ""),
    ],
)
def test_the_calendar_days_of_an_account(kind: str, name: str, day: str, offset: int, own: str) -> None:
    """R-16, R-66: `offset` sessions after the condition fires, on or after `day`."""
    condition = calendar(kind, name)
    made = schedule()
    for _ in range(2):
        assert made.own_day(condition, day_of(day), offset) == (day_of(own) if own else None)
        assert made.first_firing(condition, day_of(day), offset) == opens(own)


def test_a_calendar_day_is_not_put_off_unless_it_is_spread() -> None:
    assert schedule().first_firing(calendar("weekly", "Friday"), day_of("3-4")) == opens("3-6")


@pytest.mark.parametrize(
    ("offset", "own", "unknown"),
    [(0, "1-5", "1-5"), (1, "1-6", "1-6"), (2, "1-7", "1-7"), (3, "1-2", "1-8"), (4, "1-5", "1-9")],
)
def test_a_condition_may_have_fired_before_the_calendar_begins(offset: int, own: str, unknown: str) -> None:
    """R-66: the sessions before Friday 2 January are Monday 29 to Wednesday 31 December; `unknown` is without these."""
    monday, new_year = calendar("weekly", "Monday"), day_of("1-1")
    assert schedule(earlier_days=lambda: EARLIER).own_day(monday, new_year, offset) == day_of(own)
    longer = (date(2025, 12, 24), date(2025, 12, 26), *EARLIER)
    assert schedule(earlier_days=lambda: longer).own_day(monday, new_year, offset) == day_of(own)
    assert schedule().own_day(monday, new_year, offset) == day_of(unknown)


def test_each_condition_and_turn_of_one_schedule_has_its_own_days() -> None:
    made = schedule()
    friday, fifteenth = calendar("weekly", "Friday"), calendar("monthly", "15")
    assert made.own_day(friday, day_of("3-4"), 0) == day_of("3-6")
    assert made.own_day(fifteenth, day_of("3-4"), 0) == day_of("3-13")
    assert made.own_day(friday, day_of("3-4"), 2) == day_of("3-10")
    assert made.own_day(fifteenth, day_of("3-4"), 2) == day_of("3-17")
    assert made.own_day(friday, day_of("3-4"), 0) == day_of("3-6")


def test_the_months_of_a_quarterly_condition_are_a_setting() -> None:
    """R-16: January, March, June and December; the 15ths are a Thursday, a Sunday, a Monday and a Tuesday."""
    made = schedule(quarterly_months=frozenset({1, 3, 6, 12}))
    found = [made.own_day(calendar("quarterly", "15"), day_of(day), 0) for day in ("1-1", "1-16", "3-14", "6-16")]
    assert found == [day_of("1-15"), day_of("3-13"), day_of("6-15"), day_of("12-15")]


def test_a_day_without_a_session_is_named() -> None:
    assert [schedule().closed_text(day_of(day)) for day in ("3-4", "3-7", "4-3")] == ["", ", a weekend", ", a holiday"]
    assert schedule().closed_text(date(2027, 1, 4)) == ""
