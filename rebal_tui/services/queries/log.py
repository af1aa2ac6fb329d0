"""Verification of the audit trail, and the acknowledgment of alerts."""

from __future__ import annotations

from collections.abc import Sequence

from rebal_tui.domain.errors import NotFound
from rebal_tui.services.book.book import Book
from rebal_tui.services.view_models.log import AuditCheck
from rebal_tui.store import audit, jobs


def acknowledge(book: Book, key: int) -> None:
    """Acknowledge the open alert with this number; a new one is raised when its cause recurs. Raises `NotFound`."""
    acknowledge_all(book, (key,))


def acknowledge_all(book: Book, keys: Sequence[int]) -> int:
    """Acknowledge the open alerts with these numbers, all or none; returns how many. Raises `NotFound`."""
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
    """Verify the hash chain of the audit trail from its first entry."""
    faults = audit.verify(book.database)
    count, digest = audit.head(book.database)
    if faults:
        return AuditCheck(False, faults[0])
    return AuditCheck(
        True, f"{count:,} {'entry' if count == 1 else 'entries'} verified; hash of the last {digest[:16]}"
    )
