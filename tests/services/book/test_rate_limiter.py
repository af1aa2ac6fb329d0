"""The outbox respects the broker's rate limit, is fair between accounts, favors urgent orders, survives restarts."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rebal_tui.broker.budget import MINUTE, RequestBudget, rate_of
from rebal_tui.broker.connection import RateLimit
from rebal_tui.domain.orders import OrderRequest, Side
from rebal_tui.domain.quantities import parse_money
from rebal_tui.domain.runs import RunStatus, RunType
from rebal_tui.services.book.book import Book
from rebal_tui.services.book.rate_limiter import (
    OrderQueue,
    RateLimiter,
    pacing_view,
)
from rebal_tui.services.runs.manual import create_run
from rebal_tui.services.runs.sending import sending_progress
from rebal_tui.services.schedule import scheduler
from rebal_tui.services.view_models.status import PacingView
from rebal_tui.store.outbox import Unsent
from tests.examples import examples
from tests.services.brokers import BrokerWrapper, broker, reopen
from tests.services.factories import (
    account,
    advance_clock,
    advance_to,
    all_runs,
    balanced,
    fill_book,
    make_book,
    new_york,
    simple_book,
)

START = new_york("2026-03-02 09:30")


class RecordingBroker(BrokerWrapper):
    """Records when and for whom orders are submitted, and reports its rate limit if it has one."""

    rate_limit: RateLimit | None = None

    def __init__(self, book: Book) -> None:
        super().__init__(book)
        self.requests: list[tuple[datetime, str, Side]] = []
        self._clock = book.clock

    def submit_order(self, request: OrderRequest) -> object:
        self.requests.append((self._clock.now(), request.account_id, request.side))
        if self.rate_limit is not None:
            self.rate_limit = replace(self.rate_limit, remaining=self.rate_limit.remaining - 1)
        return self.inner.submit_order(request)


def paced_book(count: int, rate: int, path: Path | str = ":memory:") -> tuple[Book, RecordingBroker]:
    """Accounts with cash only, whose first rebalance creates two buys each."""
    book = simple_book(cash="10000", names=[f"a{n:02}" for n in range(count)], path=path)
    book.settings = replace(book.settings, orders_per_minute=rate)
    return book, RecordingBroker(book)


def heartbeat(book: Book, seconds: float) -> None:
    advance_clock(book, seconds=seconds)
    scheduler.tick(book)


def max_per_minute(times: list[datetime]) -> int:
    return max((sum(at <= other < at + MINUTE for other in times) for at in times), default=0)


@pytest.mark.slow
@examples(120)
@given(
    st.integers(1, 400),
    st.lists(st.tuples(st.integers(1, 90_000), st.integers(0, 500), st.booleans()), min_size=1, max_size=60),
)
def test_no_minute_exceeds_the_rate_for_any_heartbeats_and_restarts(
    rate: int, steps: list[tuple[int, int, bool]]
) -> None:
    bucket, now, sent = RequestBudget(), START, []
    for milliseconds, wanted, restarted in steps:
        now += timedelta(milliseconds=milliseconds)
        if restarted:
            bucket = RequestBudget.of(bucket.text())
        count = min(wanted, bucket.allowance(now, rate))
        if count:
            bucket.spend(now, count)
            sent += [now] * count
    assert max_per_minute(sent) <= rate


@pytest.mark.slow
@examples(60)
@given(st.integers(1, 1_000), st.sampled_from([250, 1_000, 7_000, 60_000]))
def test_the_whole_rate_is_used_when_there_is_enough_to_send(rate: int, step: int) -> None:
    bucket, now, sent = RequestBudget(), START, 0
    for _ in range(5 * 60_000 // step):
        now += timedelta(milliseconds=step)
        count = bucket.allowance(now, rate)
        if count:
            bucket.spend(now, count)
            sent += count
    assert sent >= 4 * rate


def test_used_requests_return_with_time() -> None:
    """60 a minute: six seconds' worth at the start, then one more every second."""
    bucket = RequestBudget()
    assert repr(bucket.allowance(START, 60)) == "6"
    bucket.spend(START, 4)
    assert bucket.allowance(START, 60) == 2
    bucket.spend(START, 2)
    assert bucket.allowance(START, 60) == 0
    assert bucket.allowance(START + timedelta(seconds=1), 60) == 1
    bucket.spend(START + timedelta(seconds=1), 1)
    assert bucket.sent == 7
    second = int(START.timestamp()) * 1_000_000
    assert json.loads(bucket.text()) == {"sent": 7, "log": [[second, 6], [second + 1_000_000, 1]]}
    bucket.reset()
    assert bucket.sent == 0


@pytest.mark.parametrize(("micros", "allowed"), [(59_999_999, 0), (60_000_000, 1)])
def test_sent_requests_count_for_a_minute(micros: int, allowed: int) -> None:
    bucket = RequestBudget.of(json.dumps({"sent": 10, "log": [[int(START.timestamp()) * 1_000_000, 10]]}))
    assert bucket.sent == 10
    assert bucket.allowance(START + timedelta(microseconds=micros), 10) == allowed


def test_progress_and_estimated_end_of_sending() -> None:
    bucket = RequestBudget()
    bucket.spend(START, 5)
    assert pacing_view(bucket, 30, 60, START) == PacingView(5, 35, 60, START + timedelta(seconds=30))
    assert pacing_view(bucket, 0, 60, START) is None
    assert pacing_view(bucket, 30, None, START) is None


def test_a_side_waiting_in_a_later_turn_keeps_its_order() -> None:
    """Turns count from a side's first line: run 1 is at its third, run 2 at its second, run 3 at its first."""
    waiting = OrderQueue()
    for run, line in ((1, 3), (2, 2), (3, 1)):
        waiting.add([Unsent(run, False, Side.BUY, 1, line, 4)])
    assert len(waiting) == 2 + 3 + 4
    assert waiting.take(3) == [(3, 1), (2, 2), (3, 2)]
    assert len(waiting) == 6
    assert waiting.take(2) == [(1, 3), (2, 3)]
    assert len(waiting) == 4
    assert waiting.take(9) == [(3, 3), (1, 4), (2, 4), (3, 4)]
    assert (len(waiting), waiting.take(1)) == (0, [])


def test_the_brokers_remaining_requests_apply_until_its_window_ends() -> None:
    limit = RateLimit(200, 3, START + timedelta(seconds=30))
    assert RequestBudget().allowance(START, 200, limit) == 3
    assert RequestBudget().allowance(START + timedelta(seconds=30), 200, limit) > 3
    assert rate_of(None, limit) == 200
    assert rate_of(50, limit) == 50
    assert rate_of(None, None) is None


@st.composite
def outboxes(draw: st.DrawFn) -> list[Unsent]:
    sizes = draw(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6), st.booleans()), min_size=1, max_size=12))
    waiting = []
    for run, (sells, buys, manual) in enumerate(sizes, 1):
        common = (run, manual)
        if sells:
            waiting.append(Unsent(*common, Side.SELL, 1, 1, sells))
        if buys:
            waiting.append(Unsent(*common, Side.BUY, sells + 1, sells + 1, sells + buys))
    return waiting


@pytest.mark.slow
@examples(150)
@given(outboxes(), st.lists(st.integers(1, 7), min_size=1))
def test_every_order_is_sent_once_by_urgency_then_sells_then_in_turns(some: list[Unsent], sizes: list[int]) -> None:
    waiting = OrderQueue()
    waiting.add(some)
    waiting.add(some)
    total = sum(one.last - one.next + 1 for one in some)
    assert len(waiting) == total
    taken: list[tuple[int, int]] = []
    while waiting:
        taken += waiting.take(sizes[len(taken) % len(sizes)])
    assert len(taken) == len(set(taken)) == total
    assert len(waiting) == 0
    of_line = {(one.run, line): one for one in some for line in range(one.first, one.last + 1)}
    ranks = [(not of_line[p].manual, of_line[p].side is Side.BUY, p[1] - of_line[p].first) for p in taken]
    assert ranks == sorted(ranks)
    turns: Counter[tuple[bool, Side, int]] = Counter()
    for index in taken:
        one = of_line[index]
        turns[one.manual, one.side, one.run] += 1
        rivals = [r for r in some if (r.manual, r.side) == (one.manual, one.side)]
        for rival in rivals:
            had, size = turns[rival.manual, rival.side, rival.run], rival.last - rival.first + 1
            assert had >= min(size, turns[one.manual, one.side, one.run] - 1)


def test_a_book_sends_at_most_its_rate_and_all_runs_end() -> None:
    book, recorder = paced_book(10, 6)
    scheduler.tick(book)
    progress = sending_progress(book)
    assert progress is not None
    assert (progress.total, progress.per_minute) == (20, 6)
    assert progress.sent <= 1
    assert progress.done_at > book.now()
    for _ in range(60):
        heartbeat(book, 10)
    assert len(recorder.requests) == 20
    assert max_per_minute([at for at, _, _ in recorder.requests]) <= 6
    assert {run.status for run in all_runs(book)} == {RunStatus.COMPLETED_SUCCESS}
    assert sending_progress(book) is None
    first = [who for _, who, _ in recorder.requests[:10]]
    assert len(set(first)) == 10, "everybody has a turn before anybody has a second"


def test_a_manual_run_is_sent_before_waiting_orders() -> None:
    book, recorder = paced_book(10, 6)
    fill_book(book, [account("hand", "5000", {"SPY": "20"})], [], {})
    scheduler.tick(book)
    create_run(book, "hand", RunType.PARTIAL_LIQUIDATION, amount=parse_money("7000"), weights=balanced().weights)
    before = len(recorder.requests)
    for _ in range(20):
        heartbeat(book, 10)
    assert recorder.requests[before][1:] == ("hand", Side.SELL)


def test_the_buys_of_a_manual_run_are_sent_as_soon_as_they_are_written() -> None:
    book, recorder = paced_book(10, 6)
    fill_book(book, [account("hand", "0", {"SPY": "20"})], [], {})
    scheduler.tick(book)
    create_run(book, "hand", RunType.FULL_REBALANCE, weights=balanced().weights)
    before = len(recorder.requests)
    for _ in range(3):
        heartbeat(book, 10)
    assert [requests[1:] for requests in recorder.requests[before : before + 2]] == [
        ("hand", Side.SELL),
        ("hand", Side.BUY),
    ]


def test_written_buys_wait_for_the_sells_of_other_runs() -> None:
    book = make_book()
    accounts = [account("a", "0", {"SPY": "20"}), account("b", "0", {"SPY": "20", "GLD": "20"})]
    fill_book(book, accounts, [balanced()], dict.fromkeys("ab", "balanced"))
    book.settings = replace(book.settings, orders_per_minute=6)
    recorder = RecordingBroker(book)
    for _ in range(10):
        heartbeat(book, 10)
    sells = [("a", Side.SELL), ("b", Side.SELL), ("b", Side.SELL)]
    assert [requests[1:] for requests in recorder.requests] == [*sells, ("a", Side.BUY), ("b", Side.BUY)]


def test_the_brokers_rate_limits_a_book_without_its_own_rate() -> None:
    book, recorder = paced_book(10, 1)
    book.settings = replace(book.settings, orders_per_minute=None)
    recorder.rate_limit = RateLimit(60, 3, book.now() + timedelta(seconds=30))
    assert sending_progress(book) is None
    scheduler.tick(book)
    assert len(recorder.requests) == 3
    assert sending_progress(book) == PacingView(3, 20, 60, book.now() + timedelta(seconds=17))


def test_progress_of_sending_survives_a_restart_and_resets_once_all_is_sent(tmp_path: Path) -> None:
    book, _ = paced_book(5, 60, tmp_path / "book.db")
    scheduler.tick(book)
    view = sending_progress(book)
    assert view == PacingView(6, 10, 60, book.now() + timedelta(seconds=4))
    again = reopen(book)
    again.settings = replace(again.settings, orders_per_minute=60)
    assert sending_progress(again) == view
    heartbeat(again, 30)
    assert sending_progress(again) is None
    assert again.rate_limiter.budget.sent == 0


def test_the_order_queue_is_read_on_first_use_and_again_after_a_reset() -> None:
    book, _ = paced_book(2, 1)
    scheduler.tick(book)
    rate_limiter = RateLimiter()
    assert (len(rate_limiter.waiting), rate_limiter.unknown, rate_limiter.budget.sent) == (0, {}, 0)
    rate_limiter.load(book.database)
    assert len(rate_limiter.waiting) == len(book.rate_limiter.waiting) > 0
    before = len(rate_limiter.waiting)
    rate_limiter.waiting.take(1)
    rate_limiter.load(book.database)
    assert len(rate_limiter.waiting) == before - 1
    rate_limiter.forget()
    rate_limiter.load(book.database)
    assert len(rate_limiter.waiting) == before


@pytest.mark.slow
def test_a_restart_in_the_middle_loses_nothing(tmp_path: Path) -> None:
    book, recorder = paced_book(10, 6, tmp_path / "book.db")
    times: list[datetime] = []
    scheduler.tick(book)
    for number in range(80):
        if number % 7 == 3:
            times += [at for at, _, _ in recorder.requests]
            book = reopen(book)
            book.settings = replace(book.settings, orders_per_minute=6)
            recorder = RecordingBroker(book)
        heartbeat(book, 10)
    times += [at for at, _, _ in recorder.requests]
    assert len(times) == 20
    assert max_per_minute(times) <= 6
    assert {run.status for run in all_runs(book)} == {RunStatus.COMPLETED_SUCCESS}
    assert broker(book).invariants() == []


def test_orders_not_sent_by_the_close_are_skipped() -> None:
    book, recorder = paced_book(10, 1)
    scheduler.tick(book)
    for minute in range(3):
        heartbeat(book, 60 + minute)
    sent = len(recorder.requests)
    assert 0 < sent < 20
    advance_to(book, "2026-03-02 16:01")
    assert len(recorder.requests) == sent
    assert all(run.status.final for run in all_runs(book))


def test_the_total_counts_from_when_the_queue_was_empty() -> None:
    waiting = OrderQueue()
    assert waiting.total == 0
    waiting.add([Unsent(1, False, Side.SELL, 1, 1, 3), Unsent(1, False, Side.BUY, 4, 5, 6)])
    assert (len(waiting), waiting.total) == (5, 5)
    waiting.take(4)
    waiting.add([Unsent(2, False, Side.SELL, 1, 1, 1)])
    assert (len(waiting), waiting.total) == (2, 6)
    waiting.take(2)
    waiting.add([Unsent(3, False, Side.SELL, 1, 1, 2)])
    assert (len(waiting), waiting.total) == (2, 2)
