"""Alerts about failed log-ins of the API."""

from __future__ import annotations

from rebal_tui.services.book.book import Book
from rebal_tui.store import jobs

ALERT_KIND, ALERT_SUBJECT = "log_ins", "api"


def raise_log_in_alert(book: Book, text: str) -> None:
    """Raise an alert about many failed log-ins; an open one gets the new text."""
    with book.write() as tx:
        jobs.raise_alert(tx, book.now(), ALERT_KIND, ALERT_SUBJECT, text)
        tx.changed()
