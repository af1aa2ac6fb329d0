"""Time limit for work during which the thread of the book can do nothing else."""

from __future__ import annotations

from rebal_tui.services.book.book import Book


class TimeBudget:
    """A limit of `seconds` from the creation of this object; no limit if it is None or the book has no stopwatch."""

    def __init__(self, book: Book, seconds: float | None) -> None:
        self._watch = book.stopwatch if seconds is not None else None
        self._until = self._watch() + (seconds or 0.0) if self._watch else 0.0

    def is_spent(self) -> bool:
        return self._watch is not None and self._watch() >= self._until
