"""The time of a book: that of its clock, except while a transaction is written."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from rebal_tui.market.protocol import Clock


class BookTime:
    """A clock whose time is fixed while a transaction is written, so that everything it stores has the same time.

    With a clock that runs on, a decision and the prices it was made with would be stored with different times, and
    decided again at the second one, which may be after the end of the window.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._fixed_at: datetime | None = None

    def now(self) -> datetime:
        """The current time of the book in UTC: simulated where its clock is."""
        return self._fixed_at or self._clock.now()

    @contextmanager
    def fixed(self) -> Iterator[None]:
        """Keep the time inside the `with` block; nested, that of the outer block."""
        before, self._fixed_at = self._fixed_at, self.now()
        try:
            yield
        finally:
            self._fixed_at = before
