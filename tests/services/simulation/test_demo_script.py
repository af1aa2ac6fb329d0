"""Scripted events of the demonstration book."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from functools import cache

import pytest

from rebal_tui import bootstrap
from rebal_tui.broker.simulated.broker import SimulatedBroker
from rebal_tui.domain.portfolios import PortfolioStatus
from rebal_tui.domain.quantities import parse_price
from rebal_tui.domain.runs import RunType
from rebal_tui.domain.sessions import NEW_YORK
from rebal_tui.market.clock import SimulatedClock
from rebal_tui.services.book.book import Book
from rebal_tui.services.book.market_state import load_clock, store_clock
from rebal_tui.services.schedule import jobs as scheduled_jobs
from rebal_tui.services.schedule import scheduler
from rebal_tui.services.simulation.demonstration.models import SUSPENDED
from rebal_tui.services.simulation.demonstration.script import (
    ScriptedEventType,
    day_script,
    events_due,
    next_events,
    slots,
)
from rebal_tui.store import audit, corporate_actions, jobs, runs
from rebal_tui.store.database import MEMORY, Database

pytestmark = pytest.mark.slow

MONDAY, TUESDAY, WEDNESDAY, FRIDAY = (date(2026, 11, day) for day in (23, 24, 25, 27))


def at(day: date, hour: int, minute: int = 0) -> datetime:
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=NEW_YORK)


def paused(database: Database) -> Book:
    """The book with a clock that moves only on request."""
    state = load_clock(database)
    assert state is not None
    with database.write() as tx:
        store_clock(tx, replace(state, paused=True))
    return bootstrap.open_simulation(database)


def demo(accounts: int = 20) -> Book:
    return paused(bootstrap.create_demo(MEMORY, accounts=accounts))


def timestamps(until: datetime, *, since: datetime | None = None) -> Iterator[datetime]:
    """Every five minutes of the sessions' hours."""
    timestamp = since or at(MONDAY, 9, 31)
    while timestamp <= until:
        if 9 <= timestamp.astimezone(NEW_YORK).hour <= 16:
            yield timestamp
        timestamp += timedelta(minutes=5)


def run_until(book: Book, until: datetime) -> None:
    for timestamp in timestamps(until, since=book.now()):
        advance_to(book, timestamp)


def advance_to(book: Book, timestamp: datetime) -> None:
    assert isinstance(book.clock, SimulatedClock)
    book.clock.jump(timestamp)
    scheduler.tick(book)


def script_events(database: Database) -> list[tuple[str, str, str]]:
    return [
        (entry.action, entry.subject, entry.detail)
        for entry in reversed(audit.entries(database, 100_000))
        if entry.action.startswith("demo.")
    ]


def named(book: Book, name: str) -> PortfolioStatus:
    return next(p.status for p in book.portfolios.values() if p.name == name)


def test_three_days_with_every_type_of_run_keep_the_broker_consistent() -> None:
    book = demo(40)
    assert isinstance(book.broker, SimulatedBroker)
    for timestamp in timestamps(at(WEDNESDAY, 16, 30)):
        advance_to(book, timestamp)
        assert book.broker.invariants() == []
    made = runs.newest(book.database, 1_000)
    assert {run.type for run in made} == set(RunType)
    assert {run.session for run in made} == {day.isoformat() for day in (MONDAY, TUESDAY, WEDNESDAY)}
    kinds = {action.removeprefix("demo.") for action, _, _ in script_events(book.database)}
    assert kinds >= set(ScriptedEventType) - {
        ScriptedEventType.JOURNAL_OUT,
        ScriptedEventType.EXTERNAL_ORDER,
        ScriptedEventType.MANUAL_RUN,
    }
    rows = jobs.jobs(book.database)
    assert [name for name, row in rows.items() if row.failed] == []
    assert audit.verify(book.database) == []


def test_an_asset_is_suspended_at_eleven_on_the_first_day_and_trades_again_on_the_next() -> None:
    book = demo(60)
    run_until(book, at(MONDAY, 11))
    assert book.assets[SUSPENDED].eligible
    assert named(book, "ESG Core") is PortfolioStatus.ACTIVE
    run_until(book, at(MONDAY, 11, 30))
    assert not book.assets[SUSPENDED].eligible
    assert named(book, "ESG Core") is PortfolioStatus.NEEDS_ADJUSTMENT
    assert "needs_adjustment" in {alert.kind for alert in jobs.open_alerts(book.database)}
    run_until(book, at(TUESDAY, 11))
    assert book.assets[SUSPENDED].eligible
    assert named(book, "ESG Core") is PortfolioStatus.NEEDS_ADJUSTMENT


def test_runs_requested_after_the_window_wait_for_the_next_session() -> None:
    book = demo()
    run_until(book, at(MONDAY, 16, 10))
    waiting = {run.id for run in book.open_runs.values()}
    assert waiting
    run_until(book, at(TUESDAY, 9, 45))
    assert waiting.isdisjoint(runs_waiting(book))


def runs_waiting(book: Book) -> set[str]:
    return {run.id for run in book.open_runs.values() if run.status == "QUEUED"}


@cache
def undisturbed_events() -> list[tuple[str, str, str]]:
    """The scripted events until Tuesday noon of a book that is never closed."""
    book = demo()
    run_until(book, at(TUESDAY, 12))
    return script_events(book.database)


@pytest.mark.parametrize("every", [4, 11])
def test_a_restart_neither_loses_nor_repeats_anything(every: int) -> None:
    broken = demo()
    for count, timestamp in enumerate(timestamps(at(TUESDAY, 12))):
        if count % every == 0:
            broken = paused(broken.database)
        advance_to(broken, timestamp)
    assert script_events(broken.database) == undisturbed_events()


def test_a_doubled_tick_does_nothing_twice() -> None:
    book = demo()
    run_until(book, at(MONDAY, 10, 6))
    before = script_events(book.database)
    assert before
    scheduler.tick(book)
    assert script_events(book.database) == before
    assert events_due(book, book.now()) is None


def test_after_a_jump_over_days_only_endings_are_processed() -> None:
    book = demo(40)
    restrictions_before = {a.id: a.restrictions for a in book.accounts.values()}
    run_until(book, at(MONDAY, 15, 59))
    advance_to(book, at(FRIDAY, 9, 41))
    on_the_way = [action for action, _, _ in script_events(book.database)]
    advance_to(book, at(FRIDAY, 12, 45))
    assert "demo.resume" in on_the_way
    assert "demo.ach_cleared" in on_the_way
    assert book.assets[SUSPENDED].eligible
    by_the_script = {e.index for e in day_script("1", FRIDAY, 14, 40) if e.what is ScriptedEventType.ACH_RETURN}
    for index, (account_id, account) in enumerate(book.accounts.items()):
        if index not in by_the_script:
            assert account.restrictions == restrictions_before[account_id]


def test_impossible_demo_events_are_skipped_and_noted() -> None:
    book = demo(1)
    run_until(book, at(WEDNESDAY, 16, 30))
    assert any(action == "demo.skipped" for action, _, _ in script_events(book.database))
    assert jobs.jobs(book.database)["demo"].failed == 0


def test_a_seed_determines_a_day_and_every_block_is_lifted_on_it() -> None:
    for count in (1, 3, 14, 26):
        script = day_script("s", MONDAY, count, 50)
        assert script == day_script("s", MONDAY, count, 50)
        assert all(0 <= event.slot < count and 0 <= event.index < 50 for event in script)
        blocks = {e.index: e.slot for e in script if e.what is ScriptedEventType.BLOCK}
        lifts = {e.index: e.slot for e in script if e.what is ScriptedEventType.UNBLOCK}
        assert blocks.keys() == lifts.keys()
        assert all(blocks[index] <= lifts[index] for index in blocks)
    assert day_script("s", MONDAY, 26, 50) != day_script("t", MONDAY, 26, 50)


def test_slots_lie_inside_the_session_between_evaluations() -> None:
    book = demo()
    full, half = book.calendar.session(MONDAY), book.calendar.session(FRIDAY)
    assert full is not None
    assert half is not None
    assert (len(slots(full)), len(slots(half))) == (26, 14)
    assert slots(half)[-1] == at(FRIDAY, 12, 50)
    assert next_events(book, at(MONDAY, 9, 31)) == at(MONDAY, 9, 35)
    assert next_events(book, at(WEDNESDAY, 20)) == at(FRIDAY, 9, 35)


def test_any_other_book_has_no_demonstration() -> None:
    book = bootstrap.memory_book(at(MONDAY, 10), prices={"SPY": parse_price("585.20")})
    assert events_due(book, book.now()) is None
    assert next_events(book, book.now()) is None
    assert "demo" not in {job.name for job in scheduled_jobs.jobs_of(book)}


def test_a_dividend_is_paid_on_the_second_session_and_an_asset_splits_on_the_third() -> None:
    book = demo()
    before = book.assets["GLD"].price
    assert before is not None
    run_until(book, at(WEDNESDAY, 11))
    found = [
        (stored.at.astimezone(NEW_YORK).date(), stored.report) for stored in corporate_actions.newest(book.database)
    ]
    assert [(day, report.action.kind.value, report.unexplained) for day, report in found] == [
        (WEDNESDAY, "split", 0), (TUESDAY, "cash_dividend", 0),
    ]  # fmt: skip
    assert all(report.accounts > 0 for _, report in found)
    after = book.assets["GLD"].price
    assert after is not None
    assert after < before * 3 // 4
