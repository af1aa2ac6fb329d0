"""The true time, which the sandbox has, and the clock of the book, which may differ from it."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta


class WorldClock:
    """Time that advances only on request. `drift` is how far the book's clock is ahead of the true time.

    `sleeping` has the names of the threads that wait for time to pass.
    """

    def __init__(self, at: datetime) -> None:
        self._at = at
        self._lock = threading.Condition()
        self._ended = False
        self.sleeping: list[str] = []
        self.drift = timedelta(0)

    @property
    def true(self) -> datetime:
        with self._lock:
            return self._at

    def now(self) -> datetime:
        """The time by the book's clock."""
        return self.true + self.drift

    def pass_time(self, seconds: float) -> None:
        with self._lock:
            self._at += timedelta(seconds=seconds)
            self._lock.notify_all()

    def sleep(self, seconds: float) -> None:
        """Wait until this much time has passed, or `end` was called."""
        with self._lock:
            until = self._at + timedelta(seconds=seconds)
            self.sleeping.append(name := threading.current_thread().name)
            while self._at < until and not self._ended:
                self._lock.wait(1)
            self.sleeping.remove(name)

    def end(self) -> None:
        """Release every thread that waits for time."""
        with self._lock:
            self._ended = True
            self._lock.notify_all()

    def jump(self, to: datetime) -> None:
        """Set the true time to a later one; an earlier one changes nothing."""
        with self._lock:
            self._at = max(self._at, to)
            self._lock.notify_all()
