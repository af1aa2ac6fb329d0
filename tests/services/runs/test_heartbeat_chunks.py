"""A day of many runs in chunks: no event between two chunks loses or repeats anything."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from rebal_tui import bootstrap
from rebal_tui.broker.failures import BrokerUnavailable
from rebal_tui.domain.runs import RunStatus, RunType
from rebal_tui.services.book.book import Book
from rebal_tui.services.book.kill_switch import set_halt
from rebal_tui.services.broker_sync import events as syncing
from rebal_tui.services.evaluation_pass.chunks import evaluation_pass
from rebal_tui.services.queries.status import status_line
from rebal_tui.services.runs import processing
from rebal_tui.services.runs.manual import cancel_run, create_run
from rebal_tui.services.runs.processing import process_chunk, process_runs
from rebal_tui.services.runs.sending import MAX_ORDERS_PER_TRANSACTION
from rebal_tui.services.schedule import follower, scheduler
from rebal_tui.services.schedule import jobs as scheduled_jobs
from rebal_tui.services.schedule.book_thread import BookThread
from rebal_tui.services.simulation.demonstration.setup import DEFAULT_START
from rebal_tui.store.runs import get
from rebal_tui.tui.book_backend import BookBackend

ACCOUNTS = 40


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """So few runs, orders and events per chunk that forty accounts need many chunks."""
    for module, name in (
        (processing, "MAX_STARTS_PER_TRANSACTION"), (processing, "MAX_RUNS_PER_TRANSACTION"),
        (processing, "MAX_EVENTS_PER_TRANSACTION"), (syncing, "MAX_EVENTS_PER_TRANSACTION"),
    ):  # fmt: skip
        monkeypatch.setattr(module, name, 7)
    monkeypatch.setattr(processing, "MAX_ORDERS_PER_CHUNK", MAX_ORDERS_PER_TRANSACTION)


@pytest.fixture
def queued(tmp_path: Path) -> Iterator[Callable[[str], Book]]:
    """Creates copies of one book, every account due for a full rebalance; the runs wait."""
    opened = []

    def make(name: str) -> Book:
        path = tmp_path / f"{name}.db"
        bootstrap.create_demo(path, accounts=ACCOUNTS).close()
        database = bootstrap.open_database(path)
        with database.write() as tx:
            tx.execute("UPDATE subscriptions SET last_rebalanced_at = NULL")
        book = bootstrap.open_simulation(database, at=DEFAULT_START)
        opened.append(book)
        scheduler.advance_market(book, book.now())
        evaluation_pass(book, explain=False)
        return book

    yield make
    for book in opened:
        book.close()


def ends(book: Book) -> list[tuple[Any, ...]]:
    return book.database.rows("SELECT account, status, reason FROM runs ORDER BY key")


def trades(book: Book) -> list[tuple[Any, ...]]:
    return book.database.rows("SELECT run, line, asset, side, notional, qty, status, filled_qty FROM orders")


@pytest.mark.slow
@pytest.mark.usefixtures("small")
def test_runs_processed_in_chunks_end_as_in_one_chunk(queued: Callable[[str], Book]) -> None:
    whole, sliced = queued("whole"), queued("sliced")
    process_runs(whole)
    moved: set[str] = set()
    slices = 1
    while process_chunk(sliced, moved):
        slices += 1
    assert slices > 20
    assert (ends(sliced), trades(sliced)) == (ends(whole), trades(whole))
    assert {status for _, status, _ in ends(sliced)} <= {"COMPLETED_SUCCESS", "COMPLETED_ADJUSTED"}
    assert len(moved) == len(ends(sliced)) > ACCOUNTS // 2
    assert not process_chunk(sliced)


@pytest.mark.slow
@pytest.mark.usefixtures("small")
def test_a_book_reopened_after_any_chunk_continues(queued: Callable[[str], Book]) -> None:
    whole, sliced = queued("whole"), queued("sliced")
    process_runs(whole)
    while process_chunk(sliced):
        sliced.reload()
    assert (ends(sliced), trades(sliced)) == (ends(whole), trades(whole))


@pytest.mark.slow
@pytest.mark.usefixtures("small")
def test_the_kill_switch_between_two_chunks_stops_the_rest_and_loses_nothing(
    queued: Callable[[str], Book],
) -> None:
    book = queued("halted")
    assert process_chunk(book)
    set_halt(book, True)
    process_runs(book)
    waiting = [run.id for run in book.open_runs.values() if run.status is RunStatus.QUEUED]
    assert len(waiting) > 20
    assert not book.database.rows("SELECT 1 FROM orders WHERE sent = 1")
    set_halt(book, False)
    process_runs(book)
    assert not book.open_runs
    assert {status for _, status, _ in ends(book)} <= {"COMPLETED_SUCCESS", "COMPLETED_ADJUSTED"}


@pytest.mark.slow
@pytest.mark.usefixtures("small")
def test_a_failure_of_the_broker_in_a_chunk_loses_no_run(
    queued: Callable[[str], Book], monkeypatch: pytest.MonkeyPatch
) -> None:
    book = queued("failed")
    assert process_chunk(book)

    def fail(*_: object) -> None:
        raise BrokerUnavailable("no response")

    with monkeypatch.context() as patch:
        patch.setattr(processing, "_move", fail)
        with pytest.raises(BrokerUnavailable):
            process_chunk(book)
    process_runs(book)
    assert not book.open_runs


@pytest.mark.slow
@pytest.mark.usefixtures("small")
def test_a_run_canceled_between_two_chunks_is_not_started(queued: Callable[[str], Book]) -> None:
    book = queued("canceled")
    assert process_chunk(book)
    last = list(book.open_runs.values())[-1]
    assert last.status is RunStatus.QUEUED
    canceled = cancel_run(book, last.id)
    assert canceled.status is RunStatus.CANCELED
    process_runs(book)
    assert not book.database.rows("SELECT 1 FROM orders JOIN runs ON key = run WHERE id = ?", (last.id,))


@pytest.mark.slow
@pytest.mark.usefixtures("small")
def test_heartbeats_with_a_time_budget_process_runs_with_equal_results(
    queued: Callable[[str], Book],
) -> None:
    whole, sliced = queued("whole"), queued("sliced")
    assert not scheduler.tick(whole)
    sliced.stopwatch = itertools.count().__next__
    statuses = []
    while scheduler.tick(sliced, 1.0):
        statuses.append(status_line(sliced).work)
    assert (ends(sliced), trades(sliced)) == (ends(whole), trades(whole))
    assert status_line(sliced).work is None
    runs = [work for work in statuses if work is not None and work.what == "runs"]
    assert len(runs) > 5
    assert all(work.done < work.total for work in runs)
    sent = [work for work in statuses if work is not None and work.what == "orders"]
    assert sent
    assert all(work.done < work.total for work in sent)


@pytest.mark.slow
@pytest.mark.usefixtures("small")
def test_requests_during_a_heartbeat_are_answered_between_two_chunks(
    queued: Callable[[str], Book], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(follower, "HEARTBEAT_BUDGET_SECONDS", 0.0)
    book = queued("asked")
    book.stopwatch = itertools.count().__next__
    thread = BookThread(lambda: book)
    backend = BookBackend(thread)
    waiting = []

    async def work() -> None:
        while await backend.tick():
            pass

    async def main() -> None:
        heartbeat_task = asyncio.create_task(work())
        while not heartbeat_task.done():
            waiting.append((await backend.ask(status_line)).work)
        await heartbeat_task

    try:
        asyncio.run(main())
    finally:
        thread.close()
    assert sum(work is not None for work in waiting) > 10


@pytest.mark.slow
@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("fails", [True, False])
def test_a_job_due_at_every_heartbeat_delays_no_other_work(
    queued: Callable[[str], Book], monkeypatch: pytest.MonkeyPatch, fails: bool
) -> None:
    book = queued("busy")
    book.stopwatch = itertools.count().__next__
    tick_numbers = itertools.count()

    def act(*_: object) -> str:
        if fails:
            raise OSError("no space")
        return "done"

    busy = scheduled_jobs.Job("prices", "Save prices", lambda *_: f"{next(tick_numbers)}", act, lambda *_: None)
    monkeypatch.setattr(scheduled_jobs, "JOBS", (busy, *(job for job in scheduled_jobs.JOBS if job.name != "prices")))
    ticks = 1
    while book.open_runs:
        scheduler.tick(book, 1.0)
        ticks += 1
        assert ticks < 2_000
    assert ticks > 5


@pytest.mark.slow
@pytest.mark.usefixtures("small")
def test_a_manual_run_starts_before_the_other_runs_of_a_long_day(queued: Callable[[str], Book]) -> None:
    book = queued("manual")
    book.stopwatch = itertools.count().__next__
    canceled = next(iter(book.open_runs.values()))
    cancel_run(book, canceled.id)
    assert len(book.open_runs) > ACCOUNTS // 2
    requested = create_run(book, canceled.account_id, RunType.FULL_REBALANCE)
    assert requested.status is RunStatus.IN_PROGRESS
    waiting = [run for run in book.open_runs.values() if run.status is RunStatus.QUEUED]
    assert len(waiting) > ACCOUNTS // 4
    while process_chunk(book):
        pass
    assert get(book.database, requested.id).status.completed
    assert all(run.status is RunStatus.IN_PROGRESS for run in book.open_runs.values())
