"""The heartbeat: derives the work that is due from the book and the trading calendar.

A missed or repeated heartbeat therefore does no harm.
"""

from __future__ import annotations

import logging
import sqlite3
from contextlib import suppress
from datetime import datetime

from rebal_tui.broker.failures import BrokerPending, BrokerRefused, BrokerUnavailable, ClocksDiffer
from rebal_tui.domain.errors import Conflict, NotFound, Refusal
from rebal_tui.domain.sessions import new_york_day
from rebal_tui.domain.text import next_time_text
from rebal_tui.market.clock import HeartbeatClock
from rebal_tui.services.advisory.withdrawals import process_withdrawals
from rebal_tui.services.book.book import Book
from rebal_tui.services.book.market_state import save_market_state
from rebal_tui.services.book.slots import next_slot
from rebal_tui.services.book.time_budget import TimeBudget
from rebal_tui.services.broker_sync.events import sync
from rebal_tui.services.broker_sync.polling import poll_broker
from rebal_tui.services.broker_sync.reconciliation.recheck import recheck
from rebal_tui.services.broker_sync.reconciliation.reconcile import ensure_reconciled
from rebal_tui.services.broker_sync.retries import retry_quarantined
from rebal_tui.services.evaluation_pass.isolation import retry_work
from rebal_tui.services.runs.asset_holds import guard_prices
from rebal_tui.services.runs.market_actions import apply_market_actions
from rebal_tui.services.runs.needs_adjustment import stop_invalid_portfolios
from rebal_tui.services.runs.processing import process_chunk, requeue_on_change
from rebal_tui.services.schedule.jobs import EVALUATION, JOB_NAMES, Job, jobs_of, never_starts, report_missed_sessions
from rebal_tui.store import jobs

log = logging.getLogger(__name__)

PAUSE = "scheduler"
"""The job row whose pause stops all scheduled jobs."""


def start(book: Book) -> None:
    """When a book is opened: register its jobs and bring it into a consistent state.

    Invalid portfolios are stopped (R-4), a simulated broker is reconciled, and missed sessions are reported (R-18).
    """
    with book.write() as tx:
        jobs.ensure(tx, (PAUSE, *JOB_NAMES))
    stop_invalid_portfolios(book)
    with suppress(BrokerUnavailable):
        if book.live is None:
            ensure_reconciled(book)
    report_missed_sessions(book)


def tick(book: Book, time_budget: float | None = None) -> bool:
    """Run one heartbeat; returns whether more work is due immediately.

    The time is stored before any work, so that it never runs backward after the program is killed. With `time_budget`,
    in seconds, work left when the budget is spent is deferred to the next heartbeat, so that other requests are served
    in between. While the broker does not respond, nothing is decided and an alert is raised.
    """
    if isinstance(book.clock, HeartbeatClock):
        book.clock.tick()
    now = book.now()
    book.database.require_in_place()
    save_market_state(book, now)
    try:
        more = _heartbeat(book, now, TimeBudget(book, time_budget))
    except BrokerPending:
        return False
    except (BrokerUnavailable, BrokerRefused) as error:
        book.reload()
        if isinstance(error, ClocksDiffer):
            _clear_broker_alert(book, now)
            return False
        what = "does not respond" if isinstance(error, BrokerUnavailable) else "refuses requests"
        with book.write() as tx:
            jobs.raise_alert(tx, now, "broker", "broker", f"the broker {what}: {error}")
        return False
    _clear_broker_alert(book, now)
    return more


def _clear_broker_alert(book: Book, now: datetime) -> None:
    if jobs.is_open(book.database, "broker", "broker"):
        with book.write() as tx:
            jobs.clear_alert(tx, "broker", "broker", now)


def _heartbeat(book: Book, now: datetime, time_budget: TimeBudget) -> bool:
    if book.live is None:
        ensure_reconciled(book)
    advance_market(book, now)
    ensure_reconciled(book)
    retry_quarantined(book)
    retry_work(book)
    recheck(book)
    _check_free_space(book, now)
    requeue_on_change(book)
    rows = jobs.jobs(book.database)
    _drop_pass(book, rows, now)
    if book.pass_in_progress is not None:
        _run_job(book, EVALUATION, book.pass_in_progress.slot.isoformat(), now, time_budget)
    # Deferred work comes first; otherwise evaluations due faster than they finish would starve all runs.
    elif not rows[PAUSE].paused and not book.work_queue.unfinished:
        for job in jobs_of(book):
            if rows[job.name].paused:
                continue
            if _run_if_due(book, job, rows[job.name], now, time_budget) and time_budget.is_spent():
                break
    if book.pass_in_progress is not None:
        return True
    while (more := process_chunk(book)) and not time_budget.is_spent():
        pass
    process_withdrawals(book)
    return more


def _drop_pass(book: Book, rows: dict[str, jobs.JobRow], now: datetime) -> None:
    """Drop the evaluation pass in progress when its session's window is over or while evaluations are paused.

    A pass that a person requested continues during a pause. The pass is not dropped for a later slot, which waits
    instead; otherwise no pass would finish when slots come faster than passes.
    """
    pass_in_progress = book.pass_in_progress
    if pass_in_progress is None:
        return
    paused = not pass_in_progress.manual and (rows[PAUSE].paused or rows[EVALUATION.name].paused)
    if paused or not _in_window(book, now) or new_york_day(pass_in_progress.slot) != new_york_day(now):
        book.pass_in_progress = None


def _in_window(book: Book, now: datetime) -> bool:
    session = book.session(now)
    return session is not None and session.in_window(now)


def require_window(book: Book) -> None:
    """Raise `Conflict` outside the window of a session, in which alone an evaluation runs (R-10)."""
    now = book.now()
    if not _in_window(book, now):
        upcoming = next_evaluation(book)
        then = f"; the next evaluation is at {next_time_text(upcoming, now)}" if upcoming else ""
        raise Conflict(f"evaluations run only in the window of a session{then}")


def _check_free_space(book: Book, now: datetime) -> None:
    """Raise an alert while free disk space is too low to start runs, and clear it afterward."""
    full, alerted = not book.database.has_free_space(), jobs.is_open(book.database, "space", "disk")
    if full and not alerted:
        text = f"the disk is nearly full: no runs are started ({book.database.free_space()})"
        with book.write() as tx:
            jobs.raise_alert(tx, now, "space", "disk", text)
    elif alerted and not full:
        with book.write() as tx:
            jobs.clear_alert(tx, "space", "disk", now)


def advance_market(book: Book, now: datetime) -> None:
    """Advance simulated prices and the simulated broker to `now`, and apply the events of the broker."""
    if book.feed is not None:
        changed = book.feed.advance(now)
        guard_prices(book, changed)
        book.apply_prices(changed)
    if book.sandbox is not None:
        book.sandbox.advance(now)
    poll_broker(book, now)
    sync(book)
    apply_market_actions(book)


def run_now(book: Book, name: str, time_budget: float | None = None) -> str:
    """Run a job now, due or not; returns the result as text. An evaluation still requires the window (R-10).

    With `time_budget`, in seconds, heartbeats do the work that is left when the budget is spent. Raises `NotFound` for
    an unknown job and `Conflict` for an evaluation outside the window or a job that never starts in this book.
    """
    job = next((job for job in jobs_of(book) if job.name == name), None)
    if job is None:
        raise NotFound(f"no job {name}")
    if reason := never_starts(book, name):
        raise Conflict(f"{job.title} never starts: {reason}")
    now, waits = book.now(), TimeBudget(book, time_budget)
    if job is EVALUATION:
        require_window(book)
    _drop_pass(book, jobs.jobs(book.database), now)
    if job is EVALUATION and book.pass_in_progress is not None:
        key = book.pass_in_progress.slot.isoformat()
    else:
        key = job.due(book, now) or now.isoformat()
    result = _run_job(book, job, key, now, waits)
    if result is None and book.pass_in_progress is not None:
        book.pass_in_progress.manual = True
        return f"in progress: {book.pass_in_progress.done:,} of {book.pass_in_progress.total:,} accounts"
    while process_chunk(book) and not waits.is_spent():
        pass
    return result or ""


def pause(book: Book, name: str = PAUSE) -> None:
    """Pause a job, or without a name the whole scheduler; runs in progress continue.

    Raises `NotFound` for an unknown job.
    """
    _set_paused(book, name, True)


def resume(book: Book, name: str = PAUSE) -> None:
    """Resume a job, or without a name the scheduler. Raises `NotFound` for an unknown job."""
    _set_paused(book, name, False)


def paused(book: Book) -> bool:
    return jobs.jobs(book.database)[PAUSE].paused


def _set_paused(book: Book, name: str, value: bool) -> None:
    if name not in jobs.jobs(book.database):
        raise NotFound(f"no job {name}")
    with book.write() as tx:
        jobs.set_paused(tx, name, value)
        tx.record("job.paused" if value else "job.resumed", name, actor="advisor")
        tx.changed()


def _run_if_due(book: Book, job: Job, row: jobs.JobRow, now: datetime, time_budget: TimeBudget) -> bool:
    """Run a job if it is due; returns whether it did its work or its time budget is spent.

    Returns False for a job that is not due or that failed. A failed job is due again at the next heartbeat.
    """
    key = job.due(book, now)
    if key is None or key == row.last_key:
        return False
    if _run_job(book, job, key, now, time_budget) is None:
        return True
    return jobs.jobs(book.database)[job.name].last_key == key


def _run_job(book: Book, job: Job, key: str, now: datetime, time_budget: TimeBudget) -> str | None:
    """Run a job to its end and return the result; None when the time budget is spent first."""
    while (result := _act(book, job, key, now)) is None:
        if time_budget.is_spent():
            return None
    return result


def _act(book: Book, job: Job, key: str, now: datetime) -> str | None:
    """Do the next part of a job and record the result; returns None when there is more to do.

    A failure is recorded with an alert, and the heartbeat continues.
    """
    pass_in_progress = book.pass_in_progress if job is EVALUATION else None
    began = pass_in_progress.began if pass_in_progress is not None else book.stopwatch() if book.stopwatch else None
    try:
        result = job.act(book, key)
    except Exception as error:
        if not isinstance(error, (Refusal, BrokerUnavailable, OSError, sqlite3.OperationalError)):
            log.exception("the job %s failed", job.name)
        book.reload()
        with book.write() as tx:
            jobs.failed(tx, job.name, now, str(error))
            jobs.raise_alert(tx, now, "job", job.name, f"Job “{job.title}” failed: {error}")
            tx.changed()
        return f"failed: {error}"
    if result is None:
        return None
    duration = int((book.stopwatch() - began) * 1000) if book.stopwatch and began is not None else None
    with book.write() as tx:
        jobs.finished(tx, job.name, now, key, result, duration)
        jobs.clear_alert(tx, "job", job.name, now)
        tx.changed()
    return result


def evaluations_paused(book: Book) -> bool:
    """Whether a person paused the scheduler or its evaluations."""
    rows = jobs.jobs(book.database)
    return rows[PAUSE].paused or rows[EVALUATION.name].paused


def next_evaluation(book: Book) -> datetime | None:
    """The time of the next evaluation; None while evaluations are paused or the calendar ends."""
    if evaluations_paused(book):
        return None
    return next_slot(book, book.now())
