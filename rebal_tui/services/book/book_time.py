"""The time of a book: that of its clock, except while a transaction is written."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from rebal_tui.market.protocol import Clock


class BookTime:
    """A clock whose time is fixed while a transaction is written, so that everything it stores has the same time.

    If the clock ran on, a decision and its prices would be stored with different times. Recomputing the decision at the
    later time could give another outcome, as that time may be after the end of the window.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._fixed_at: datetime | None = None

    def now(self) -> datetime:
        """The current time of the book in UTC; simulated time if its clock is simulated."""
        return self._fixed_at or self._clock.now()

    @contextmanager
    def fixed(self) -> Iterator[None]:
        """Fix the time inside the `with` block; a nested block keeps the time of the outer block."""
        before, self._fixed_at = self._fixed_at, self.now()
        try:
            yield
        finally:
            self._fixed_at = before
