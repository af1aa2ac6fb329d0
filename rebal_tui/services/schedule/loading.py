"""Progress of loading a book, visible to another thread."""

from __future__ import annotations


class Stopped(Exception):
    """Loading was canceled."""


class LoadProgress:
    """How many accounts have been loaded: updated by the loading thread, read by the UI thread."""

    def __init__(self) -> None:
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
