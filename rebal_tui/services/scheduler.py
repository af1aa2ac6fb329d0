"""The heartbeat: what is due is computed from the book and the sessions, so a missed or doubled tick does no harm."""

from __future__ import annotations

import sqlite3
from contextlib import suppress
from datetime import datetime

from rebal_tui.broker.protocol import BrokerRefused, BrokerUnavailable
from rebal_tui.domain.errors import Conflict, NotFound, Refusal
from rebal_tui.domain.sessions import new_york_day
from rebal_tui.market.clock import HeldClock
from rebal_tui.services.book import Book
from rebal_tui.services.live import keep_up
from rebal_tui.services.market_state import save_market_state
from rebal_tui.services.patience import Patience
from rebal_tui.services.reconciliation.again import look_again
from rebal_tui.services.reconciliation.reconcile import ensure_reconciled
from rebal_tui.services.run_processing import pass_gate, process_slice
from rebal_tui.services.sync import sync
from rebal_tui.services.timetable import EVALUATION, JOBS, Job, jobs_of, next_slot, note_missed
from rebal_tui.services.withdrawals import process_withdrawals
from rebal_tui.store import jobs

PAUSE = "scheduler"
"""The job row whose pause stops everything that is started by time."""


def start(book: Book) -> None:
    """At opening: register the jobs, carry on what was interrupted, say what was missed (R-18)."""
    with book.database.write():
        jobs.ensure(book.database, (PAUSE, *(job.name for job in JOBS)))
    with suppress(BrokerUnavailable):
        if book.live is None:
            ensure_reconciled(book)
    note_missed(book)


def tick(book: Book, patience: float | None = None) -> bool:
    """One heartbeat; whether more is to be done at once. The time is stored before anything happens at it, so it never
    runs backwards after a kill.

    With `patience`, in seconds, a long day's work is put off with what is left of it once they have passed: whoever
    waits for the book is answered, and the next heartbeat goes on. While the broker does not answer nothing is decided,
    and an alert says so.
    """
    if isinstance(book.clock, HeldClock):
        book.clock.beat()
    now = book.now()
    save_market_state(book, now)
    try:
        more = _beat(book, now, Patience(book, patience))
    except (BrokerUnavailable, BrokerRefused) as error:
        book.reload()
        what = "does not answer" if isinstance(error, BrokerUnavailable) else "refuses to be read"
        with book.database.write():
            jobs.raise_alert(book.database, now, "broker", "broker", f"the broker {what}: {error}")
        return False
    if jobs.is_open(book.database, "broker", "broker"):
        with book.database.write():
            jobs.clear_alert(book.database, "broker", "broker", now)
    return more


def _beat(book: Book, now: datetime, patience: Patience) -> bool:
    if book.live is None:
        ensure_reconciled(book)
    advance_market(book, now)
    ensure_reconciled(book)
    look_again(book)
    _look_at_room(book, now)
    pass_gate(book)
    rows = jobs.jobs(book.database)
    _leave_pass(book, rows, now)
    if book.passing is not None:
        _go_on(book, EVALUATION, book.passing.slot.isoformat(), now, patience)
    # What was put off comes first: else evaluations that are due faster than they are made keep every run waiting.
    elif not rows[PAUSE].paused and not book.agenda.put_off:
        for job in jobs_of(book):
            if rows[job.name].paused:
                continue
            if _run_if_due(book, job, rows[job.name], now, patience) and patience.is_over():
                break
    if book.passing is not None:
        return True
    while (more := process_slice(book)) and not patience.is_over():
        pass
    process_withdrawals(book)
    return more


def _leave_pass(book: Book, rows: dict[str, jobs.JobRow], now: datetime) -> None:
    """A pass under way ends where it is when its session's window is over, and, unless somebody asked for it, while
    evaluations are paused. A later slot waits for it: else of slots that come faster than passes none came to its end.
    """
    passing = book.passing
    if passing is None:
        return
    paused = not passing.by_hand and (rows[PAUSE].paused or rows[EVALUATION.name].paused)
    if paused or not _in_window(book, now) or new_york_day(passing.slot) != new_york_day(now):
        book.passing = None


def _in_window(book: Book, now: datetime) -> bool:
    session = book.session(now)
    return session is not None and session.in_window(now)


def _look_at_room(book: Book, now: datetime) -> None:
    """No run is started while the disk has no room for it; say so as long as that is so."""
    full, told = not book.database.has_room(), jobs.is_open(book.database, "space", "disk")
    if full and not told:
        with book.database.write():
            jobs.raise_alert(book.database, now, "space", "disk", "the disk is nearly full: no run is started")
    elif told and not full:
        with book.database.write():
            jobs.clear_alert(book.database, "space", "disk", now)


def advance_market(book: Book, now: datetime) -> None:
    """Let prices and the broker come up to now, and take over what happened."""
    if book.feed is not None:
        book.take_prices(book.feed.advance(now))
    if book.sandbox is not None:
        book.sandbox.advance(now)
    keep_up(book, now)
    sync(book)


def run_now(book: Book, name: str, patience: float | None = None) -> str:
    """Run a job now, whatever is due; returns what came of it. An evaluation still keeps to the window (R-10).

    With `patience`, in seconds, heartbeats take on what is left once they have passed.
    """
    job = next((job for job in jobs_of(book) if job.name == name), None)
    if job is None:
        raise NotFound(f"no job {name}")
    now, waits = book.now(), Patience(book, patience)
    if job is EVALUATION and not _in_window(book, now):
        raise Conflict("evaluations take place inside the window of a session only")
    _leave_pass(book, jobs.jobs(book.database), now)
    if job is EVALUATION and book.passing is not None:
        key = book.passing.slot.isoformat()
    else:
        key = job.due(book, now) or now.isoformat()
    result = _go_on(book, job, key, now, waits)
    if result is None and book.passing is not None:
        book.passing.by_hand = True
        return f"under way: {book.passing.done:,} of {book.passing.total:,} accounts"
    while process_slice(book) and not waits.is_over():
        pass
    return result or ""


def pause(book: Book, name: str = PAUSE) -> None:
    """Stop a job, or all that is started by time; runs in progress go on."""
    _set_paused(book, name, True)


def resume(book: Book, name: str = PAUSE) -> None:
    """Let a job start again."""
    _set_paused(book, name, False)


def paused(book: Book) -> bool:
    return jobs.jobs(book.database)[PAUSE].paused


def _set_paused(book: Book, name: str, value: bool) -> None:
    if name not in jobs.jobs(book.database):
        raise NotFound(f"no job {name}")
    with book.database.write():
        jobs.set_paused(book.database, name, value)
        book.record("job.paused" if value else "job.resumed", name, actor="advisor")
    book.version += 1


def _run_if_due(book: Book, job: Job, row: jobs.JobRow, now: datetime, patience: Patience) -> bool:
    """Run a job unless nothing is due; whether it came to its end, or as far as patience lets it. One that failed is
    due again."""
    key = job.due(book, now)
    if key is None or key == row.last_key:
        return False
    if _go_on(book, job, key, now, patience) is None:
        return True
    return jobs.jobs(book.database)[job.name].last_key == key


def _go_on(book: Book, job: Job, key: str, now: datetime, patience: Patience) -> str | None:
    """Run a job to its end; None when patience ended before it."""
    while (result := _act(book, job, key, now)) is None:
        if patience.is_over():
            return None
    return result


def _act(book: Book, job: Job, key: str, now: datetime) -> str | None:
    """Run a job and record how it went; None when there is more of it. A failure is recorded and raised as an alert,
    and the heartbeat goes on."""
    passing = book.passing if job is EVALUATION else None
    began = passing.began if passing is not None else book.stopwatch() if book.stopwatch else None
    try:
        result = job.act(book, key)
    except (Refusal, BrokerUnavailable, OSError, sqlite3.OperationalError) as error:
        book.reload()
        with book.database.write():
            jobs.failed(book.database, job.name, now, str(error))
            jobs.raise_alert(book.database, now, "job", job.name, f"{job.title} failed: {error}")
        book.version += 1
        return f"failed: {error}"
    if result is None:
        return None
    duration = int((book.stopwatch() - began) * 1000) if book.stopwatch and began is not None else None
    with book.database.write():
        jobs.finished(book.database, job.name, now, key, result, duration)
        jobs.clear_alert(book.database, "job", job.name, now)
    book.version += 1
    return result


def next_evaluation(book: Book) -> datetime | None:
    """When the next evaluation takes place, None while the scheduler is paused or the calendar ends."""
    rows = jobs.jobs(book.database)
    if rows[PAUSE].paused or rows[EVALUATION.name].paused:
        return None
    return next_slot(book, book.now())
