"""The true time, which the sandbox has, and the clock of the book, which may differ from it."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta


class WorldClock:
    """Time that passes only when told: by beats, by the latency of calls, and by waits for the rate limit.

    `drift` is what the book's clock is ahead of the true time.
    """

    def __init__(self, at: datetime) -> None:
        self._at = at
        self._lock = threading.Lock()
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

    def jump(self, to: datetime) -> None:
        """Set the true time to a later one; an earlier one changes nothing."""
        with self._lock:
            self._at = max(self._at, to)
