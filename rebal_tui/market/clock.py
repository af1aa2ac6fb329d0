"""Clocks: real time, fixed time for replay and tests, and simulated time with speed, pause and jumps."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from rebal_tui.domain.errors import Conflict, Fault, Invalid

MIN_SPEED = 0.1
MAX_SPEED = 100_000.0
MAX_SIMULATED_TIME = datetime(2200, 1, 1, tzinfo=UTC)
"""End of simulated time: after the last day of every calendar, within the range of `datetime`."""


def _utc(at: datetime) -> datetime:
    if at.tzinfo is None:
        raise ValueError("expected an aware datetime")
    return at.astimezone(UTC)


def elapsed() -> float:
    """Monotonic real time in seconds, for measuring durations only."""
    return time.monotonic()


class RealClock:
    """The system's real time."""

    def now(self) -> datetime:
        """The current time in UTC."""
        return datetime.now(UTC)


class FixedClock:
    """A clock that changes only when set, and only forward."""

    def __init__(self, at: datetime) -> None:
        self._at = _utc(at)

    def now(self) -> datetime:
        """The time last set, in UTC."""
        return self._at

    def set(self, at: datetime) -> None:
        """Set the time to `at`. Raises `ValueError` when `at` is before the current time or has no time zone."""
        timestamp = _utc(at)
        if timestamp < self._at:
            raise ValueError(f"time cannot go back: {timestamp} is before {self._at}")
        self._at = timestamp

    def advance(self, delta: timedelta) -> None:
        """Advance the time by `delta`. Raises `ValueError` when `delta` is negative."""
        self.set(self._at + delta)


@dataclass(frozen=True, slots=True)
class ClockState:
    """The state of a simulated clock that is stored in the book. `speed` is simulated seconds per real second."""

    at: datetime
    speed: float
    paused: bool


class SimulatedClock:
    """Simulated time: the time at the last change plus the real time since then × speed. Safe to read from any thread.

    `skip` is called with the simulated time each time a running clock is read. It returns the later time at which the
    clock continues, or None to skip nothing (`TradingCalendar.demo_skip` skips nights). `monotonic` returns real
    elapsed time in seconds. While the process is not running, simulated time does not advance.
    """

    def __init__(
        self,
        state: ClockState,
        *,
        skip: Callable[[datetime], datetime | None] | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._anchor = _checked_timestamp(state.at)
        self._speed = _checked_speed(state.speed)
        self._paused = state.paused
        self._held = False
        self.stepping_to: datetime | None = None
        """The time to which a step in parts advances this clock; None while no step is under way."""
        self._skip = skip
        self._monotonic = monotonic
        self._since = monotonic()
        self._lock = threading.Lock()

    @property
    def speed(self) -> float:
        """Simulated seconds per real second while running."""
        return self._speed

    @property
    def paused(self) -> bool:
        return self._paused

    @property
    def held(self) -> bool:
        return self._held

    def now(self) -> datetime:
        """The simulated time in UTC; never earlier than a time returned before."""
        with self._lock:
            return self._settle()

    def state(self) -> ClockState:
        """The current state; a clock created from it continues from the same time."""
        with self._lock:
            return ClockState(self._settle(), self._speed, self._paused)

    def pause(self) -> None:
        """Pause simulated time. No effect when paused."""
        with self._lock:
            self._settle()
            self._paused = True

    def resume(self) -> None:
        """Resume simulated time. No effect when running."""
        with self._lock:
            self._settle()
            self._paused = False

    def hold(self, held: bool) -> None:
        """Stop simulated time (`held` True) or let it continue (False). Unlike a pause, this is not part of `state`."""
        with self._lock:
            self._settle()
            self._held = held

    def set_speed(self, speed: float) -> None:
        """Change the speed. Raises `Invalid` outside 0.1 to 100,000."""
        checked = _checked_speed(speed)
        with self._lock:
            self._settle()
            self._speed = checked

    def jump(self, to: datetime) -> None:
        """Set the time to `to`, paused or not.

        Raises `Conflict` when `to` is before the current time, `Invalid` when it is after `MAX_SIMULATED_TIME`.
        """
        timestamp = _checked_timestamp(to)
        with self._lock:
            now = self._settle()
            if timestamp < now:
                raise Conflict(f"simulated time cannot go back: it is already {now:%Y-%m-%d %H:%M:%S} UTC")
            self._anchor = timestamp

    def _settle(self) -> datetime:
        """Move the anchor to the current time and return it. The caller holds the lock."""
        real = self._monotonic()
        elapsed, self._since = real - self._since, real
        if self._paused or self._held:
            return self._anchor
        seconds = min(elapsed * self._speed, (MAX_SIMULATED_TIME - self._anchor).total_seconds())
        self._anchor += timedelta(seconds=seconds)
        target = self._skip(self._anchor) if self._skip else None
        if target is not None:
            self._anchor = min(max(self._anchor, _utc(target)), MAX_SIMULATED_TIME)
        return self._anchor


class HeartbeatClock(SimulatedClock):
    """Simulated time that changes only at heartbeats: all work of one heartbeat has the same timestamp at any speed.

    A heartbeat starts with one call of `tick`.
    """

    def __init__(
        self,
        state: ClockState,
        *,
        skip: Callable[[datetime], datetime | None] | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(state, skip=skip, monotonic=monotonic)
        self._held_at = super().now()

    def now(self) -> datetime:
        """The simulated time of the last heartbeat, in UTC."""
        return self._held_at

    def tick(self) -> datetime:
        """Read the simulated time and return it; until the next call of `tick`, `now` returns the same time."""
        self._held_at = super().now()
        return self._held_at

    def hold(self, held: bool) -> None:
        """Stop simulated time (`held` True) or let it continue (False).

        It stops at the time of the last heartbeat, which the screens show.
        """
        with self._lock:
            self._settle()
            if held:
                self._anchor = self._held_at
            self._held = held

    def jump(self, to: datetime) -> None:
        """Set the time to `to`, as if at a heartbeat.

        Raises `Conflict` when `to` is before the current time, `Invalid` when it is after `MAX_SIMULATED_TIME`.
        """
        super().jump(to)
        self.tick()

    def follow(self, state: ClockState) -> None:
        """Adopt the state of another clock of the same simulated market, even if that clock is behind this one.

        A process that only views a book follows the clock of the process that writes it.
        """
        with self._lock:
            self._anchor = self._held_at = _checked_timestamp(state.at)
            self._speed, self._paused = _checked_speed(state.speed), state.paused
            self._since = self._monotonic()


def _checked_timestamp(at: datetime) -> datetime:
    timestamp = _utc(at)
    if timestamp > MAX_SIMULATED_TIME:
        raise Invalid([Fault("at", f"expected a time up to {MAX_SIMULATED_TIME:%Y}")])
    return timestamp


def _checked_speed(speed: float) -> float:
    if not MIN_SPEED <= speed <= MAX_SPEED:
        raise Invalid([Fault("speed", "expected a speed from 0.1 to 100000")])
    return float(speed)
