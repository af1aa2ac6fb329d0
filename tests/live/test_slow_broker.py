"""A broker whose calls take 50 ms each: the book never waits for one, whatever work is due (L2, L3, W12)."""

from __future__ import annotations

import os
import threading
from bisect import bisect_left
from collections.abc import Sequence
from datetime import datetime, timedelta
from time import process_time

import httpx
import pytest

from rebal_tui.broker.budget import RequestBudget
from rebal_tui.broker.gateway.gateway import Gateway
from rebal_tui.domain.runs import RunStatus
from rebal_tui.services.advisory.bulk import preview_subscriptions, subscribe_all
from rebal_tui.services.book.kill_switch import set_halt
from rebal_tui.services.book.rate_limiter import PACE_KEY
from rebal_tui.services.schedule import scheduler
from rebal_tui.services.schedule.heartbeat import INTERVAL_SECONDS
from rebal_tui.services.view_models.accounts import BulkPreview
from rebal_tui.store import book_settings, portfolios
from rebal_tui.tui.screens.accounts.bulk_parts import PART
from tests.live.scripted_books import ScriptedAccount, ScriptedBook
from tests.services.factories import all_runs, balanced

ACCOUNTS = int(os.environ.get("SLOW_BROKER_ACCOUNTS", "30"))
"""Accounts of a day on which all of them trade; `tests/README.md` lists it."""
BULK_ACCOUNTS = int(os.environ.get("SLOW_BROKER_BULK", "30"))
"""Accounts that are moved in bulk."""
BULK_SECONDS = 5.0
"""Most processor time of their preview and move, which does not depend on what else the machine does."""
LATENCY = timedelta(milliseconds=50)
BEAT = timedelta(milliseconds=250)
LONGEST_BEAT = timedelta(milliseconds=300)
RATE = 200


class SlowBook(ScriptedBook):
    """Each call takes `LATENCY` by the clock; the gateway sends between heartbeats."""

    def __init__(self, count: int, follow: Sequence[str] | None = None, rate: int | None = RATE) -> None:
        self.orders_per_minute = rate
        self._lock = threading.Lock()
        self.requests: list[tuple[datetime, httpx.Request]] = []
        self.longest_beat = timedelta(0)
        names = [f"c{number:04}" for number in range(count)]
        super().__init__(
            {name: ScriptedAccount("10000", {}) for name in names}, follow=names if follow is None else follow
        )
        self.names = names

    def tick(self, seconds: int = 1, *, count: int = 1) -> None:
        """Heartbeats, each followed by what the gateway may send; the first ones until the book is loaded."""
        self.broker.called = self._called
        for _ in range(count):
            self.beat()
        while not self.book.polling_state.loaded:
            self.beat()

    def beat(self) -> None:
        self.clock.advance(BEAT)
        self.broker.now = self.clock.now()
        began = self.clock.now()
        scheduler.tick(self.book, 0.05)
        self.longest_beat = max(self.longest_beat, self.clock.now() - began)
        self.gateway.pump()

    def orders_sent(self) -> int:
        return sum(request.method == "POST" for _, request in self.requests)

    def most_in_a_minute(self) -> int:
        times = sorted(at for at, _ in self.requests)
        return max(bisect_left(times, start + timedelta(minutes=1)) - first for first, start in enumerate(times))

    def _called(self, request: httpx.Request) -> None:
        # Accounts are read by several threads.
        with self._lock:
            self.requests.append((self.clock.now(), request))
            self.clock.advance(LATENCY)

    def _made_gateway(self) -> Gateway:
        budget = RequestBudget(lambda: self.orders_per_minute)
        budget.restore(book_settings.get(self.database, PACE_KEY))
        return Gateway(budget, self.clock.now, lambda seconds: self.clock.advance(timedelta(seconds=seconds)))


@pytest.mark.slow
@pytest.mark.timeout(0 if ACCOUNTS > 100 else 120)
def test_when_everybody_trades_no_heartbeat_waits_and_the_kill_switch_stops_the_next_order() -> None:
    slow = SlowBook(ACCOUNTS)
    slow.advance_to("2026-11-23 10:15")
    while slow.orders_sent() < ACCOUNTS:
        slow.beat()

    set_halt(slow.book, True)
    sent = slow.orders_sent()
    for _ in range(40):
        slow.beat()
    assert slow.orders_sent() == sent

    set_halt(slow.book, False)
    while slow.orders_sent() < 2 * ACCOUNTS:
        slow.beat()
    assert len({request.content for _, request in slow.requests if request.method == "POST"}) == 2 * ACCOUNTS
    assert slow.longest_beat < LONGEST_BEAT
    assert slow.most_in_a_minute() <= RATE


@pytest.mark.timeout(0 if BULK_ACCOUNTS > 100 else 120)
def test_a_bulk_move_asks_the_broker_nothing_and_misses_no_heartbeat() -> None:
    slow = SlowBook(BULK_ACCOUNTS, rate=None)
    with slow.database.write() as tx:
        portfolios.save(tx, balanced("other", {"SPY": "30", "TLT": "65"}))
    slow.book.reload()
    before, began = len(slow.requests), slow.clock.now()
    parts = [slow.names[start : start + PART] for start in range(0, BULK_ACCOUNTS, PART)]
    used: list[float] = []
    for service in (preview_subscriptions, subscribe_all):
        for part in parts:
            start = process_time()
            done = service(slow.book, part, "other", moving=True)
            used.append(process_time() - start)
            rows = done.rows if isinstance(done, BulkPreview) else done
            assert [(row.account_id, row.refusal) for row in rows] == [(name, "") for name in part]
    assert sum(used) < BULK_SECONDS
    assert max(used) < INTERVAL_SECONDS
    assert {one.portfolio_id for one in slow.book.subscriptions.values()} == {"other"}
    assert (len(slow.requests), slow.clock.now()) == (before, began)


@pytest.mark.slow
def test_requests_before_a_restart_count_for_the_minute_after_it() -> None:
    slow = SlowBook(4, follow=(), rate=40)
    for _ in range(60):
        slow.beat()
    slow.restart()
    slow.tick(count=240)
    assert slow.most_in_a_minute() <= 40
    assert all(run.status is not RunStatus.ERROR for run in all_runs(slow.book))
