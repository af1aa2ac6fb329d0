"""Clocks: the real one, a fixed one for replay and tests, and a simulated one that can run fast and be paused."""

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
"""Where simulated time stops, far beyond any calendar and well within what a datetime can hold."""


def _utc(at: datetime) -> datetime:
    if at.tzinfo is None:
        raise ValueError("expected an aware datetime")
    return at.astimezone(UTC)


class RealClock:
    """The computer's clock."""

    def now(self) -> datetime:
        """The current moment in UTC."""
        return datetime.now(UTC)


class FixedClock:
    """Time that stands still until it is moved, and only ever forward."""

    def __init__(self, at: datetime) -> None:
        self._at = _utc(at)

    def now(self) -> datetime:
        """The moment last set, in UTC."""
        return self._at

    def set(self, at: datetime) -> None:
        """Move to `at`. Raises `ValueError` when that is earlier than now."""
        timestamp = _utc(at)
        if timestamp < self._at:
            raise ValueError(f"time never goes back: {timestamp} is before {self._at}")
        self._at = timestamp

    def advance(self, delta: timedelta) -> None:
        """Move forward by `delta`. Raises `ValueError` when it is negative."""
        self.set(self._at + delta)


@dataclass(frozen=True, slots=True)
class ClockState:
    """What of a simulated clock outlives the process: its time, its speed, whether it is paused."""

    at: datetime
    speed: float
    paused: bool


class SimulatedClock:
    """Simulated time: an anchor plus the real time since then × speed. Safe to read from any thread.

    `skip` maps a moment in dead time to the later moment to go on from, and any other moment to None; it is asked
    each time the clock is read while running (`TradingCalendar.demo_skip` leaps over nights). `monotonic` is real
    elapsed time in seconds. Time the process was not running does not count.
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

    def now(self) -> datetime:
        """The simulated moment in UTC; never earlier than one returned before."""
        with self._lock:
            return self._settle()

    def state(self) -> ClockState:
        """The present state; a clock made from it goes on from here."""
        with self._lock:
            return ClockState(self._settle(), self._speed, self._paused)

    def pause(self) -> None:
        """Stop simulated time. Without effect when paused."""
        with self._lock:
            self._settle()
            self._paused = True

    def resume(self) -> None:
        """Let simulated time run on from where it stopped. Without effect when running."""
        with self._lock:
            self._settle()
            self._paused = False

    def set_speed(self, speed: float) -> None:
        """Change the speed from now on. Raises `Invalid` outside 0.1 to 100,000."""
        checked = _checked_speed(speed)
        with self._lock:
            self._settle()
            self._speed = checked

    def jump(self, to: datetime) -> None:
        """Go to a later moment at once, paused or not.

        Raises `Conflict` when it has passed already, `Invalid` when it is beyond the simulation's end.
        """
        timestamp = _checked_timestamp(to)
        with self._lock:
            now = self._settle()
            if timestamp < now:
                raise Conflict(f"simulated time only goes forward: it is {now:%Y-%m-%d %H:%M:%S} UTC already")
            self._anchor = timestamp

    def _settle(self) -> datetime:
        """Make the present moment the anchor and return it. The lock is held."""
        real = self._monotonic()
        elapsed, self._since = real - self._since, real
        if self._paused:
            return self._anchor
        seconds = min(elapsed * self._speed, (MAX_SIMULATED_TIME - self._anchor).total_seconds())
        self._anchor += timedelta(seconds=seconds)
        target = self._skip(self._anchor) if self._skip else None
        if target is not None:
            self._anchor = min(max(self._anchor, _utc(target)), MAX_SIMULATED_TIME)
        return self._anchor


class HeartbeatClock(SimulatedClock):
    """Simulated time as a heartbeat sees it: it stands still between beats, so that everything that is done between
    two of them happens at one moment, however fast time runs."""

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
        """The moment of the last beat."""
        return self._held_at

    def tick(self) -> datetime:
        """Move to the present simulated moment and stay there."""
        self._held_at = super().now()
        return self._held_at

    def jump(self, to: datetime) -> None:
        """Go to a later moment at once and stay there."""
        super().jump(to)
        self.tick()

    def follow(self, state: ClockState) -> None:
        """Stand where another clock of the same market stands, be it earlier."""
        with self._lock:
            self._anchor = self._held_at = _checked_timestamp(state.at)
            self._speed, self._paused = _checked_speed(state.speed), state.paused
            self._since = self._monotonic()


def _checked_timestamp(at: datetime) -> datetime:
    timestamp = _utc(at)
    if timestamp > MAX_SIMULATED_TIME:
        raise Invalid([Fault("at", f"expected a moment up to {MAX_SIMULATED_TIME:%Y}")])
    return timestamp


def _checked_speed(speed: float) -> float:
    if not MIN_SPEED <= speed <= MAX_SPEED:
        raise Invalid([Fault("speed", "expected a speed from 0.1 to 100000")])
    return float(speed)
