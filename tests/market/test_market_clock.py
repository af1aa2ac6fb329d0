from __future__ import annotations

import subprocess
import sys
from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from rebal_tui.domain.errors import Conflict, Invalid
from rebal_tui.market.clock import (
    MAX_SIMULATED_TIME,
    ClockState,
    FixedClock,
    HeartbeatClock,
    RealClock,
    SimulatedClock,
)
from rebal_tui.market.sessions import TradingCalendar, build_sessions

START = datetime(2026, 3, 5, 15, 0, tzinfo=UTC)


class Real:
    """Elapsed real seconds under the test's control."""

    def __init__(self) -> None:
        self.seconds = 50.0

    def __call__(self) -> float:
        return self.seconds


def running(real: Real, speed: float = 600, at: datetime = START) -> SimulatedClock:
    return SimulatedClock(ClockState(at, speed, paused=False), monotonic=real)


def test_the_real_clock_is_in_utc() -> None:
    assert RealClock().now().utcoffset() == timedelta(0)


def test_a_fixed_clock_moves_only_when_set_and_never_back() -> None:
    clock = FixedClock(START)
    clock.advance(timedelta(minutes=5))
    assert clock.now() == START + timedelta(minutes=5)
    clock.set(START + timedelta(hours=1))
    with pytest.raises(ValueError, match="cannot go back"):
        clock.set(START)
    with pytest.raises(ValueError, match="cannot go back"):
        clock.advance(timedelta(seconds=-1))
    assert clock.now() == START + timedelta(hours=1)


def test_a_fixed_clock_returns_utc_for_any_time_zone() -> None:
    clock = FixedClock(START.astimezone(timezone(timedelta(hours=-5))))
    assert (clock.now(), clock.now().tzinfo) == (START, UTC)
    with pytest.raises(ValueError, match="aware"):
        clock.set(datetime(2027, 1, 1))  # noqa: DTZ001


def test_simulated_time_runs_at_its_speed() -> None:
    real = Real()
    clock = running(real, speed=600)
    real.seconds += 1.5
    assert clock.now() == START + timedelta(minutes=15)
    clock.set_speed(0.5)
    real.seconds += 10
    assert clock.now() == START + timedelta(minutes=15, seconds=5)


def test_reading_often_does_not_change_the_time() -> None:
    real, other = Real(), Real()
    often, once = running(real, speed=7.3), running(other, speed=7.3)
    for _ in range(1_000):
        real.seconds += 0.125
        often.now()
    other.seconds += 125
    assert abs(often.now() - once.now()) < timedelta(milliseconds=1)


def test_a_pause_takes_no_simulated_time() -> None:
    real = Real()
    clock = running(real, speed=60)
    real.seconds += 1
    clock.pause()
    real.seconds += 1_000
    assert clock.paused
    assert clock.now() == START + timedelta(minutes=1)
    clock.resume()
    real.seconds += 2
    assert not clock.paused
    assert clock.now() == START + timedelta(minutes=3)


def test_a_jump_goes_forward_only() -> None:
    real = Real()
    clock = running(real, speed=1)
    clock.pause()
    clock.jump(START + timedelta(days=1))
    assert clock.now() == START + timedelta(days=1)
    with pytest.raises(Conflict, match="simulated time cannot go back"):
        clock.jump(START)
    with pytest.raises(Invalid):
        clock.jump(MAX_SIMULATED_TIME + timedelta(seconds=1))
    assert clock.now() == START + timedelta(days=1)


@pytest.mark.parametrize("speed", [0.0, 0.099, -1.0, 100_001.0, float("nan"), float("inf")])
def test_a_speed_out_of_range_is_refused_and_changes_nothing(speed: float) -> None:
    clock = running(Real(), speed=60)
    with pytest.raises(Invalid, match="speed"):
        clock.set_speed(speed)
    assert clock.speed == 60
    with pytest.raises(Invalid, match="speed"):
        running(Real(), speed=speed)


def test_a_clock_restored_from_a_state_resumes_there() -> None:
    real = Real()
    clock = running(real, speed=600)
    real.seconds += 1
    clock.pause()
    state = clock.state()
    assert state == ClockState(START + timedelta(minutes=10), 600.0, paused=True)
    later = Real()
    later.seconds = 9_999.0
    again = SimulatedClock(state, monotonic=later)
    assert again.state() == state
    again.resume()
    later.seconds += 1
    assert again.now() == START + timedelta(minutes=20)


def test_no_time_passes_while_a_clock_is_held_and_none_of_it_is_stored() -> None:
    real = Real()
    clock = running(real, speed=60)
    real.seconds += 1
    clock.hold(True)
    real.seconds += 100
    assert clock.now() == START + timedelta(minutes=1)
    assert clock.state() == ClockState(START + timedelta(minutes=1), 60.0, paused=False)
    clock.hold(False)
    real.seconds += 1
    assert clock.now() == START + timedelta(minutes=2)


def test_a_held_heartbeat_clock_stays_at_its_last_heartbeat() -> None:
    """What is computed once it is held is of the same time and prices as what the next heartbeats compute."""
    real = Real()
    clock = HeartbeatClock(ClockState(START, 60.0, paused=False), monotonic=real)
    real.seconds += 1
    last = clock.tick()
    real.seconds += 1
    clock.hold(True)
    real.seconds += 1
    assert clock.tick() == last == START + timedelta(minutes=1)
    clock.hold(False)
    real.seconds += 1
    assert clock.tick() == START + timedelta(minutes=2)


def test_simulated_time_stops_at_its_end() -> None:
    real = Real()
    clock = running(real, speed=100_000, at=MAX_SIMULATED_TIME - timedelta(days=1))
    real.seconds += 1e9
    assert clock.now() == MAX_SIMULATED_TIME
    real.seconds += 1e9
    assert clock.now() == MAX_SIMULATED_TIME


def test_a_fast_clock_skips_from_half_an_hour_after_the_close_to_five_minutes_before_the_open() -> None:
    calendar = TradingCalendar(build_sessions(date(2026, 3, 2), date(2026, 3, 20)))
    real = Real()
    friday_close = datetime(2026, 3, 6, 21, 0, tzinfo=UTC)
    clock = SimulatedClock(ClockState(friday_close, 60, paused=False), skip=calendar.demo_skip, monotonic=real)
    real.seconds += 29.5
    assert clock.now() == friday_close + timedelta(minutes=29, seconds=30)
    real.seconds += 0.5
    # The weekend in between is the one in which daylight saving time starts.
    assert clock.now() == datetime(2026, 3, 9, 13, 25, tzinfo=UTC)
    real.seconds += 5
    assert clock.now() == datetime(2026, 3, 9, 13, 30, tzinfo=UTC)


def test_a_paused_clock_does_not_skip() -> None:
    calendar = TradingCalendar(build_sessions(date(2026, 3, 2), date(2026, 3, 20)))
    midnight = datetime(2026, 3, 6, 5, 0, tzinfo=UTC)
    clock = SimulatedClock(ClockState(midnight, 60, paused=True), skip=calendar.demo_skip, monotonic=Real())
    assert clock.now() == midnight
    clock.resume()
    assert clock.now() == datetime(2026, 3, 6, 14, 25, tzinfo=UTC)


def test_a_skip_never_moves_time_back() -> None:
    clock = SimulatedClock(ClockState(START, 1, paused=False), skip=lambda at: at - timedelta(days=1), monotonic=Real())
    assert clock.now() == START


def test_clocks_calendar_and_feeds_load_without_the_holiday_tables() -> None:
    code = (
        "import sys, rebal_tui.market.clock, rebal_tui.market.sessions, rebal_tui.market.walk, "
        "rebal_tui.market.closes; sys.exit('holidays' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_clock_changes_apply_from_their_own_time_without_a_read_between() -> None:
    real = Real()
    clock = running(real, speed=60)
    real.seconds += 1
    clock.set_speed(600)
    real.seconds += 1
    clock.pause()
    real.seconds += 100
    clock.resume()
    real.seconds += 1
    assert clock.now() == START + timedelta(minutes=21)


def test_a_heartbeat_clock_stays_between_heartbeats_and_follows_a_jump() -> None:
    elapsed = [0.0]
    start = datetime(2026, 3, 2, 15, tzinfo=UTC)
    clock = HeartbeatClock(ClockState(start, 600, False), monotonic=lambda: elapsed[0])
    elapsed[0] = 1.0
    assert clock.now() == start
    assert clock.tick() == start + timedelta(minutes=10) == clock.now()
    clock.jump(start + timedelta(hours=1))
    assert clock.now() == start + timedelta(hours=1)
