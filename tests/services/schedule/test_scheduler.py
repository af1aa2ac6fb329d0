"""The heartbeat: due jobs are computed from the book and the sessions (R-10, R-18)."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from rebal_tui.broker.failures import BrokerUnavailable
from rebal_tui.broker.protocol import BrokerEvent
from rebal_tui.domain.decisions import Outcome
from rebal_tui.domain.errors import Conflict, NotFound
from rebal_tui.domain.quantities import parse_money
from rebal_tui.domain.runs import RunStatus
from rebal_tui.domain.sessions import NEW_YORK
from rebal_tui.market.clock import FixedClock
from rebal_tui.services.advisory.cash import deposit
from rebal_tui.services.book.book import Book
from rebal_tui.services.evaluation.account import evaluate_account
from rebal_tui.services.queries.status import job_views, status_line
from rebal_tui.services.schedule import jobs as scheduled_jobs
from rebal_tui.services.schedule import scheduler
from rebal_tui.store import audit, drift_history, jobs, sessions
from rebal_tui.store.backup import integrity_faults
from rebal_tui.store.codec import from_time
from tests.services.brokers import BrokerWrapper, reopen
from tests.services.factories import (
    SLOW,
    account,
    advance,
    advance_to,
    all_runs,
    balanced,
    fill_book,
    make_book,
    monthly,
    new_york,
    only_run,
    simple_book,
)


def evaluations(book: Book) -> list[str]:
    """New York times of every evaluated slot."""
    slots = book.database.rows("SELECT slot FROM evaluations ORDER BY slot")
    return [f"{from_time(at).astimezone(NEW_YORK):%m-%d %H:%M}" for (at,) in slots]


def row(book: Book, name: str) -> jobs.JobRow:
    return jobs.jobs(book.database)[name]


def alerts(book: Book) -> dict[str, str]:
    return {alert.kind: alert.text for alert in jobs.open_alerts(book.database)}


@pytest.mark.slow
def test_a_slot_has_one_evaluation_for_any_number_of_ticks() -> None:
    book = simple_book("2026-03-02 09:00")
    for minute in range(0, 8 * 60):
        hour, rest = divmod(9 * 60 + minute, 60)
        advance_to(book, f"2026-03-02 {hour:02d}:{rest:02d}")
        scheduler.tick(book)
    slots = evaluations(book)
    assert slots == [f"03-02 {9 + (30 + 15 * n) // 60:02d}:{(30 + 15 * n) % 60:02d}" for n in range(25)]
    assert (slots[0], slots[-1]) == ("03-02 09:30", "03-02 15:30")
    assert len(all_runs(book)) == 1
    assert row(book, "evaluation").missed == 0


def test_a_half_day_has_its_slots_until_12_30() -> None:
    book = simple_book("2026-11-27 09:00")
    for minute in range(0, 7 * 60, 5):
        hour, rest = divmod(9 * 60 + minute, 60)
        advance_to(book, f"2026-11-27 {hour:02d}:{rest:02d}")
    slots = evaluations(book)
    assert (len(slots), slots[0], slots[-1]) == (13, "11-27 09:30", "11-27 12:30")


@pytest.mark.slow
@pytest.mark.parametrize(
    "at", ["2026-03-02 09:29", "2026-03-02 15:31", "2026-11-27 12:31", "2026-03-01 11:00", "2026-11-26 11:00"]
)
def test_nothing_is_evaluated_outside_the_window(at: str) -> None:
    book = simple_book(at)
    scheduler.tick(book)
    assert evaluations(book) == []
    assert all_runs(book) == []
    with pytest.raises(Conflict, match="in the window of a session"):
        scheduler.run_now(book, "evaluation")


@pytest.mark.parametrize(("day", "opens"), [("2026-03-06", "14:30"), ("2026-03-09", "13:30"), ("2026-11-02", "14:30")])
def test_the_window_follows_new_york_through_both_changes_of_the_clock(day: str, opens: str) -> None:
    book = simple_book(f"{day} 09:29")
    scheduler.tick(book)
    assert evaluations(book) == []
    advance_to(book, f"{day} 09:30")
    assert f"{book.now():%H:%M}" == opens
    assert len(evaluations(book)) == 1


def test_a_tick_after_a_gap_evaluates_once_and_counts_the_slots_it_missed() -> None:
    book = simple_book("2026-03-02 09:30")
    scheduler.tick(book)
    advance_to(book, "2026-03-02 11:07")
    assert evaluations(book) == ["03-02 09:30", "03-02 11:00"]
    assert row(book, "evaluation").missed == 5
    advance_to(book, "2026-03-02 11:08")
    assert len(evaluations(book)) == 2


def missed_book(path: Path) -> Book:
    """A monthly portfolio for the 10th, last evaluated on Wednesday, 4 March 2026."""
    book = make_book("2026-03-04 10:00", path=path)
    models = [balanced(cooldown=0, conditions=[monthly("10")])]
    fill_book(book, [account("a", "50000")], models, {"a": "balanced"}, {"a": new_york("2026-02-10 10:00")})
    scheduler.tick(book)
    assert [r.type.value for r in all_runs(book)] == ["invest_cash"]
    return book


def test_missed_sessions_are_named_and_not_repeated(tmp_path: Path) -> None:
    book = reopen(missed_book(tmp_path / "book.db"), at=new_york("2026-03-12 10:00"))
    text = alerts(book)["missed"]
    counted = row(book, "evaluation").missed
    assert "5 sessions without an evaluation, 2026-03-05 to 2026-03-11" in text
    assert "Balanced" in text
    assert "on 2026-03-10" in text
    assert counted == 2 + 5, "two slots of the first day, then five sessions"
    scheduler.tick(book)
    assert evaluations(book) == ["03-04 10:00", "03-12 10:00"]
    assert len(all_runs(book)) == 1
    assert "scheduler.missed" in {entry.action for entry in audit.entries(book.database)}


def test_a_second_start_does_not_count_missed_sessions_again(tmp_path: Path) -> None:
    book = reopen(missed_book(tmp_path / "book.db"), at=new_york("2026-03-11 18:00"))
    assert "2026-03-05 to 2026-03-11" in alerts(book)["missed"], "today's window is over as well"
    for alert in jobs.open_alerts(book.database):
        with book.database.write() as tx:
            jobs.acknowledge(tx, alert.key, book.now())
    book = reopen(book, at=new_york("2026-03-12 08:00"))
    assert "missed" not in alerts(book)
    assert row(book, "evaluation").missed == 2 + 5


def test_a_computer_that_slept_for_days_reports_missed_sessions(tmp_path: Path) -> None:
    book = missed_book(tmp_path / "book.db")
    advance_to(book, "2026-03-12 10:00")
    assert "5 sessions without an evaluation" in alerts(book)["missed"]
    assert len(all_runs(book)) == 1


def test_a_start_on_the_next_session_has_missed_nothing(tmp_path: Path) -> None:
    book = reopen(missed_book(tmp_path / "book.db"), at=new_york("2026-03-05 09:00"))
    assert "missed" not in alerts(book)


def test_a_paused_schedule_starts_nothing_and_runs_in_progress_continue() -> None:
    book = simple_book(model=SLOW)
    scheduler.tick(book)
    scheduler.pause(book)
    assert scheduler.paused(book)
    assert scheduler.next_evaluation(book) is None
    advance(book, 20)
    assert only_run(book).status is RunStatus.COMPLETED_SUCCESS
    assert evaluations(book) == ["03-02 09:30"]
    assert {view.next_at for view in job_views(book)} == {None}
    scheduler.resume(book)
    scheduler.tick(book)
    assert evaluations(book) == ["03-02 09:30", "03-02 09:45"]
    assert scheduler.next_evaluation(book) == new_york("2026-03-02 10:00")


def test_one_job_is_paused_alone() -> None:
    book = simple_book("2026-03-02 09:00")
    scheduler.pause(book, "evaluation")
    advance_to(book, "2026-03-02 10:00")
    assert evaluations(book) == []
    assert row(book, "settlement").last_key == "2026-03-02"
    paused = {view.name for view in job_views(book) if view.paused}
    assert paused == {"evaluation"}
    scheduler.resume(book, "evaluation")
    scheduler.tick(book)
    assert evaluations(book) == ["03-02 10:00"]
    with pytest.raises(NotFound):
        scheduler.pause(book, "nothing")


def test_a_pause_survives_a_restart(tmp_path: Path) -> None:
    book = simple_book(path=tmp_path / "book.db")
    scheduler.pause(book)
    book = reopen(book)
    scheduler.tick(book)
    assert evaluations(book) == []


def test_a_requested_evaluation_follows_the_rules() -> None:
    book = simple_book("2026-03-02 09:30")
    scheduler.tick(book)
    deposit(book, "a", parse_money("1000"))
    advance_to(book, "2026-03-02 09:40")
    assert scheduler.run_now(book, "evaluation") == "1 account, 0 runs"
    assert len(all_runs(book)) == 1
    advance_to(book, "2026-03-02 09:45")
    assert evaluations(book) == ["03-02 09:30", "03-02 09:40", "03-02 09:45"]
    assert row(book, "evaluation").missed == 0
    with pytest.raises(NotFound):
        scheduler.run_now(book, "nothing")


def with_backups(book: Book, folder: Path) -> Book:
    book.settings = replace(book.settings, backup_folder=str(folder))
    return book


def test_a_failing_job_is_recorded_and_the_heartbeat_continues(tmp_path: Path) -> None:
    blocked = tmp_path / "not a folder"
    blocked.write_text("in the way")
    book = with_backups(simple_book("2026-03-02 09:30"), blocked)
    scheduler.tick(book)
    advance_to(book, "2026-03-02 16:00")
    assert row(book, "backup").failed == 1
    assert "Job “Back up the book” failed: the backup could not be written" in alerts(book)["job"]
    assert blocked.read_text() == "in the way"
    advance_to(book, "2026-03-03 09:30")
    assert evaluations(book)[-1] == "03-03 09:30"
    blocked.unlink()
    advance_to(book, "2026-03-03 16:00")
    assert (blocked / "2026-03-03.db").exists()
    assert "job" not in alerts(book)


def test_a_broker_that_does_not_answer_is_reported_and_nothing_trades_until_it_does() -> None:
    book = simple_book()
    silent = Unresponsive(book)
    scheduler.tick(book)
    assert all_runs(book) == []
    assert "broker" in alerts(book)
    silent.down = False
    advance_to(book, "2026-03-02 09:31")
    assert only_run(book).status is RunStatus.COMPLETED_SUCCESS
    assert "broker" not in alerts(book)


class Unresponsive(BrokerWrapper):
    """Answers no request for events while it is down."""

    down = True

    def events(self, after: int, limit: int = 10_000) -> Sequence[BrokerEvent]:
        if self.down:
            raise BrokerUnavailable("no answer")
        found: Sequence[BrokerEvent] = self.inner.events(after, limit)
        return found


def test_one_verified_backup_per_session_and_the_latest_are_kept(tmp_path: Path) -> None:
    folder = tmp_path / "backups"
    book = with_backups(simple_book("2026-03-02 09:30"), folder)
    scheduler.tick(book)
    days = book.calendar.days(date(2026, 3, 2), date(2026, 3, 13))
    for day in days:
        advance_to(book, f"{day} 15:59")
        advance_to(book, f"{day} 16:00")
        advance_to(book, f"{day} 18:00")
    remaining = sorted(path.name for path in folder.iterdir())
    assert remaining == [f"{day}.db" for day in days[-scheduled_jobs.MAX_BACKUPS :]]
    copy = sqlite3.connect(folder / remaining[-1])
    assert integrity_faults(copy) == []
    assert copy.execute("SELECT name FROM accounts").fetchall() == [("Client a",)]
    copy.close()


def test_a_book_without_a_folder_for_backups_makes_none_and_touches_no_other_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The folder in which the program was started may have files that are named like backups."""
    monkeypatch.chdir(tmp_path)
    names = [f"2020-01-0{day}.db" for day in range(1, 10)]
    for name in names:
        (tmp_path / name).touch()
    book = simple_book("2026-03-02 09:30")
    with pytest.raises(Conflict, match="Back up the book never starts: book in memory"):
        scheduler.run_now(book, "backup")
    assert sorted(file.name for file in tmp_path.iterdir()) == names
    view = next(view for view in job_views(book) if view.name == "backup")
    assert (view.next_at, view.never) == (None, "book in memory")


def test_a_backup_on_request_has_a_name_that_counts_among_the_backups(tmp_path: Path) -> None:
    folder = tmp_path / "backups"
    book = with_backups(simple_book("2026-03-02 09:30"), folder)
    assert scheduler.run_now(book, "backup") == str(folder / "2026-03-02.db")


def test_a_book_never_open_at_the_close_is_backed_up_at_its_next_start(tmp_path: Path) -> None:
    folder = tmp_path / "backups"
    book = with_backups(simple_book("2026-03-02 09:30"), folder)
    scheduler.tick(book)
    assert not list(folder.glob("2026-03-02.db"))
    advance_to(book, "2026-03-03 09:00")
    assert (folder / "2026-03-02.db").exists()
    view = next(view for view in job_views(book) if view.name == "backup")
    assert view.next_at == new_york("2026-03-03 16:00")


def test_the_calendar_is_extended_before_it_ends() -> None:
    book = simple_book("2026-03-02 09:30")
    end = book.calendar.known_through
    book.database.connection.execute("DELETE FROM sessions WHERE day > '2026-04-01'")
    book.reload()
    assert book.calendar.known_through < end
    scheduler.tick(book)
    assert book.calendar.known_through > date(2027, 4, 1)
    assert all(session.next_day for session in sessions.load(book.database)[:-1])
    assert row(book, "sessions").last_key == "2026-03-02"


def test_a_day_outside_the_calendar_means_no_trading_and_is_reported() -> None:
    book = simple_book("2026-03-02 09:30")
    book.database.connection.execute("DELETE FROM sessions WHERE day > '2026-03-02'")
    book.database.connection.execute("UPDATE sessions SET next_day = NULL WHERE day = '2026-03-02'")
    book.reload()
    scheduler.pause(book, "sessions")
    for day in ("2026-03-02", "2026-03-03"):
        advance_to(book, f"{day} 10:00")
        assert evaluations(book) == []
        decision = evaluate_account(book, "a")
        assert decision.outcome is Outcome.NONE
        assert "unknown to the calendar" in decision.reason or "not in the calendar" in decision.reason
        assert "unknown to the calendar" in status_line(book).session
    assert all_runs(book) == []


def test_drift_history_is_stored_for_its_retention_time() -> None:
    book = simple_book("2026-03-02 09:30")
    scheduler.tick(book)
    clock = book.clock
    assert isinstance(clock, FixedClock)
    advance_to(book, "2026-03-03 09:30")
    assert len(drift_history.of_account(book.database, "a")) == 2
    clock.advance(scheduled_jobs.DRIFT_HISTORY_RETENTION - timedelta(hours=12))
    scheduler.tick(book)
    first = drift_history.of_account(book.database, "a")[0][0]
    assert first > new_york("2026-03-02 12:00")


def test_an_ordinary_book_has_no_demonstration_job() -> None:
    book = simple_book()
    assert "demo" not in {view.name for view in job_views(book)}
