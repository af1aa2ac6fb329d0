"""Check of the trading calendar and of the records of scheduled jobs."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta

from rebal_tui.domain.errors import Fault
from rebal_tui.domain.sessions import NEW_YORK, new_york_day
from rebal_tui.domain.text import count_text
from rebal_tui.market.sessions import CLOSE, EARLY_CLOSE, OPEN
from rebal_tui.services.book.settings import Mode
from rebal_tui.services.maintenance.trail_rows_check import clock_slack
from rebal_tui.services.schedule.jobs import JOB_NAMES
from rebal_tui.services.schedule.scheduler import PAUSE
from rebal_tui.store import book_settings, jobs
from rebal_tui.store.codec import from_time
from rebal_tui.store.database import Database
from rebal_tui.store.jobs import JobRow

_MAX_SETTLEMENT = timedelta(days=7)
_SAME_DAY = frozenset({"sessions", "settlement", "prices", "evaluation", "demo"})
"""Jobs whose last work belongs to the New York day on which it was done, unless the book's session is a past one."""


def schedule_faults(database: Database) -> Iterator[Fault]:
    """Sessions with impossible times or a wrong next session, and jobs whose record contradicts the audit trail or
    itself.

    The record of a job has the time of its last work, a text that identifies that work, such as its session, and its
    result.
    """
    yield from _sessions(database)
    yield from _paused(database)
    yield from _last_work(database)


def _sessions(database: Database) -> Iterator[Fault]:
    """Check that sessions follow each other and have the exchange's normal hours.

    The hours of a real broker's calendar may differ.
    """
    real = bool(book_settings.get(database, book_settings.BROKER))
    rows = database.rows("SELECT day, open, close, settles_on, next_day FROM sessions ORDER BY day")
    following = [row[0] for row in rows[1:]]
    for (day, opens, closes, settles_on, next_day), after in zip(rows, [*following, None], strict=True):
        on, settled = date.fromisoformat(day), date.fromisoformat(settles_on)
        begin, end = (from_time(at).astimezone(NEW_YORK) for at in (opens, closes))
        usual = begin.time() == OPEN and end.time() in (CLOSE, EARLY_CLOSE)
        if (begin.date(), end.date()) != (on, on) or not (usual or real):
            yield Fault(f"session {day}", f"from {begin:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M} New York time")
        # The last session of a calendar has no next day; another calendar may follow it, as in a replay.
        if next_day not in (after, None):
            yield Fault(
                f"session {day}", f"its next session is {next_day or 'none'}, {after or 'none'} in the calendar"
            )
        if not on < settled <= on + _MAX_SETTLEMENT or settled.weekday() > 4:
            yield Fault(f"session {day}", f"settles on {settles_on}")


def _paused(database: Database) -> Iterator[Fault]:
    expected: dict[str, bool] = {}
    for action, name in database.rows(
        "SELECT action, subject FROM audit WHERE action IN ('job.paused', 'job.resumed') ORDER BY seq"
    ):
        expected[name] = action == "job.paused"
    found = jobs.jobs(database)
    for name, job in found.items():
        if job.paused != expected.get(name, False):
            yield Fault(f"job {name}", f"is {'paused' if job.paused else 'not paused'}, unlike in the audit trail")
    missing = {PAUSE, *JOB_NAMES} - found.keys()
    if found and missing:
        yield Fault("jobs", f"{', '.join(sorted(missing))}: missing")


def _last_work(database: Database) -> Iterator[Fault]:
    """Check that a job's last time, key and result were stored together.

    A job that failed is not checked, because its time and result are newer than its key.
    """
    replayed = book_settings.get(database, "mode") == Mode.REPLAY
    for name, job in jobs.jobs(database).items():
        if job.failed or job.last_at is None or replayed:
            continue
        if fault := _contradiction(database, name, job, job.last_at):
            yield Fault(f"job {name}", fault)


def _contradiction(database: Database, name: str, job: JobRow, last_at: datetime) -> str:
    if name == PAUSE or not job.last_key:
        return "has a time but no work"
    day, done_on = date.fromisoformat(job.last_key[:10]), new_york_day(last_at)
    if len(job.last_key) > 10:
        day = new_york_day(datetime.fromisoformat(job.last_key))
    # On a day without a session, that of a files book is the one of its newest prices.
    files = book_settings.get(database, "mode") == Mode.FILES
    if day > done_on or (name in _SAME_DAY and not files and day != done_on):
        return f"its last work is of {day}, done on {done_on}"
    if (
        name == "prices"
        and len(job.last_key) > 10
        and job.last_key != last_at.replace(second=0, microsecond=0).isoformat()
    ):
        return f"its last work is of {job.last_key}, done at {last_at}"
    if name == "evaluation":
        return _not_an_evaluation(database, job)
    return ""


def _not_an_evaluation(database: Database, job: JobRow) -> str:
    """How the last work of the evaluation job differs from the last pass of its slot, as text; empty if it does not."""
    row = database.row(
        "SELECT (SELECT sum(value) FROM json_each(detail)), at FROM audit WHERE action = 'evaluation' AND subject = ? "
        "ORDER BY seq DESC LIMIT 1",
        (job.last_key,),
    )
    if row is None:
        return f"no evaluation of {job.last_key} is in the audit trail"
    if job.last_at is not None and abs(job.last_at - from_time(row[1])) > clock_slack(database):
        return f"its last work was done at {job.last_at}, at {from_time(row[1])} in the audit trail"
    if not job.last_result.startswith(f"{count_text(row[0], 'account')}, "):
        return f"its result is {job.last_result!r}, {count_text(row[0], 'account')} in the audit trail"
    return ""
