"""The Log place: jobs, alerts, the audit trail and its verification."""

from __future__ import annotations

from rebal_tui.domain.errors import NotFound
from rebal_tui.services.book import Book
from rebal_tui.services.status import job_views
from rebal_tui.services.views import AlertView, AuditView, LogSnapshot
from rebal_tui.store import audit, jobs


def log_snapshot(book: Book, containing: str = "", limit: int = 500) -> LogSnapshot:
    """Jobs, open alerts, and the newest audit entries that contain a text."""
    return LogSnapshot(
        book.version,
        job_views(book),
        tuple(AlertView(a.key, a.at, a.kind, a.subject, a.text) for a in jobs.open_alerts(book.database)),
        tuple(
            AuditView(e.seq, e.at, e.actor, e.action, e.subject, e.detail)
            for e in audit.entries(book.database, limit, containing)
        ),
        audit.head(book.database)[0],
    )


def acknowledge(book: Book, key: int) -> None:
    """Take note of an alert; it is raised again when its cause comes again. Raises `NotFound`."""
    if all(alert.key != key for alert in jobs.open_alerts(book.database)):
        raise NotFound(f"no open alert {key}")
    with book.database.write():
        jobs.acknowledge(book.database, key, book.now())
        book.record("alert.acknowledged", str(key), actor="advisor")
    book.version += 1


def verify_audit(book: Book) -> str:
    """Check the audit chain from its first entry on; what was found, in a sentence."""
    faults = audit.verify(book.database)
    count, digest = audit.head(book.database)
    return faults[0] if faults else f"{count} entries verified; the last is {digest[:16]}"
