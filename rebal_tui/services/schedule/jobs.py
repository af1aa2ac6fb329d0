"""Scheduled jobs: when each is due, what it does, and when it is due next."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

from rebal_tui.domain.errors import Conflict
from rebal_tui.domain.sessions import NEW_YORK, new_york_day
from rebal_tui.domain.text import count_text
from rebal_tui.engine.calendar import fires_on
from rebal_tui.engine.trace_text import calendar_text
from rebal_tui.market.sessions import build_sessions
from rebal_tui.services.advisory.restrictions import end_restrictions
from rebal_tui.services.book.book import Book
from rebal_tui.services.book.settings import Mode
from rebal_tui.services.book.slots import next_slot
from rebal_tui.services.book.stored_closes import store_accepted_moves, store_closes
from rebal_tui.services.broker_sync.events import sync
from rebal_tui.services.evaluation_pass.chunks import begin_pass, evaluate_chunk
from rebal_tui.services.evaluation_pass.isolation import set_apart_failing
from rebal_tui.store import assets, audit, book_settings, drift_history, jobs
from rebal_tui.store import sessions as session_store
from rebal_tui.store.backup import back_up
from rebal_tui.store.database import MEMORY

BACKUP = "backup"
MAX_BACKUPS = 7
DRIFT_HISTORY_RETENTION = timedelta(days=45)
MISSED_KEY = "missed_through"
"""Key, in the book settings, of the last session reported as missed."""


@dataclass(frozen=True, slots=True)
class Job:
    """A scheduled job.

    `due` returns the key of the work that is due now (a slot or a day), or None. `act` does the work of a key and
    returns the result as text, or None if it must be called again for the rest. `next_at` returns when the job is due
    next.
    """

    name: str
    title: str
    due: Callable[[Book, datetime], str | None]
    act: Callable[[Book, str], str | None]
    next_at: Callable[[Book, datetime], datetime | None]


def _settlement_due(book: Book, now: datetime) -> str | None:
    session = book.session(now)
    return session.day.isoformat() if session and session.open <= now else None


def _settle(book: Book, key: str) -> str:
    """Let the sale proceeds that are due become withdrawable (R-30); the broker determines which are due.

    Returns the number of broker events applied and of accounts with unsettled cash, as text.
    """
    if book.sandbox is not None:
        book.sandbox.advance(book.now())
    events = sync(book)
    waiting = int((book.account_table.unsettled > 0).sum())
    return f"{key}: {count_text(events, 'broker event')}, {count_text(waiting, 'account')} with unsettled cash"


def _slot_due(book: Book, now: datetime) -> str | None:
    session = book.session(now)
    if session is None or session.next_day is None or not session.in_window(now):
        return None
    slots = [slot for slot in book.settings.slots(session) if slot <= now]
    if not slots or jobs.evaluated(book.database, session.day.isoformat(), slots[-1]):
        return None
    return slots[-1].isoformat()


def _evaluate(book: Book, key: str) -> str | None:
    slot = datetime.fromisoformat(key)
    if book.pass_in_progress is None or book.pass_in_progress.slot != slot:
        report_missed_sessions(book)
        _count_missed_slots(book, slot)
        begin_pass(book, slot)
    try:
        made = evaluate_chunk(book)
    except Exception as error:
        if not set_apart_failing(book, error):
            raise
        return None  # the pass begins again without the accounts that are paused
    if made is None:
        return None
    awaiting = sum(run.awaits_approval for run in made.runs)
    reviewed = f", {awaiting:,} to review" if awaiting else ""
    return f"{count_text(made.evaluated, 'account')}, {count_text(len(made.runs), 'run')}{reviewed}"


def _count_missed_slots(book: Book, slot: datetime) -> None:
    """Add the session's slots before `slot` that had no evaluation to the count of missed starts."""
    session = book.session()
    if session is not None:
        last = jobs.last_slot(book.database, session.day.isoformat())
        missed = [s for s in book.settings.slots(session) if s < slot and (last is None or s > last)]
        if missed:
            with book.write() as tx:
                jobs.missed(tx, "evaluation", len(missed))


def _refresh_due(_book: Book, now: datetime) -> str | None:
    return new_york_day(now).isoformat()


def _refresh_sessions(book: Book, key: str) -> str:
    """Extend the trading calendar to two years ahead, delete old drift history, and end expired restrictions (R-60)."""
    today = date.fromisoformat(key)
    end_restrictions(book, today)
    with book.write() as tx:
        drift_history.prune(tx, book.now() - DRIFT_HISTORY_RETENTION)
    through = book.calendar.known_through
    if through >= today + timedelta(days=400):
        return f"sessions known through {through}"
    extended = build_sessions(today - timedelta(days=30), today + timedelta(days=800))
    with book.write() as tx:
        session_store.save(tx, extended)
        tx.reload()
    return f"sessions known through {book.calendar.known_through}"


def _backup_due(book: Book, now: datetime) -> str | None:
    """The day of the last session that closed since the book was created, as key.

    None if there is no such session or no backup folder. A backup is due at the close of a session, or when the program
    starts next.
    """
    if book.settings.backup_folder is None:
        return None
    session = book.calendar.last_opened(now)
    if session is not None and now < session.close:
        session = book.calendar.previous(session.day)
    began = audit.began_at(book.database)
    return session.day.isoformat() if session and began and began < session.close else None


def never_starts(book: Book, name: str) -> str:
    """Why the job with this name never starts: this book makes no backups. Empty for a job that starts."""
    if name != BACKUP or book.settings.backup_folder is not None:
        return ""
    return "book in memory" if book.database.path == MEMORY else "no backups"


def _back_up(book: Book, key: str) -> str:
    """Back up the book and keep the last `MAX_BACKUPS` files; returns the path. Raises `Conflict` without a folder."""
    if book.settings.backup_folder is None:
        raise Conflict(f"no folder for backups: {never_starts(book, BACKUP)}")
    folder = Path(book.settings.backup_folder)
    # The key of a manual start is a time, whose colons no file name on Windows can have.
    target = folder / f"{key[:10]}.db"
    back_up(book.database, target)
    for old in sorted(folder.glob("????-??-??.db"))[:-MAX_BACKUPS]:
        old.unlink()
    return str(target)


def _prices_due(book: Book, now: datetime) -> str | None:
    if book.settings.mode is Mode.REPLAY:
        return new_york_day(now).isoformat()
    return now.replace(second=0, microsecond=0).isoformat()


def save_prices(book: Book) -> int:
    """Store the last price and the last close of every asset; returns the number of assets."""
    known = [(a.symbol, a.price, a.price_at) for a in book.assets.values()]
    with book.write() as tx:
        assets.save_prices(tx, [(s, price, at) for s, price, at in known if price and at])
        store_closes(tx, book.price_history, book.assets)
        store_accepted_moves(tx, book.reference_prices.accepted, book.assets)
    return len(known)


def _save_prices(book: Book, _key: str) -> str:
    return count_text(save_prices(book), "price")


def _next_open(book: Book, now: datetime) -> datetime | None:
    return book.calendar.next_open(now)


def _next_close(book: Book, now: datetime) -> datetime | None:
    if book.settings.backup_folder is None:
        return None
    # Not the day's session: in a files book, that one never closes.
    session = book.calendar.on_or_before(new_york_day(now))
    if session is not None and now < session.close:
        return session.close
    following = book.calendar.next_after(new_york_day(now))
    return following.close if following else None


def _next_midnight(_book: Book, now: datetime) -> datetime | None:
    day = new_york_day(now) + timedelta(days=1)
    return datetime(day.year, day.month, day.day, tzinfo=NEW_YORK)


def _next_minute(_book: Book, now: datetime) -> datetime | None:
    return now.replace(second=0, microsecond=0) + timedelta(minutes=1)


EVALUATION = Job("evaluation", "Evaluation", _slot_due, _evaluate, next_slot)

JOBS = (
    Job("sessions", "Refresh sessions", _refresh_due, _refresh_sessions, _next_midnight),
    Job("settlement", "Settle cash", _settlement_due, _settle, _next_open),
    Job("prices", "Save prices", _prices_due, _save_prices, _next_minute),
    EVALUATION,
    Job(BACKUP, "Back up the book", _backup_due, _back_up, _next_close),
)
JOB_NAMES = ("sessions", "settlement", "prices", "demo", "evaluation", "backup")
"""The jobs with a row in every book, whether or not the book runs them."""
_registered: dict[str, tuple[Job, Callable[[Book], bool]]] = {}


def register(job: Job, applies: Callable[[Book], bool]) -> None:
    """Add a job for the books for which `applies` returns true. It runs before the evaluation.

    Registering a job with the same name again replaces it.
    """
    _registered[job.name] = (job, applies)


def jobs_of(book: Book) -> tuple[Job, ...]:
    """The jobs of this book, in the order in which they run."""
    extra = [job for job, applies in _registered.values() if applies(book)]
    found: list[Job] = []
    for job in JOBS:
        if job is EVALUATION:
            found += extra
        found.append(job)
    return tuple(found)


def report_missed_sessions(book: Book) -> None:
    """Raise an alert for the sessions without an evaluation since the last evaluated one.

    Missed sessions are not evaluated later (R-18).
    """
    last = jobs.last_session(book.database)
    if last is None:
        return
    known, now = date.fromisoformat(max(last, book_settings.get(book.database, MISSED_KEY))), book.now()
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
    text = f"{count_text(len(days), 'session')} without an evaluation, {days[0]} to {days[-1]}"
    if lost:
        text += "; missed calendar days, not evaluated later: " + ", ".join(lost)
    with book.write() as tx:
        book_settings.put(tx, MISSED_KEY, days[-1].isoformat())
        jobs.missed(tx, "evaluation", len(days))
        jobs.raise_alert(tx, book.now(), "missed", days[-1].isoformat(), text)
        tx.record("scheduler.missed", "evaluation", {"sessions": [day.isoformat() for day in days], "lost": lost})
