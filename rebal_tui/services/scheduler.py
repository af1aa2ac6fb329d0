"""The heartbeat: what is due is computed from the book and the sessions, so a missed or doubled tick does no harm."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

from rebal_tui.broker.protocol import BrokerRefused, BrokerUnavailable
from rebal_tui.domain.errors import Conflict, NotFound, Refusal
from rebal_tui.domain.sessions import NEW_YORK, Session, new_york_day
from rebal_tui.engine.calendar import fires_on
from rebal_tui.engine.words import calendar_text
from rebal_tui.market.clock import HeldClock
from rebal_tui.market.sessions import build_sessions
from rebal_tui.services.book import Book, Mode
from rebal_tui.services.demonstration.script import demo_events, events_due, is_demo, next_events
from rebal_tui.services.evaluation import evaluation_pass
from rebal_tui.services.live import keep_up
from rebal_tui.services.market_state import save_market_state
from rebal_tui.services.patience import Patience
from rebal_tui.services.reconciliation.again import look_again
from rebal_tui.services.reconciliation.reconcile import ensure_reconciled
from rebal_tui.services.run_processing import process_runs, process_slice
from rebal_tui.services.sync import sync
from rebal_tui.services.withdrawals import process_withdrawals
from rebal_tui.store import assets, audit, decisions, jobs, meta
from rebal_tui.store import sessions as session_store
from rebal_tui.store.backup import back_up

PAUSE = "scheduler"
"""The job row whose pause stops everything that is started by time."""
KEEP_BACKUPS = 7
HISTORY = timedelta(days=45)
MISSED = "missed_through"
"""The name under which the last session is kept that was said to be missed."""


@dataclass(frozen=True, slots=True)
class Job:
    """Something that happens at times. `due` names what is due now (a slot, a session) or is None."""

    name: str
    title: str
    due: Callable[[Book, datetime], str | None]
    act: Callable[[Book, str], str]
    next_at: Callable[[Book, datetime], datetime | None]


def start(book: Book) -> None:
    """At opening: register the jobs, carry on what was interrupted, say what was missed (R-18)."""
    with book.database.write():
        jobs.ensure(book.database, (PAUSE, *(job.name for job in JOBS)))
    with suppress(BrokerUnavailable):
        if book.live is None:
            ensure_reconciled(book)
    _note_missed(book)


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
    rows = jobs.jobs(book.database)
    # What was put off comes first: else evaluations that are due faster than they are made keep every run waiting.
    if not rows[PAUSE].paused and not book.agenda.put_off:
        for job in jobs_of(book):
            if not rows[job.name].paused and _run_if_due(book, job, rows[job.name], now) and patience.is_over():
                break
    while (more := process_slice(book)) and not patience.is_over():
        pass
    process_withdrawals(book)
    return more


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


def run_now(book: Book, name: str) -> str:
    """Run a job now, whatever is due; returns what came of it. An evaluation still keeps to the window (R-10)."""
    job = next((job for job in jobs_of(book) if job.name == name), None)
    if job is None:
        raise NotFound(f"no job {name}")
    now = book.now()
    if job.name == "evaluation":
        session = book.session()
        if session is None or not session.in_window(now):
            raise Conflict("evaluations take place inside the window of a session only")
    result = _act(book, job, job.due(book, now) or now.isoformat(), now)
    process_runs(book)
    return result


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


def _run_if_due(book: Book, job: Job, row: jobs.JobRow, now: datetime) -> bool:
    """Run a job unless nothing is due; whether it came to its end. One that failed is due again."""
    key = job.due(book, now)
    if key is None or key == row.last_key:
        return False
    _act(book, job, key, now)
    return jobs.jobs(book.database)[job.name].last_key == key


def _act(book: Book, job: Job, key: str, now: datetime) -> str:
    """Run a job and record how it went; a failure is recorded and raised as an alert, and the heartbeat goes on."""
    started = book.stopwatch() if book.stopwatch else None
    try:
        result = job.act(book, key)
    except (Refusal, BrokerUnavailable, OSError, sqlite3.OperationalError) as error:
        book.reload()
        with book.database.write():
            jobs.failed(book.database, job.name, now, str(error))
            jobs.raise_alert(book.database, now, "job", job.name, f"{job.title} failed: {error}")
        book.version += 1
        return f"failed: {error}"
    duration = int((book.stopwatch() - started) * 1000) if book.stopwatch and started is not None else None
    with book.database.write():
        jobs.finished(book.database, job.name, now, key, result, duration)
        jobs.clear_alert(book.database, "job", job.name, now)
    book.version += 1
    return result


def _settlement_due(book: Book, now: datetime) -> str | None:
    session = book.session(now)
    return session.day.isoformat() if session and session.open <= now else None


def _settle(book: Book, key: str) -> str:
    """Sale proceeds of the session before become withdrawable (R-30); what is due is the broker's to know."""
    if book.sandbox is not None:
        book.sandbox.advance(book.now())
    events = sync(book)
    waiting = int((book.account_table.unsettled > 0).sum())
    return f"{key}: {events} events, {waiting} accounts with cash still to settle"


def _slot_due(book: Book, now: datetime) -> str | None:
    session = book.session(now)
    if session is None or session.next_day is None or not session.in_window(now):
        return None
    slots = [slot for slot in book.settings.slots(session) if slot <= now]
    if not slots or jobs.evaluated(book.database, session.day.isoformat(), slots[-1]):
        return None
    return slots[-1].isoformat()


def _evaluate(book: Book, key: str) -> str:
    _note_missed(book)
    slot = datetime.fromisoformat(key)
    session = book.session()
    if session is not None:
        last = jobs.last_slot(book.database, session.day.isoformat())
        passed = [s for s in book.settings.slots(session) if s < slot and (last is None or s > last)]
        if passed:
            with book.database.write():
                jobs.missed(book.database, "evaluation", len(passed))
    made = evaluation_pass(book, slot, explain=False)
    return f"{made.evaluated} accounts, {len(made.runs)} runs"


def _refresh_due(_book: Book, now: datetime) -> str | None:
    return new_york_day(now).isoformat()


def _refresh_sessions(book: Book, key: str) -> str:
    """Keep the calendar known for two years ahead, and the drift history no longer than it is shown."""
    today = date.fromisoformat(key)
    with book.database.write():
        decisions.prune_history(book.database, book.now() - HISTORY)
    through = book.calendar.known_through
    if through >= today + timedelta(days=400):
        return f"known through {through}"
    extended = build_sessions(today - timedelta(days=30), today + timedelta(days=800))
    with book.database.write():
        session_store.save(book.database, extended)
    book.reload()
    return f"known through {book.calendar.known_through}"


def _backup_due(book: Book, now: datetime) -> str | None:
    """The last session that closed since the book began: at its close, or at the next start."""
    if book.settings.backup_folder is None:
        return None
    session = book.calendar.last_opened(now)
    if session is not None and now < session.close:
        session = book.calendar.previous(session.day)
    began = audit.began_at(book.database)
    return session.day.isoformat() if session and began and began < session.close else None


def _back_up(book: Book, key: str) -> str:
    folder = Path(book.settings.backup_folder or "")
    target = folder / f"{key}.db"
    back_up(book.database, target)
    for old in sorted(folder.glob("????-??-??.db"))[:-KEEP_BACKUPS]:
        old.unlink()
    return str(target)


def _prices_due(book: Book, now: datetime) -> str | None:
    if book.settings.mode is Mode.REPLAY:
        return new_york_day(now).isoformat()
    return now.replace(second=0, microsecond=0).isoformat()


def save_prices(book: Book) -> int:
    """Keep the last price of every asset in the file; returns how many there are."""
    known = [(a.symbol, a.price, a.price_at) for a in book.assets.values()]
    with book.database.write():
        assets.save_prices(book.database, [(s, price, at) for s, price, at in known if price and at])
    return len(known)


def _save_prices(book: Book, _key: str) -> str:
    return f"{save_prices(book)} prices"


def _next_open(book: Book, now: datetime) -> datetime | None:
    return book.calendar.next_open(now)


def _next_slot(book: Book, now: datetime) -> datetime | None:
    """The next scheduled evaluation."""
    session: Session | None = book.session(now)
    for _ in range(2):
        if session is not None:
            later = [slot for slot in book.settings.slots(session) if slot > now]
            if later:
                return later[0]
        session = book.calendar.next_after(session.day if session else new_york_day(now))
    return None


def next_evaluation(book: Book) -> datetime | None:
    """When the next evaluation takes place, None while the scheduler is paused or the calendar ends."""
    rows = jobs.jobs(book.database)
    if rows[PAUSE].paused or rows["evaluation"].paused:
        return None
    return _next_slot(book, book.now())


def _next_close(book: Book, now: datetime) -> datetime | None:
    if book.settings.backup_folder is None:
        return None
    session = book.session(now)
    if session is not None and now < session.close:
        return session.close
    following = book.calendar.next_after(new_york_day(now))
    return following.close if following else None


def _next_midnight(_book: Book, now: datetime) -> datetime | None:
    day = new_york_day(now) + timedelta(days=1)
    return datetime(day.year, day.month, day.day, tzinfo=NEW_YORK)


def _next_minute(_book: Book, now: datetime) -> datetime | None:
    return now.replace(second=0, microsecond=0) + timedelta(minutes=1)


DEMONSTRATION = Job("demo", "Demonstration events", events_due, demo_events, next_events)

JOBS = (
    Job("sessions", "Sessions refresh", _refresh_due, _refresh_sessions, _next_midnight),
    Job("settlement", "Settlement", _settlement_due, _settle, _next_open),
    Job("prices", "Prices kept", _prices_due, _save_prices, _next_minute),
    DEMONSTRATION,
    Job("evaluation", "Evaluation", _slot_due, _evaluate, _next_slot),
    Job("backup", "Backup", _backup_due, _back_up, _next_close),
)


def jobs_of(book: Book) -> tuple[Job, ...]:
    """The jobs of this book, in the order they are looked at: a demonstration has one more."""
    return tuple(job for job in JOBS if job is not DEMONSTRATION or is_demo(book))


def _note_missed(book: Book) -> None:
    """Sessions without an evaluation since the last one are not made up for; say which they were (R-18)."""
    last = jobs.last_session(book.database)
    if last is None:
        return
    known, now = date.fromisoformat(max(last, meta.get(book.database, MISSED))), book.now()
    days = [
        day
        for day in book.calendar.days(known + timedelta(days=1), new_york_day(now))
        if (session := book.calendar.session(day)) and session.window_end < now
    ]
    if not days:
        return
    lost = []
    for portfolio in book.portfolios.values():
        condition = portfolio.calendar
        if condition is None:
            continue
        for day in days:
            session = book.calendar.session(day)
            following = session.next_day if session else None
            if following and fires_on(condition, day, following, book.settings.quarterly_months):
                lost.append(f"{portfolio.name} ({calendar_text(condition)}) on {day}")
    text = f"{len(days)} sessions passed without an evaluation, {days[0]} to {days[-1]}"
    if lost:
        text += "; calendar days missed and not made up for: " + ", ".join(lost)
    with book.database.write():
        meta.put(book.database, MISSED, days[-1].isoformat())
        jobs.missed(book.database, "evaluation", len(days))
        jobs.raise_alert(book.database, book.now(), "missed", days[-1].isoformat(), text)
        book.record("scheduler.missed", "evaluation", {"sessions": [day.isoformat() for day in days], "lost": lost})
