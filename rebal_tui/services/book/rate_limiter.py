"""Rate and order of sending: a limit per minute, manual runs first, otherwise accounts in turn."""

from __future__ import annotations

import heapq
from collections.abc import Iterable
from datetime import datetime

from rebal_tui.broker.budget import MINUTE, RequestBudget
from rebal_tui.domain.orders import Side
from rebal_tui.services.view_models.status import PacingView
from rebal_tui.store import book_settings, outbox
from rebal_tui.store.database import Database
from rebal_tui.store.outbox import OrderKey, Unsent

PACE_KEY = "pace"
"""Key, in the book settings, of the requests sent in the last minute."""


class OrderQueue:
    """Unsent orders in sending order: those of manual runs first, sells before buys, then one of each account in turn.

    `total` counts the orders added since the queue was last empty.
    """

    def __init__(self) -> None:
        self._heap: list[tuple[bool, bool, int, int, int, int]] = []
        self._known: set[tuple[int, bool]] = set()
        self._count = 0
        self.total = 0

    def __len__(self) -> int:
        return self._count

    def add(self, some: Iterable[Unsent]) -> None:
        """Queue orders, but ignore those of a run that has orders of the same side in the queue already."""
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
    """Limits how fast the orders of the runs in progress are sent, and decides in which order.

    It caches the unsent orders (`waiting`) and those sent without an answer (`unknown`). The book's file is
    authoritative: the cache is loaded from it on first use, and an order is read again before it is sent. `budget`
    counts the requests of the last minute. A real broker passes its own budget, in which its other requests count, too.
    """

    def __init__(self, budget: RequestBudget | None = None) -> None:
        self.waiting = OrderQueue()
        self.unknown: dict[OrderKey, None] = {}
        self.budget = budget or RequestBudget()
        self._shared = budget is not None
        self._read = False

    def forget(self) -> None:
        """Discard the cache; it is loaded from the file again on next use."""
        self._read = False

    def load(self, database: Database) -> None:
        """Load unsent orders, and those sent without an answer, from the file, unless they are loaded already."""
        if self._read:
            return
        self.waiting, self.unknown = OrderQueue(), dict.fromkeys(outbox.unknown(database))
        self.waiting.add(outbox.unsent(database))
        if not self._shared:
            self.budget = RequestBudget.of(book_settings.get(database, PACE_KEY))
        self._read = True


def pacing_view(budget: RequestBudget, waiting: int, rate: int | None, now: datetime) -> PacingView | None:
    """Progress of sending under a limit of `rate` orders a minute, with `waiting` orders to be sent.

    None when nothing is to be sent or there is no limit.
    """
    if rate is None or waiting == 0:
        return None
    return PacingView(budget.sent, budget.sent + waiting, rate, now + MINUTE * waiting / rate)
