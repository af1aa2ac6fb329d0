"""Data of the Log screen: jobs, the audit trail and its verification; and the acknowledgment of alerts."""

from __future__ import annotations

from collections.abc import Sequence

from rebal_tui.domain.errors import NotFound
from rebal_tui.services.book.book import Book
from rebal_tui.services.queries.status import job_views
from rebal_tui.services.view_models.log import AuditCheck, AuditView, LogSnapshot
from rebal_tui.store import audit, jobs


def log_snapshot(book: Book, containing: str = "", limit: int = 500) -> LogSnapshot:
    """Jobs, and the newest audit entries that contain a text."""
    return LogSnapshot(
        book.version,
        job_views(book),
        tuple(
            AuditView(e.seq, e.at, e.actor, e.action, e.subject, e.detail)
            for e in audit.entries(book.database, limit, containing)
        ),
        audit.head(book.database)[0],
    )


def acknowledge(book: Book, key: int) -> None:
    """Acknowledge an alert; it is raised again when its cause recurs. Raises `NotFound`."""
    acknowledge_all(book, (key,))


def acknowledge_all(book: Book, keys: Sequence[int]) -> int:
    """Acknowledge several alerts, all or none; returns how many. Raises `NotFound`."""
    known = {alert.key for alert in jobs.open_alerts(book.database)}
    for key in keys:
        if key not in known:
            raise NotFound(f"no open alert {key}")
    with book.write() as tx:
        for key in keys:
            jobs.acknowledge(tx, key, book.now())
            tx.record("alert.acknowledged", str(key), actor="advisor")
        tx.changed()
    return len(keys)


def verify_audit(book: Book) -> AuditCheck:
    """Verify the audit chain from its first entry."""
    faults = audit.verify(book.database)
    count, digest = audit.head(book.database)
    if faults:
        return AuditCheck(False, faults[0])
    return AuditCheck(True, f"{count:,} {'entry' if count == 1 else 'entries'} verified; the last is {digest[:16]}")
