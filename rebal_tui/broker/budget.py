"""The budget of requests a minute, shared by everything that is sent to one broker."""

from __future__ import annotations

import json
import threading
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from enum import IntEnum

from rebal_tui.broker.connection import RateLimit

MINUTE = timedelta(minutes=1)
_BURST_WINDOW = timedelta(seconds=6)
"""Unused rate accumulates for at most this time, so that a minute's orders do not go out in one burst."""
_MICROSECOND = timedelta(microseconds=1)
_PER_MINUTE = MINUTE // _MICROSECOND
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
READ_SHARE = 3
"""While orders wait, at most one request in this many is a read."""
RESERVED_SHARE = 10
"""While no order waits, reads leave one request in this many for cancels and new orders."""


class RequestClass(IntEnum):
    """Classes of requests by urgency, the most urgent first."""

    CANCEL = 0
    SELL = 1
    BUY = 2
    JOURNAL = 3
    READ = 4


class RequestBudget:
    """Limits requests so that no period of 60 seconds has more than the rate, even if the program restarts. Safe to use
    from any thread.

    `text` is the requests sent, as text, which `restore` reads. Store it in the transaction that marks orders as sent,
    and every few seconds for other requests. `sent` counts the orders since the outbox was last empty. The sender of
    orders sets `orders_wait` while orders wait because of the rate. `setting` returns the book's setting of orders a
    minute, which limits all requests and may change at any time; `limit` returns the limit that the broker reports.
    """

    def __init__(
        self, setting: Callable[[], int | None] = lambda: None, limit: Callable[[], RateLimit | None] = lambda: None
    ) -> None:
        self.sent = 0
        self.orders_wait = False
        self._setting = setting
        self._limit = limit
        self._lock = threading.RLock()
        self._log: deque[tuple[datetime, int]] = deque()
        self._reads: deque[datetime] = deque()
        self._refilled_at: datetime | None = None
        self._credit = 0

    @classmethod
    def of(cls, text: str) -> RequestBudget:
        """A budget without a rate, restored from the `text` of an earlier budget; "" stands for no counted requests."""
        budget = cls()
        budget.restore(text)
        return budget

    def restore(self, text: str) -> None:
        """Restore the counted requests of an earlier budget from its `text`. Call it before counting any."""
        if text:
            raw = json.loads(text)
            with self._lock:
                self.sent = raw["sent"]
                self._log.extend((_EPOCH + at * _MICROSECOND, count) for at, count in raw["log"])

    def text(self) -> str:
        with self._lock:
            return json.dumps(
                {"sent": self.sent, "log": [[(at - _EPOCH) // _MICROSECOND, count] for at, count in self._log]}
            )

    @property
    def rate(self) -> int | None:
        """Requests a minute: the lower of the book's setting and the broker's limit; None without either."""
        return rate_of(self._setting(), self._limit())

    def allowance(self, now: datetime, rate: int, limit: RateLimit | None = None) -> int:
        """How many orders may be sent now at `rate` requests a minute, and within the broker's reported `limit`."""
        with self._lock:
            self._forget_old(now)
            since = _BURST_WINDOW if self._refilled_at is None else now - self._refilled_at
            elapsed = min(max(since, timedelta(0)), MINUTE)
            self._refilled_at = now
            gained = rate * (elapsed // _MICROSECOND)
            most = gained + max(rate * (_BURST_WINDOW // _MICROSECOND), _PER_MINUTE)
            self._credit = min(self._credit + gained, most)
            allowed = min(self._credit // _PER_MINUTE, rate - self._used())
            if limit is not None and now < limit.reset_at:
                allowed = min(allowed, limit.remaining)
            return max(0, allowed)

    def spend(self, now: datetime, count: int) -> None:
        """Count orders as sent at `now`."""
        with self._lock:
            self.sent += count
            self._credit = max(0, self._credit - count * _PER_MINUTE)
            self._add(now, count)

    def take(self, now: datetime, kind: RequestClass) -> bool:
        """Whether a request of this class may be sent now; if so, count it. Not for orders, which `spend` counts."""
        with self._lock:
            if not self.has_room(now, kind):
                return False
            self._add(now, 1)
            if kind is RequestClass.READ:
                self._reads.append(now)
            return True

    def has_room(self, now: datetime, kind: RequestClass) -> bool:
        """Whether a request of this class may be sent now. Not for orders, which have `allowance`."""
        with self._lock:
            if self.is_stopped(now):
                return False
            rate = rate_of(self._setting(), self._limit())
            if rate is None:
                return True
            self._forget_old(now)
            used = self._used()
            if kind is not RequestClass.READ:
                return used < rate
            if self.orders_wait:
                return used < rate and len(self._reads) < max(1, rate // READ_SHARE)
            return used < max(1, rate - rate // RESERVED_SHARE)

    def is_stopped(self, now: datetime) -> bool:
        """Whether the broker has asked to wait, so that nothing may be sent now, not even orders."""
        limit = self._limit()
        return limit is not None and now < limit.reset_at and limit.remaining <= 0

    def remaining(self, now: datetime) -> int | None:
        """How many more requests may be sent in the current minute; None without a rate."""
        with self._lock:
            limit = self._limit()
            rate = rate_of(self._setting(), limit)
            if rate is None:
                return None
            self._forget_old(now)
            left = rate - self._used()
            if limit is not None and now < limit.reset_at:
                left = min(left, limit.remaining)
            return max(0, left)

    def used(self, now: datetime) -> int:
        """The number of requests sent in the minute before `now`."""
        with self._lock:
            return sum(count for at, count in self._log if at > now - MINUTE)

    def reset(self) -> None:
        """Set `sent` to 0, because the outbox is empty."""
        self.sent = 0

    def _used(self) -> int:
        return sum(count for _, count in self._log)

    def _add(self, now: datetime, count: int) -> None:
        self._forget_old(now)
        if self._log and self._log[-1][0] == now:
            count += self._log.pop()[1]
        self._log.append((now, count))

    def _forget_old(self, now: datetime) -> None:
        while self._log and self._log[0][0] <= now - MINUTE:
            self._log.popleft()
        while self._reads and self._reads[0] <= now - MINUTE:
            self._reads.popleft()


def rate_of(setting: int | None, limit: RateLimit | None) -> int | None:
    """Requests a minute: the lower of the book's setting and the broker's limit; None without either."""
    rates = [rate for rate in (setting, limit.limit if limit else None) if rate is not None]
    return min(rates) if rates else None
