"""An evaluation pass in chunks, with some runs started as they are created, gives the same result as a single piece."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from rebal_tui import bootstrap
from rebal_tui.domain.accounts import Restriction
from rebal_tui.domain.decisions import Outcome
from rebal_tui.domain.portfolios import PortfolioStatus
from rebal_tui.domain.quantities import CENT, Money, Price, parse_money
from rebal_tui.domain.runs import InitiatedFrom, RunStatus, RunType
from rebal_tui.domain.sessions import NEW_YORK
from rebal_tui.market.clock import FixedClock
from rebal_tui.market.protocol import Quote
from rebal_tui.services.advisory.cash import deposit
from rebal_tui.services.advisory.subscriptions import subscribe, unsubscribe
from rebal_tui.services.book.book import Book
from rebal_tui.services.book.kill_switch import set_halt
from rebal_tui.services.evaluation.history import latest_decisions
from rebal_tui.services.evaluation_pass import chunks
from rebal_tui.services.evaluation_pass.chunks import (
    PassInProgress,
    begin_pass,
    evaluate_chunk,
    evaluation_pass,
)
from rebal_tui.services.maintenance.check import check_book
from rebal_tui.services.queries.status import status_line
from rebal_tui.services.runs import processing, starting
from rebal_tui.services.runs.manual import create_run
from rebal_tui.services.runs.processing import process_chunk, process_runs
from rebal_tui.services.schedule import scheduler
from rebal_tui.services.view_models.status import WorkView
from rebal_tui.store import jobs, run_orders, runs
from rebal_tui.store.codec import to_time
from tests.services.brokers import broker
from tests.services.factories import all_runs

ACCOUNTS = 40
OPEN = datetime(2026, 11, 23, 9, 30, tzinfo=NEW_YORK).astimezone(UTC)
NOW = OPEN + timedelta(minutes=1)
"""The time of the demonstration's first prices; an earlier clock could not use them (R-12.5)."""
NEVER = ACCOUNTS + 1


@pytest.fixture(scope="module")
def due(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A book in which two of three accounts are due for a full rebalance and half of all have cash to invest; some are
    restricted or in debt."""
    path = tmp_path_factory.mktemp("passes") / "book.db"
    bootstrap.create_demo(path, accounts=ACCOUNTS).close()
    database = bootstrap.open_database(path)
    with database.write() as tx:
        tx.execute("UPDATE subscriptions SET last_rebalanced_at = NULL WHERE key % 3 > 0")
    book = bootstrap.open_simulation(database, at=NOW)
    for number, account_id in enumerate(book.account_table.ids):
        if number % 2:
            deposit(book, account_id, parse_money("2000"))
        if number % 13 == 1:
            broker(book).set_restrictions(account_id, frozenset({Restriction.TRADING_BLOCKED}), book.now())
        elif number % 13 == 2:
            broker(book).return_deposit(account_id, Money(book.accounts[account_id].cash + 10**12), book.now())
    scheduler.advance_market(book, book.now())
    book.close()
    return path


@pytest.fixture
def opened(due: Path, tmp_path: Path) -> Iterator[Callable[..., Book]]:
    """Opens copies of the book, each with its clock fixed at the open of a session unless it is advanced."""
    made: list[Book] = []

    def make() -> Book:
        path = tmp_path / f"{len(made)}.db"
        shutil.copy(due, path)
        book = bootstrap.open_simulation(bootstrap.open_database(path), at=NOW)
        made.append(book)
        scheduler.advance_market(book, book.now())
        scheduler.start(book)
        return book

    yield make
    for book in made:
        book.close()


def advance_clock(book: Book, **by: float) -> None:
    assert isinstance(book.clock, FixedClock)
    book.clock.advance(timedelta(**by))


def run_in_chunks(book: Book, most: int = 1_000) -> int:
    """Evaluate up to `most` chunks of the pass in progress; returns how many there were."""
    for number in range(most):
        if evaluate_chunk(book) is not None:
            return number + 1
    return most


def rows(book: Book) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of the file except the audit trail; decision kinds by content rather than by key."""
    names = [name for (name,) in book.database.rows("SELECT name FROM sqlite_master WHERE type = 'table'")]
    found = {name: book.database.rows(f"SELECT * FROM {name}") for name in names if name != "audit"}
    kinds = {key: kind for key, *kind in found.pop("decision_kinds")}
    found["decisions"] = [(*row[:3], kinds[row[3]], *row[4:]) for row in found["decisions"]]
    return {name: sorted(some, key=repr) for name, some in found.items()}


def started(book: Book) -> PassInProgress:
    """Run heartbeats until a pass is in progress."""
    for _ in range(20):
        scheduler.tick(book, 1.0)
        if isinstance(book.pass_in_progress, PassInProgress):
            return book.pass_in_progress
    raise AssertionError("no pass began")


def ends(book: Book) -> dict[str, tuple[Any, ...]]:
    """How each account's run ended, with its trades."""
    return {
        run.account_id: (
            run.type, run.status, run.reason, run.cash_target,
            [
                (o.symbol, o.side, o.notional, o.qty, o.status, o.filled_qty)
                for _, o, _ in run_orders.of_run(book.database, run.id)
            ],
            run_orders.skipped_orders(book.database, run.id),
        )
        for run in all_runs(book)
    }  # fmt: skip


def sound(book: Book) -> None:
    assert check_book(book.database, broker(book)).faults == ()


@pytest.mark.slow
@pytest.mark.parametrize("at_once", [1, NEVER])
def test_an_evaluation_pass_in_chunks_stores_the_rows_of_one_chunk(
    opened: Callable[..., Book], monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    """Including ids and keys; only the audit trail has one entry per chunk."""
    monkeypatch.setattr(starting, "ARRAY_START_MIN_RUNS", at_once)
    whole, parts = opened(), opened()
    one = evaluation_pass(whole, OPEN)
    monkeypatch.setattr(chunks, "MAX_ACCOUNTS_PER_CHUNK", 7)
    many = evaluation_pass(parts, OPEN, explain=False)
    assert rows(parts) == rows(whole)
    assert (many.counts, many.runs) == (one.counts, one.runs)
    assert one.counts[Outcome.FULL_REBALANCE] > 10
    assert one.counts[Outcome.INVEST_CASH] > 3
    assert one.counts[Outcome.BLOCKED] > 1
    assert parts.open_runs == whole.open_runs
    process_runs(whole)
    process_runs(parts)
    assert ends(parts) == ends(whole)
    sound(parts)


@pytest.mark.slow
def test_runs_started_at_creation_equal_runs_queued_and_started(
    opened: Callable[..., Book], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Compares every row of the file when all have started, and every order at the end."""
    written: list[object] = []
    for at_once in (1, NEVER):
        monkeypatch.setattr(starting, "ARRAY_START_MIN_RUNS", at_once)
        book = opened()
        made = evaluation_pass(book, OPEN, explain=False).runs
        started = [run for run in made if run.status is RunStatus.IN_PROGRESS]
        assert len(started) > 15 if at_once == 1 else not started
        assert {run.type for run in started} == ({RunType.FULL_REBALANCE, RunType.INVEST_CASH} if started else set())
        assert [runs.get(book.database, run.id) for run in made] == list(made)
        sound(book)
        waiting = len(book.rate_limiter.waiting)
        book.rate_limiter.forget()
        book.rate_limiter.load(book.database)
        assert len(book.rate_limiter.waiting) == waiting
        assert process_chunk(book)
        written.append(rows(book))
        process_runs(book)
        written.append(ends(book))
        sound(book)
    assert written[:2] == written[2:]


def test_runs_with_waiting_orders_are_not_processed_before_one_is_sent(
    opened: Callable[..., Book], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(starting, "ARRAY_START_MIN_RUNS", 1)
    monkeypatch.setattr(processing, "MAX_ORDERS_PER_CHUNK", 0)
    book = opened()
    book.stopwatch = itertools.count().__next__
    while not book.open_runs:
        scheduler.tick(book, 1.0)
    made = list(book.open_runs.values())
    started_at_once = [run for run in made if run_orders.of_run(book.database, run.id)]
    assert len(started_at_once) > len(made) / 2 > book.work_queue.taken > 3


@pytest.mark.slow
@pytest.mark.parametrize("why", ["halted", "no free space", "the window is over", "review"])
def test_no_run_starts_while_starting_is_blocked(
    opened: Callable[..., Book], monkeypatch: pytest.MonkeyPatch, why: str
) -> None:
    monkeypatch.setattr(starting, "ARRAY_START_MIN_RUNS", 1)
    book = opened()
    if why == "halted":
        set_halt(book, True)
    elif why == "no free space":
        monkeypatch.setattr(type(book.database), "has_free_space", lambda _: False)
    elif why == "review":
        book.settings = replace(book.settings, review=True)
    else:
        advance_clock(book, hours=7)
    made = evaluation_pass(book, OPEN, explain=False)
    assert {run.status for run in made.runs} <= {RunStatus.QUEUED}
    assert len(made.runs) == 0 if why == "the window is over" else len(made.runs) > 15
    assert not book.database.rows("SELECT 1 FROM orders")


@pytest.mark.slow
@pytest.mark.parametrize(("kept", "at_once"), [(1, 1), (1, NEVER), (2, NEVER), (2, 1), (4, 1), (4, NEVER)])
@pytest.mark.samples(3)
def test_a_book_reopened_after_any_chunk_is_evaluated_with_equal_results(
    opened: Callable[..., Book], monkeypatch: pytest.MonkeyPatch, kept: int, at_once: int
) -> None:
    monkeypatch.setattr(starting, "ARRAY_START_MIN_RUNS", at_once)
    monkeypatch.setattr(chunks, "MAX_ACCOUNTS_PER_CHUNK", 9)
    whole = opened()
    evaluation_pass(whole, OPEN, explain=False)
    process_runs(whole)
    book = opened()
    begin_pass(book, OPEN)
    assert run_in_chunks(book, kept) == kept
    book.reload()
    assert book.pass_in_progress is None
    assert not jobs.evaluated(book.database, OPEN.date().isoformat(), OPEN)
    evaluation_pass(book, OPEN, explain=False)
    process_runs(book)
    assert ends(book) == ends(whole)
    assert {run.session for run in all_runs(book)} == {"2026-11-23"}
    sound(book)


def test_changes_between_two_chunks_apply_to_later_chunks(
    opened: Callable[..., Book], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chunks, "MAX_ACCOUNTS_PER_CHUNK", 10)
    book = opened()
    begin_pass(book, OPEN)
    evaluate_chunk(book)
    assert isinstance(book.pass_in_progress, PassInProgress)
    ids = book.account_table.ids
    firing = [a for a in (ids[row] for row in book.pass_in_progress.rows.tolist()) if not book.accounts[a].restrictions]
    gone, by_hand, barred, moved, *_ = [a for a in firing if book.subscriptions[a].last_rebalanced_at is None]
    unsubscribe(book, book.subscriptions[gone].id)
    create_run(book, by_hand, RunType.FULL_REBALANCE)
    # A run that is requested is processed for a quarter of a real second only.
    process_runs(book)
    broker(book).set_restrictions(barred, frozenset({Restriction.TRADING_BLOCKED}), book.now())
    scheduler.advance_market(book, book.now())
    other = next(p for p in book.portfolios if p != book.subscriptions[moved].portfolio_id)
    unsubscribe(book, book.subscriptions[moved].id)
    subscribe(book, moved, other)
    run_in_chunks(book)
    last = {a: latest_decisions(book.database, a) for a in (gone, by_hand, barred, moved)}
    assert last[gone] == []
    assert last[barred][0].outcome is Outcome.BLOCKED
    system = {run.account_id: run for run in all_runs(book) if run.initiated_from is InitiatedFrom.SYSTEM}
    assert gone not in system
    assert barred not in system
    assert by_hand not in system
    assert last[by_hand][0].outcome is Outcome.NONE
    assert last[by_hand][0].reason.startswith("in cooldown until ")
    assert system[moved].portfolio_id == other
    sound(book)


def test_a_price_that_moves_within_a_minute_does_not_make_the_pass_begin_anew_and_anything_else_does(
    opened: Callable[..., Book], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chunks, "MAX_ACCOUNTS_PER_CHUNK", 5)
    book = opened()

    def contexts() -> int:
        return len(book.database.rows("SELECT DISTINCT context FROM decisions"))

    begin_pass(book, OPEN)
    evaluate_chunk(book)
    advance_clock(book, seconds=50)
    book.price_cache.note({})
    scheduler.advance_market(book, book.now())
    evaluate_chunk(book)
    assert contexts() == 1
    advance_clock(book, seconds=11)
    evaluate_chunk(book)
    assert contexts() == 2
    deposit(book, book.account_table.ids[0], parse_money("10"))
    advance_clock(book, seconds=1)
    evaluate_chunk(book)
    assert contexts() == 3
    run_in_chunks(book)
    sound(book)


def test_a_plan_for_review_uses_the_prices_of_its_creation(
    opened: Callable[..., Book], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chunks, "MAX_ACCOUNTS_PER_CHUNK", 5)
    book = opened()
    book.settings = replace(book.settings, review=True)
    begin_pass(book, OPEN)
    asset = book.assets["SPY"]
    for cents in itertools.count(1):
        if evaluate_chunk(book) is not None:
            break
        advance_clock(book, seconds=1)
        book.apply_prices({"SPY": Quote(Price((asset.price or 0) + cents * CENT), book.now())})
    awaiting = list(book.open_runs.values())
    assert {run.type for run in awaiting} == {RunType.FULL_REBALANCE, RunType.INVEST_CASH}
    assert len({run.created_at for run in awaiting}) > 2
    sound(book)


@pytest.mark.slow
def test_heartbeats_advance_an_evaluation_pass_and_report_progress(
    opened: Callable[..., Book], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chunks, "MAX_ACCOUNTS_PER_CHUNK", 7)
    whole, parts = opened(), opened()
    scheduler.tick(whole)
    parts.stopwatch = itertools.count().__next__
    reported: list[WorkView] = []
    started(parts)
    more = True
    while more:
        work = status_line(parts).work
        if work is not None and work.what == "accounts":
            assert not parts.database.rows("SELECT 1 FROM orders WHERE sent = 1")
            reported.append(work)
        more = scheduler.tick(parts, 1.0)
    assert [work.done for work in reported] == list(range(7, reported[0].total, 7))
    assert ends(parts) == ends(whole)
    row = jobs.jobs(parts.database)["evaluation"]
    assert row.last_key == OPEN.isoformat()
    assert row.duration_ms is not None
    assert row.duration_ms >= 1_000 * len(reported)
    assert jobs.jobs(whole.database)["evaluation"].last_result == row.last_result
    sound(parts)


@pytest.mark.slow
@pytest.mark.parametrize("paused", [None, "scheduler", "evaluation"])
def test_a_manual_evaluation_is_run_by_heartbeats_regardless_of_paused_or_due_jobs(
    opened: Callable[..., Book], monkeypatch: pytest.MonkeyPatch, paused: str | None
) -> None:
    monkeypatch.setattr(chunks, "MAX_ACCOUNTS_PER_CHUNK", 7)
    whole, parts = opened(), opened()
    for book in (whole, parts):
        if paused:
            scheduler.pause(book, paused)
    reported = scheduler.run_now(whole, "evaluation")
    parts.stopwatch = itertools.count().__next__
    total = len(parts.subscriptions)
    assert scheduler.run_now(parts, "evaluation", 1.0) == f"in progress: 7 of {total} accounts"
    advance_clock(parts, minutes=15)
    assert scheduler.tick(parts, 1.0)
    assert status_line(parts).work == WorkView("accounts", 14, total)
    assert scheduler.run_now(parts, "evaluation", 1.0) == f"in progress: 21 of {total} accounts"
    while parts.pass_in_progress is not None:
        scheduler.tick(parts, 1.0)
    assert jobs.jobs(parts.database)["evaluation"].last_result == reported
    assert len(all_runs(parts)) == len(all_runs(whole)) > 20
    assert jobs.evaluated(parts.database, "2026-11-23", OPEN)
    sound(parts)


def test_a_manual_evaluation_stops_when_the_window_is_over(
    opened: Callable[..., Book], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chunks, "MAX_ACCOUNTS_PER_CHUNK", 7)
    book = opened()
    book.stopwatch = itertools.count().__next__
    scheduler.run_now(book, "evaluation", 1.0)
    advance_clock(book, minutes=361)
    scheduler.tick(book, 1.0)
    assert book.pass_in_progress is None
    assert not jobs.evaluated(book.database, "2026-11-23", OPEN)


@pytest.mark.slow
@pytest.mark.parametrize("what", ["scheduler", "evaluation", "the window", "the day"])
def test_an_evaluation_pass_is_abandoned_when_its_time_is_over(
    opened: Callable[..., Book], monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    monkeypatch.setattr(chunks, "MAX_ACCOUNTS_PER_CHUNK", 7)
    book = opened()
    book.stopwatch = itertools.count().__next__
    first = started(book)
    if what in ("scheduler", "evaluation"):
        scheduler.pause(book, what)
    else:
        advance_clock(book, minutes=361 if what == "the window" else 24 * 60)
    for _ in range(300):
        scheduler.tick(book, 1.0)
        assert book.pass_in_progress is not first
    assert not jobs.evaluated(book.database, "2026-11-23", OPEN)
    if what in ("scheduler", "evaluation"):
        assert len(all_runs(book)) <= 7
        scheduler.resume(book, what)
        started(book)
        while scheduler.tick(book, 1.0):
            pass
        assert jobs.evaluated(book.database, "2026-11-23", OPEN)
        assert len(all_runs(book)) > 20
        assert 0 < (jobs.jobs(book.database)["evaluation"].duration_ms or 0) < 200_000
    sound(book)


@pytest.mark.slow
def test_a_slot_due_during_an_evaluation_pass_waits_for_its_end(
    opened: Callable[..., Book], monkeypatch: pytest.MonkeyPatch
) -> None:
    """However fast the slots follow, the last accounts are evaluated, and decisions are carried out in between."""
    monkeypatch.setattr(chunks, "MAX_ACCOUNTS_PER_CHUNK", 7)
    book = opened()
    book.stopwatch = itertools.count().__next__
    first = started(book)
    while book.pass_in_progress is not None:
        assert book.pass_in_progress is first
        advance_clock(book, minutes=15)
        scheduler.tick(book, 1.0)
    assert first.done == first.total
    assert book.database.rows("SELECT slot FROM evaluations") == [(to_time(OPEN),)]
    assert len(all_runs(book)) > 20
    while scheduler.tick(book, 1.0):
        advance_clock(book, minutes=1)
    assert not book.open_runs
    started(book)
    while scheduler.tick(book, 1.0):
        pass
    assert len(book.database.rows("SELECT slot FROM evaluations")) == 2
    assert jobs.jobs(book.database)["evaluation"].missed > 3
    sound(book)


def test_a_failure_in_a_chunk_rolls_it_back_and_the_slot_is_due_again(
    opened: Callable[..., Book], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chunks, "MAX_ACCOUNTS_PER_CHUNK", 7)
    book = opened()
    begin_pass(book, OPEN)
    evaluate_chunk(book)
    before = rows(book)

    def fail(*_: object) -> None:
        raise OSError("no")

    with monkeypatch.context() as patch:
        patch.setattr(chunks, "_close", fail)
        with pytest.raises(OSError, match="no"):
            run_in_chunks(book)
    assert book.pass_in_progress is None
    assert len(rows(book)["decisions"]) > len(before["decisions"])
    assert len({a for _, a, *_ in book.database.rows("SELECT session, account FROM decisions")}) % 7 == 0
    book.reload()
    scheduler.tick(book)
    assert jobs.evaluated(book.database, "2026-11-23", OPEN)
    sound(book)


def test_an_inactive_asset_marks_its_portfolio_once_and_blocks_its_accounts_in_every_chunk(
    opened: Callable[..., Book], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chunks, "MAX_ACCOUNTS_PER_CHUNK", 5)
    book = opened()
    portfolio = max(book.portfolios.values(), key=lambda one: len(book.subscribers(one.id)))
    others = {s for p in book.portfolios.values() if p is not portfolio for s in p.weights.symbols}
    symbol = next((s for s in portfolio.weights.symbols if s not in others), portfolio.weights.symbols[0])
    broker(book).set_asset(symbol, book.now(), tradable=False)
    scheduler.advance_market(book, book.now())
    followers = book.subscribers(portfolio.id)
    made = evaluation_pass(book, OPEN, explain=False)
    assert portfolio.id in [one.id for one in made.needs_adjustment]
    assert len({one.id for one in made.needs_adjustment}) == len(made.needs_adjustment)
    assert book.portfolios[portfolio.id].status is PortfolioStatus.NEEDS_ADJUSTMENT
    reasons = {latest_decisions(book.database, a)[0].trace[-1].check for a in followers}
    assert reasons <= {"assets", "account"}
    assert "assets" in reasons
    sound(book)
