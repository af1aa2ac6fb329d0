"""The difference between the broker's clock and this computer's, measured by the `Date` header of every response."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime

DATE_RESOLUTION = timedelta(seconds=1)
"""A `Date` names a second, so the broker's clock is anywhere within it."""


class ClockSkew:
    """The last measured difference of the two clocks, safe to use from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._skew: timedelta | None = None

    @property
    def skew(self) -> timedelta | None:
        """The broker's clock minus this computer's, None before the first response with a `Date` header."""
        with self._lock:
            return self._skew

    def note(self, date: str | None, sent_at: datetime, received_at: datetime) -> None:
        """Measure the difference by the `Date` header (`date`) of a response. Without a valid header nothing changes.

        `sent_at` and `received_at` are the times of this computer when the response was requested and received. The
        broker wrote the header between the two, which gives a range for the difference; the value in this range that is
        nearest to zero is taken.
        """
        try:
            there = parsedate_to_datetime(date or "")
            least, most = there - received_at, there + DATE_RESOLUTION - sent_at
        except (ValueError, TypeError, OverflowError):
            return
        found = least if least > timedelta(0) else most if most < timedelta(0) else timedelta(0)
        with self._lock:
            self._skew = found
