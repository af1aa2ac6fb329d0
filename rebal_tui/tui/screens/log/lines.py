"""Columns and details of jobs and audit entries."""

from __future__ import annotations

import json
from collections.abc import Sequence

from rebal_tui.domain.text import count_text
from rebal_tui.services.view_models.log import AuditView, LogSnapshot
from rebal_tui.services.view_models.status import JobView
from rebal_tui.tui import formats
from rebal_tui.tui.segments import Line, heading, paragraph
from rebal_tui.tui.widgets.lines import Builder
from rebal_tui.tui.widgets.table_layout import Column
from rebal_tui.tui.widgets.tabs import Tab

JOBS, AUDIT = "jobs", "audit"
TABS = (JOBS, AUDIT)
JOB_WORDS = {
    "sessions": "Extends the trading calendar: the sessions that the program knows in advance.",
    "settlement": "At each open, makes the proceeds of sales withdrawable that are due.",
    "prices": "Keeps the last price of each asset, for when the book is opened again.",
    "demo": "Lets invented clients deposit, withdraw and trade, in this demonstration only.",
    "evaluation": "Decides for each subscribed account whether a run is created, and which.",
    "backup": "After each close, copies the book to its folder of backups.",
}
"""What each job does, by its name in the book."""
PAUSE_TEXT = (
    "No job starts by itself until you resume the scheduler: no evaluation, settlement of cash, saving of prices or "
    "backup. Runs in progress continue, and runs that you request or approve start."
)


def row_key(row: JobView | AuditView) -> str:
    """Return the key of a row; it begins with the key of the row's tab."""
    return f"{JOBS}:{row.name}" if isinstance(row, JobView) else f"{AUDIT}:{row.seq}"


def log_tabs(snapshot: LogSnapshot) -> tuple[Tab, ...]:
    """Return the tabs of jobs and audit trail with their counts; `500 of 912` if only the
    newest audit entries are loaded.
    """
    loaded = f"{len(snapshot.audit):,} of " if snapshot.more else ""
    failing = sum(bool(job.failed) for job in snapshot.jobs)
    return (
        Tab(JOBS, "Jobs", figure=f"{len(snapshot.jobs)}", mark="✗" if failing else "", style="bad" if failing else ""),
        Tab(AUDIT, "Audit trail", figure=f"{loaded}{snapshot.entries:,}"),
    )


def _state(job: JobView) -> Line:
    if job.never:
        return (("· off", "muted"),)
    if job.paused:
        return (("◌ paused", "warn"),)
    if job.failed:
        return (("✗ failed", "bad"),)
    return (("● on", "good"),)


def _count(count: int, style: str) -> Line:
    return ((str(count), style) if count else ("·", "rule"),)


def next_text(job: JobView) -> str:
    """Return the next start of a job, or why it never starts."""
    return job.never or formats.timestamp(job.next_at)


def _duration_text(job: JobView) -> str:
    return "–" if job.duration_ms is None else f"{job.duration_ms:,} ms"


def job_columns() -> tuple[Column[JobView], ...]:
    """Return the columns of the job list."""
    return (
        Column("state", "State", 9, _state),
        Column("title", "Job", 22, lambda job: job.title, sort=lambda job: job.title, grow=1, max_width=36),
        Column("next", "Next start", 15, next_text),
        Column("last", "Last start", 15, lambda job: formats.timestamp(job.last_at), priority=1),
        Column("took", "Duration", 9, _duration_text, "right", 2),
        Column("missed", "Missed", 6, lambda job: _count(job.missed, "warn"), "right", 3),
        Column("failed", "Failed", 6, lambda job: _count(job.failed, "bad"), "right", 3),
        Column("result", "Result", 20, lambda job: job.last_result, priority=4, grow=3, max_width=80),
    )


def _what(entry: AuditView) -> Line:
    """Return the sentence of an entry. If a search found its text in another word of the entry, that word comes
    first.
    """
    sentence = (entry.sentence, "")
    return ((f"found “{entry.found}”: ", "muted"), sentence) if entry.found else (sentence,)


def audit_columns() -> tuple[Column[AuditView], ...]:
    """Return the columns of the audit trail."""
    return (
        Column("seq", "No.", 7, lambda e: ((f"{e.seq:,}", "muted"),), "right", 0, lambda e: e.seq, True),
        Column("at", "Time", 15, lambda e: formats.timestamp(e.at), sort=lambda e: e.at, descending=True),
        Column("actor", "Actor", 8, lambda e: e.actor, sort=lambda e: e.actor, priority=2),
        Column("what", "What", 40, _what, grow=3, max_width=200, plain=lambda e: e.sentence),
        Column("action", "Action", 20, lambda e: ((e.action, "muted"),), sort=lambda e: e.action, priority=4),
    )


def run_job_text(job: JobView) -> str:
    """Return what a manual start of a job does, for its confirmation."""
    may = " It may create runs and send orders." if job.name == "evaluation" else ""
    return f"The job starts once now, as if it were due.{may}"


def job_text(job: JobView) -> str:
    """Return the text of a job in which the text filter searches."""
    return f"{_state(job)[0][0]} {job.title} {job.last_result}"


def title_of(row: JobView | AuditView) -> tuple[str, str]:
    """Return the title of a row's page, and the text that key `y` copies there."""
    if isinstance(row, JobView):
        return f"Job · {row.title}", row.last_result
    return f"Audit entry {row.seq:,} · {row.action}", entry_json(row)


def entry_json(entry: AuditView) -> str:
    """Return an audit entry as indented JSON."""
    fields = {"seq": entry.seq, "at": entry.at.isoformat(), "actor": entry.actor, "action": entry.action}
    return json.dumps({**fields, "subject": entry.subject, "detail": _read(entry.detail)}, ensure_ascii=False, indent=2)


def _read(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError:
        return text


def detail_lines(row: JobView | AuditView) -> Builder:
    """Build the details of a job or an audit entry."""

    def build(width: int, _height: int) -> Sequence[Line]:
        if isinstance(row, JobView):
            return _job(row, width)
        said = paragraph(f"{row.actor}: {row.sentence}", width, "title")
        at = ((formats.timestamp(row.at), "muted"), (" New York", "muted"))
        written = [line for text in entry_json(row).split("\n") for line in json_line(text, width)]
        return [*said, at, (), heading("Entry", width), *written]

    return build


def _job(job: JobView, width: int) -> list[Line]:
    lines: list[Line] = [((job.title, "title"), ("  ", ""), *_state(job)), ()]
    if what := JOB_WORDS.get(job.name):
        lines += [*paragraph(what, width, "muted"), ()]
    for name, value in (
        ("Next start", f"none: {job.never}" if job.never else formats.timestamp(job.next_at)),
        ("Last start", formats.timestamp(job.last_at)),
        ("Duration", _duration_text(job)),
        ("Missed", f"{count_text(job.missed, 'start')}, as the program was not open" if job.missed else "0 starts"),
        ("Failed", count_text(job.failed, "start")),
    ):
        lines.append(((name.ljust(12), "muted"), (value, "")))
    result = paragraph(job.last_result or "This job has not run yet.", width, "" if job.last_result else "muted")
    return [*lines, (), heading("Last result", width), *result]


def json_line(line: str, width: int) -> list[Line]:
    """Return a line of indented JSON with its key styled; wrapped to several lines if longer than `width` cells."""
    indent = len(line) - len(line.lstrip())
    key, colon, rest = line.strip().partition(": ")
    pad = " " * min(indent, width // 2)
    if not colon or not key.startswith('"') or len(line) > width:
        return paragraph(line.strip(), width, "", indent=len(pad))
    return [((pad, ""), (key, "accent"), (": ", "muted"), (rest, ""))]
