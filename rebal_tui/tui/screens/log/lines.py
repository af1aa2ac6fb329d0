"""Columns and details of jobs, alerts and audit entries."""

from __future__ import annotations

import json
from collections.abc import Sequence

from rebal_tui.services.view_models.log import AlertView, AuditView, LogSnapshot
from rebal_tui.services.view_models.status import JobView
from rebal_tui.tui import formats
from rebal_tui.tui.segments import Line, heading, paragraph
from rebal_tui.tui.widgets.lines import Builder
from rebal_tui.tui.widgets.table_layout import Column
from rebal_tui.tui.widgets.tabs import Tab

JOBS, ALERTS, AUDIT = "jobs", "alerts", "audit"
TABS = (JOBS, ALERTS, AUDIT)
KINDS = {
    "restricted": "◌ account",
    "account_ended": "◌ account",
    "asset_hold": "■ asset",
    "surge": "▲ runs",
    "needs_adjustment": "▲ portfolio",
    "run": "✗ run",
    "withdrawal": "✗ withdrawal",
    "job": "✗ job",
    "missed": "◷ missed",
    "broker": "✗ broker",
    "clock": "▲ clock",
    "stream": "▲ stream",
    "prices": "▲ prices",
    "journal": "◷ journal",
    "journal_changed": "✗ journal",
    "lost_run": "✗ lost run",
    "reconciliation": "◌ account",
}


def log_tabs(snapshot: LogSnapshot) -> tuple[Tab, ...]:
    """Return the tabs of the three lists with their counts."""
    failing = sum(bool(job.failed) for job in snapshot.jobs)
    alerts = len(snapshot.alerts)
    return (
        Tab(JOBS, "Jobs", figure=f"{len(snapshot.jobs)}", mark="✗" if failing else "", style="bad" if failing else ""),
        Tab(ALERTS, "Alerts", figure=f"{alerts:,}", mark="▲" if alerts else "", style="warn" if alerts else "muted"),
        Tab(AUDIT, "Audit trail", figure=f"{snapshot.entries:,}", short="Audit"),
    )


def _state(job: JobView) -> Line:
    if job.paused:
        return (("◌ paused", "warn"),)
    if job.failed:
        return (("✗ failed", "bad"),)
    return (("● on", "good"),)


def _count(count: int, style: str) -> Line:
    return ((str(count), style) if count else ("·", "rule"),)


def _duration_text(job: JobView) -> str:
    return "–" if job.duration_ms is None else f"{job.duration_ms:,} ms"


def job_columns() -> tuple[Column[JobView], ...]:
    """Return the columns of the job list."""
    return (
        Column("state", "State", 9, _state),
        Column("title", "Job", 22, lambda job: job.title, sort=lambda job: job.title, grow=1, max_width=36),
        Column("next", "Next", 15, lambda job: formats.timestamp(job.next_at)),
        Column("last", "Last", 15, lambda job: formats.timestamp(job.last_at), priority=1),
        Column("took", "Took", 9, _duration_text, "right", 2),
        Column("missed", "Missed", 6, lambda job: _count(job.missed, "warn"), "right", 3),
        Column("failed", "Failed", 6, lambda job: _count(job.failed, "bad"), "right", 3),
        Column("result", "Result", 20, lambda job: job.last_result, priority=4, grow=3, max_width=80),
    )


def alert_columns() -> tuple[Column[AlertView], ...]:
    """Return the columns of the alert list."""
    return (
        Column("at", "Since", 12, lambda alert: formats.short_timestamp(alert.at), sort=lambda alert: alert.at),
        Column("kind", "Subject", 12, lambda alert: ((_kind(alert), "warn"),), sort=lambda alert: alert.kind),
        Column("text", "Alert", 40, lambda alert: alert.text, grow=3, max_width=160),
    )


def audit_columns() -> tuple[Column[AuditView], ...]:
    """Return the columns of the audit trail."""
    return (
        Column("seq", "No.", 7, lambda e: ((f"{e.seq:,}", "muted"),), "right", 0, lambda e: e.seq, True),
        Column("at", "Time", 15, lambda e: formats.timestamp(e.at), sort=lambda e: e.at, descending=True),
        Column("actor", "Actor", 8, lambda e: e.actor, sort=lambda e: e.actor, priority=2),
        Column("action", "Action", 22, lambda e: ((e.action, "title"),), sort=lambda e: e.action),
        Column("subject", "Subject", 12, lambda e: e.subject, priority=1, grow=1, max_width=36),
        Column("detail", "Detail", 24, lambda e: ((e.detail, "muted"),), priority=3, grow=3, max_width=120),
    )


def job_text(job: JobView) -> str:
    return f"{job.name} {job.title} {job.last_result}"


def alert_text(alert: AlertView) -> str:
    return f"{alert.kind} {alert.subject} {alert.text}"


def _kind(alert: AlertView) -> str:
    return KINDS.get(alert.kind, alert.kind)


def title_of(row: JobView | AlertView | AuditView) -> tuple[str, str]:
    """Return the title of a row's full-screen view and the text that `y` copies."""
    if isinstance(row, JobView):
        return f"Job · {row.title}", row.last_result
    if isinstance(row, AlertView):
        return f"Alert · {_kind(row)}", row.text
    return f"Audit entry {row.seq:,} · {row.action} · y copies its JSON", entry_json(row)


def entry_json(entry: AuditView) -> str:
    """Return an audit entry as indented JSON."""
    fields = {"seq": entry.seq, "at": entry.at.isoformat(), "actor": entry.actor, "action": entry.action}
    return json.dumps({**fields, "subject": entry.subject, "detail": _read(entry.detail)}, ensure_ascii=False, indent=2)


def _read(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError:
        return text


def detail_lines(row: JobView | AlertView | AuditView) -> Builder:
    """Build the details of a job, alert or audit entry."""

    def build(width: int, _height: int) -> Sequence[Line]:
        if isinstance(row, JobView):
            return _job(row, width)
        if isinstance(row, AlertView):
            return _alert(row, width)
        return [line for text in entry_json(row).split("\n") for line in json_line(text, width)]

    return build


def _job(job: JobView, width: int) -> list[Line]:
    lines: list[Line] = [((job.title, "title"), ("  ", ""), *_state(job)), ()]
    for name, value in (
        ("Next", formats.timestamp(job.next_at)),
        ("Last", formats.timestamp(job.last_at)),
        ("Took", _duration_text(job)),
        ("Missed", f"{job.missed:,}"),
        ("Failed", f"{job.failed:,}"),
    ):
        lines.append(((name.ljust(8), "muted"), (value, "")))
    result = paragraph(job.last_result or "This job has not run yet.", width, "" if job.last_result else "muted")
    return [*lines, (), heading("Last result", width), *result]


def _alert(alert: AlertView, width: int) -> list[Line]:
    return [
        ((_kind(alert), "warn"), (f"  since {formats.timestamp(alert.at)} NY", "muted")),
        (),
        *paragraph(alert.text, width),
        (),
        *paragraph(f"Subject: {alert.subject}", width, "muted"),
        (),
        *paragraph("a acknowledges this alert; g goes to its subject.", width, "muted"),
    ]


def json_line(line: str, width: int) -> list[Line]:
    """Return a line of indented JSON with its key styled, wrapped if it is too long."""
    indent = len(line) - len(line.lstrip())
    key, colon, rest = line.strip().partition(": ")
    pad = " " * min(indent, width // 2)
    if not colon or not key.startswith('"') or len(line) > width:
        return paragraph(line.strip(), width, "", indent=len(pad))
    return [((pad, ""), (key, "accent"), (": ", "muted"), (rest, ""))]
