"""Progress of loading a book, visible to another thread."""

from __future__ import annotations

from collections.abc import Callable

from rebal_tui.market.clock import elapsed


class Stopped(Exception):
    """Loading was canceled."""


class LoadProgress:
    """How many accounts have been loaded: updated by the loading thread, read by the UI thread."""

    def __init__(self, stopwatch: Callable[[], float] = elapsed) -> None:
        """`stopwatch` returns elapsed real time in seconds."""
        self._stopwatch, self._since = stopwatch, stopwatch()
        self.done = 0
        self.total = 0
        self._stopped = False

    def update(self, done: int, total: int) -> None:
        """Record that `done` of `total` accounts were read. Raises `Stopped` after `stop`."""
        self.done, self.total = done, total
        if self._stopped:
            raise Stopped

    def stop(self) -> None:
        """Cancel loading at the next `update`."""
        self._stopped = True

    @property
    def percent(self) -> int:
        """Accounts read, in whole percent; 0 while the total is unknown."""
        return self.done * 100 // self.total if self.total else 0

    @property
    def text(self) -> str:
        """The progress as `40 %, 3 s`: accounts read in whole percent, and seconds so far.

        The percentage is left out before and after the accounts are read, because the progress of other parts is
        unknown. Seconds are left out while they are 0.
        """
        seconds = int(self._stopwatch() - self._since)
        parts = [f"{self.percent} %"] if 0 < self.percent < 100 else []
        parts += [f"{seconds} s"] if seconds else []
        return ", ".join(parts)
