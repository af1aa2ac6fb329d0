from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest

from rebal_tui.domain.errors import Invalid
from rebal_tui.domain.sessions import NEW_YORK, Session
from rebal_tui.market.sessions import TradingCalendar, build_sessions

FIRST, LAST = date(2006, 1, 1), date(2027, 11, 1)


@pytest.fixture(scope="module")
def sessions() -> list[Session]:
    return build_sessions(FIRST, LAST)


@pytest.fixture(scope="module")
def calendar(sessions: list[Session]) -> TradingCalendar:
    return TradingCalendar(sessions)


def at(day: date, hour: int, minute: int = 0) -> datetime:
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=NEW_YORK)


def known(session: Session | None) -> Session:
    assert session is not None
    return session


@pytest.mark.slow
def test_every_session_open_and_close_agrees_with_exchange_calendars(sessions: list[Session]) -> None:
    import exchange_calendars

    reference = exchange_calendars.get_calendar("XNYS", start=FIRST.isoformat(), end=LAST.isoformat())
    expected = [
        (day.date(), opens.to_pydatetime(), closes.to_pydatetime())
        for day, opens, closes in zip(reference.sessions, reference.opens, reference.closes, strict=True)
    ]
    assert [(session.day, session.open, session.close) for session in sessions] == expected
    assert len(expected) > 5_400


def test_times_are_utc(sessions: list[Session]) -> None:
    assert {timestamp.tzinfo for session in sessions for timestamp in (session.open, session.close)} == {UTC}


def test_next_day_chains_the_sessions_and_ends_with_none(sessions: list[Session]) -> None:
    assert [session.next_day for session in sessions] == [*(later.day for later in sessions[1:]), None]


@pytest.mark.parametrize(
    ("day", "open_utc", "close_utc"),
    [
        (date(2026, 3, 6), (14, 30), (21, 0)),
        (date(2026, 3, 9), (13, 30), (20, 0)),
        (date(2026, 10, 30), (13, 30), (20, 0)),
        (date(2026, 11, 2), (14, 30), (21, 0)),
        (date(2026, 11, 27), (14, 30), (18, 0)),
        (date(2026, 12, 24), (14, 30), (18, 0)),
    ],
)
def test_utc_times_around_daylight_saving_changes_and_half_days(
    calendar: TradingCalendar, day: date, open_utc: tuple[int, int], close_utc: tuple[int, int]
) -> None:
    session = known(calendar.session(day))
    assert (session.open.hour, session.open.minute) == open_utc
    assert (session.close.hour, session.close.minute) == close_utc
    assert session.half_day is (close_utc == (18, 0))


@pytest.mark.parametrize(
    ("traded", "settles"),
    [
        (date(2026, 11, 25), date(2026, 11, 27)),  # Thanksgiving between
        (date(2026, 10, 9), date(2026, 10, 13)),  # Columbus Day: a session, no settlement day
        (date(2026, 10, 12), date(2026, 10, 13)),
        (date(2026, 11, 10), date(2026, 11, 12)),  # Veterans Day likewise
        (date(2026, 11, 11), date(2026, 11, 12)),
        (date(2023, 11, 9), date(2023, 11, 10)),  # Veterans Day on a Saturday: banks are open on Friday
        (date(2018, 11, 9), date(2018, 11, 13)),  # on a Sunday: banks are closed on Monday
        (date(2026, 4, 2), date(2026, 4, 6)),  # Good Friday
        (date(2026, 6, 18), date(2026, 6, 22)),  # Juneteenth on a Friday
        (date(2026, 3, 6), date(2026, 3, 9)),
        (date(2026, 12, 31), date(2027, 1, 4)),
        (date(2012, 10, 26), date(2012, 10, 31)),  # Hurricane Sandy
    ],
)
def test_trades_settle_on_the_next_settlement_day(calendar: TradingCalendar, traded: date, settles: date) -> None:
    assert known(calendar.session(traded)).settles_on == settles


def test_settlement_follows_the_trade_and_never_goes_back(sessions: list[Session]) -> None:
    assert all(session.settles_on > session.day for session in sessions)
    assert all(earlier.settles_on <= later.settles_on for earlier, later in pairwise(sessions))


def test_the_last_session_settles_after_the_calendar_ends() -> None:
    (session,) = build_sessions(date(2026, 11, 25), date(2026, 11, 26))
    assert (session.settles_on, session.next_day) == (date(2026, 11, 27), None)


@pytest.mark.parametrize(
    ("first", "last"),
    [
        (date(2026, 1, 2), date(2026, 1, 1)),
        (date(1999, 1, 1), date(2026, 1, 1)),
        (date(2026, 1, 1), date(2100, 1, 1)),
    ],
)
def test_an_unknown_range_is_refused(first: date, last: date) -> None:
    with pytest.raises(Invalid, match="2003-01-01"):
        build_sessions(first, last)


def test_lookups_by_day(calendar: TradingCalendar) -> None:
    thanksgiving, before, after = date(2026, 11, 26), date(2026, 11, 25), date(2026, 11, 27)
    assert calendar.session(thanksgiving) is None
    assert known(calendar.session(before)).day == before
    assert known(calendar.on_or_before(thanksgiving)).day == before
    assert known(calendar.on_or_before(after)).day == after
    assert known(calendar.previous(thanksgiving)).day == before
    assert known(calendar.previous(after)).day == before
    assert known(calendar.next_after(thanksgiving)).day == after
    assert known(calendar.next_after(before)).day == after
    assert calendar.days(before, date(2026, 12, 1)) == (before, after, date(2026, 11, 30), date(2026, 12, 1))
    assert calendar.days(thanksgiving, thanksgiving) == ()


def test_lookups_beyond_either_end(calendar: TradingCalendar) -> None:
    assert (calendar.known_from, calendar.known_through) == (date(2006, 1, 3), LAST)
    assert calendar.previous(calendar.known_from) is None
    assert calendar.on_or_before(date(2006, 1, 2)) is None
    assert calendar.next_after(LAST) is None
    assert calendar.next_open(at(LAST, 9, 30)) is None
    assert calendar.last_opened(at(date(2006, 1, 3), 9, 29)) is None


def test_lookups_by_timestamp_use_the_new_york_date(calendar: TradingCalendar) -> None:
    friday = date(2026, 3, 6)
    assert known(calendar.at(datetime(2026, 3, 7, 4, 59, tzinfo=UTC))).day == friday
    assert calendar.at(datetime(2026, 3, 7, 5, 0, tzinfo=UTC)) is None
    assert calendar.next_open(at(friday, 9, 29)) == at(friday, 9, 30)
    assert calendar.next_open(at(friday, 9, 30)) == at(date(2026, 3, 9), 9, 30)
    assert known(calendar.last_opened(at(friday, 9, 30))).day == friday
    assert known(calendar.last_opened(at(friday, 9, 29))).day == date(2026, 3, 5)


@pytest.mark.parametrize(
    ("day", "reason"),
    [
        (date(2026, 11, 25), None),
        (date(2026, 11, 26), "holiday"),
        (date(2026, 11, 28), "weekend"),
        (date(2025, 1, 9), "holiday"),
        (date(2027, 11, 2), "unknown to the calendar"),
        (date(2005, 12, 30), "unknown to the calendar"),
    ],
)
def test_the_reason_for_no_session(calendar: TradingCalendar, day: date, reason: str | None) -> None:
    assert calendar.closed_reason(day) == reason


@pytest.mark.parametrize(
    ("timestamp", "target"),
    [
        (at(date(2026, 11, 25), 16, 29), None),
        (at(date(2026, 11, 25), 16, 30), at(date(2026, 11, 27), 9, 25)),
        (at(date(2026, 11, 27), 9, 24), at(date(2026, 11, 27), 9, 25)),
        (at(date(2026, 11, 27), 9, 25), None),
        (at(date(2026, 11, 27), 9, 30), None),
        (at(date(2026, 11, 27), 13, 29), None),
        (at(date(2026, 11, 27), 13, 30), at(date(2026, 11, 30), 9, 25)),
        (at(LAST, 16, 30), None),
        (at(date(2005, 12, 1), 12), at(date(2006, 1, 3), 9, 25)),
    ],
)
def test_time_outside_sessions_is_skipped(
    calendar: TradingCalendar, timestamp: datetime, target: datetime | None
) -> None:
    assert calendar.demo_skip(timestamp) == target


def test_a_calendar_needs_sessions_in_order(sessions: list[Session]) -> None:
    with pytest.raises(ValueError, match="at least one"):
        TradingCalendar([])
    with pytest.raises(ValueError, match="ascending"):
        TradingCalendar([sessions[1], sessions[0]])
    with pytest.raises(ValueError, match="ascending"):
        TradingCalendar([sessions[0], sessions[0]])


@pytest.mark.slow
def test_every_minute_of_a_week_is_simulated_or_skipped_to_the_next_open(calendar: TradingCalendar) -> None:
    timestamp, end = at(date(2026, 11, 23), 0), at(date(2026, 11, 30), 0)
    while timestamp < end:
        target = calendar.demo_skip(timestamp)
        if target is None:
            session = known(calendar.at(timestamp))
            assert session.open - timedelta(minutes=5) <= timestamp < session.close + timedelta(minutes=30)
        else:
            following = calendar.next_open(timestamp)
            assert following is not None
            assert timestamp < target == following - timedelta(minutes=5)
        timestamp += timedelta(minutes=1)
