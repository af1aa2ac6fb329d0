"""How far the reading of a book has come, seen from another thread."""

from __future__ import annotations


class Stopped(Exception):
    """The book is not wanted any more."""


class LoadProgress:
    """Told by the thread that reads, looked at by the one that paints."""

    def __init__(self) -> None:
        self.done = 0
        self.total = 0
        self._stopped = False

    def note(self, done: int, total: int) -> None:
        """So many accounts of all were read. Raises `Stopped` when nobody waits for the rest."""
        self.done, self.total = done, total
        if self._stopped:
            raise Stopped

    def stop(self) -> None:
        """Let the reading end where it is."""
        self._stopped = True

    @property
    def percent(self) -> int:
        """Whole percent of the accounts."""
        return self.done * 100 // self.total if self.total else 0
