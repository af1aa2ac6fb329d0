"""Rate and order of sending: a limit per minute, round robin over accounts, manual runs first."""

from __future__ import annotations

import heapq
import json
from collections import deque
from collections.abc import Iterable
from datetime import datetime, timedelta

from rebal_tui.broker.protocol import RateLimit
from rebal_tui.domain.orders import Side
from rebal_tui.services.view_models.status import PacingView
from rebal_tui.store import book_settings, outbox
from rebal_tui.store.codec import from_time, to_time
from rebal_tui.store.database import Database
from rebal_tui.store.outbox import OrderKey, Unsent

PACE_KEY = "pace"
"""Key, in the book settings, of the requests sent in the last minute."""
MINUTE = timedelta(minutes=1)
_BURST_WINDOW = timedelta(seconds=6)
"""Unused rate accumulates for at most this time, so that a minute's orders do not go out in one burst."""
_MICROSECOND = timedelta(microseconds=1)
_PER_MINUTE = MINUTE // _MICROSECOND


class TokenBucket:
    """Token bucket for requests per minute. No 60-second window exceeds the rate, even across restarts.

    `text` serializes the requests sent, and `of` restores them. Store the text in the transaction that marks the orders
    as sent. `sent` counts requests since the outbox was last empty.
    """

    def __init__(self) -> None:
        self.sent = 0
        self._log: deque[tuple[datetime, int]] = deque()
        self._refilled_at: datetime | None = None
        self._credit = 0

    @classmethod
    def of(cls, text: str) -> TokenBucket:
        """The bucket that `text` serialized; a new one for an empty text."""
        bucket = cls()
        if text:
            raw = json.loads(text)
            bucket.sent = raw["sent"]
            bucket._log.extend((from_time(at), count) for at, count in raw["log"])
        return bucket

    def text(self) -> str:
        return json.dumps({"sent": self.sent, "log": [[to_time(at), count] for at, count in self._log]})

    def allowance(self, now: datetime, rate: int, limit: RateLimit | None = None) -> int:
        """How many requests may be sent now under `rate`, in requests a minute, and the broker's own limit."""
        while self._log and self._log[0][0] <= now - MINUTE:
            self._log.popleft()
        since = _BURST_WINDOW if self._refilled_at is None else now - self._refilled_at
        elapsed = min(max(since, timedelta(0)), MINUTE)
        self._refilled_at = now
        gained = rate * (elapsed // _MICROSECOND)
        most = gained + max(rate * (_BURST_WINDOW // _MICROSECOND), _PER_MINUTE)
        self._credit = min(self._credit + gained, most)
        allowed = min(self._credit // _PER_MINUTE, rate - sum(count for _, count in self._log))
        if limit is not None and now < limit.reset_at:
            allowed = min(allowed, limit.remaining)
        return max(0, allowed)

    def spend(self, now: datetime, count: int) -> None:
        """Count requests that are sent now."""
        self.sent += count
        self._credit = max(0, self._credit - count * _PER_MINUTE)
        if self._log and self._log[-1][0] == now:
            count += self._log.pop()[1]
        self._log.append((now, count))

    def used(self, now: datetime) -> int:
        """How many requests were sent in the minute before `now`."""
        return sum(count for at, count in self._log if at > now - MINUTE)

    def reset(self) -> None:
        """Restart the count of sent requests at 0, because the outbox is empty."""
        self.sent = 0


def rate_of(setting: int | None, limit: RateLimit | None) -> int | None:
    """Requests a minute: the lower of the setting and the broker's limit; None without either."""
    rates = [rate for rate in (setting, limit.limit if limit else None) if rate is not None]
    return min(rates) if rates else None


class OrderQueue:
    """Unsent orders in sending order: manual runs first, sells before buys, then round robin over accounts, so that the
    third order of one never precedes the second of another. `total` counts orders since the queue was last empty."""

    def __init__(self) -> None:
        self._heap: list[tuple[bool, bool, int, int, int, int]] = []
        self._known: set[tuple[int, bool]] = set()
        self._count = 0
        self.total = 0

    def __len__(self) -> int:
        return self._count

    def add(self, some: Iterable[Unsent]) -> None:
        """Queue orders; one side of a run that is queued already is not added again."""
        if not self._count:
            self.total = 0
        for one in some:
            buys = one.side is Side.BUY
            if (one.run, buys) not in self._known:
                turn = one.next - one.first
                heapq.heappush(self._heap, (not one.manual, buys, turn, one.run, one.next, one.last))
                self._known.add((one.run, buys))
                self._count += one.last - one.next + 1
                self.total += one.last - one.next + 1

    def take(self, count: int) -> list[OrderKey]:
        """Remove and return the next orders, at most `count`."""
        taken: list[OrderKey] = []
        while self._heap and len(taken) < count:
            system, buys, turn, run, line, last = self._heap[0]
            taken.append((run, line))
            if line < last:
                heapq.heapreplace(self._heap, (system, buys, turn + 1, run, line + 1, last))
            else:
                heapq.heappop(self._heap)
                self._known.remove((run, buys))
        self._count -= len(taken)
        return taken


class RateLimiter:
    """Unsent orders, and orders sent without an answer, of the runs in progress. The file is authoritative: this cache
    is loaded from it on first use, and an order is read again before it is sent."""

    def __init__(self) -> None:
        self.waiting = OrderQueue()
        self.unknown: dict[OrderKey, None] = {}
        self.bucket = TokenBucket()
        self._read = False

    def forget(self) -> None:
        """Discard the cache; it is loaded from the file again on next use."""
        self._read = False

    def load(self, database: Database) -> None:
        """Load unsent and unknown orders from the file, unless they are loaded already."""
        if self._read:
            return
        self.waiting, self.unknown = OrderQueue(), dict.fromkeys(outbox.unknown(database))
        self.waiting.add(outbox.unsent(database))
        self.bucket = TokenBucket.of(book_settings.get(database, PACE_KEY))
        self._read = True


def pacing_view(bucket: TokenBucket, waiting: int, rate: int | None, now: datetime) -> PacingView | None:
    """Sending progress of a rate-limited outbox; None when it is empty or has no rate limit."""
    if rate is None or waiting == 0:
        return None
    return PacingView(bucket.sent, bucket.sent + waiting, rate, now + MINUTE * waiting / rate)
