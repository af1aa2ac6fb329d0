"""Audit entries that name an account, as sentences."""

from __future__ import annotations

from rebal_tui.services.book.book import Book
from rebal_tui.services.queries.entries_naming import entries_naming
from rebal_tui.services.reports.audit_sentences import audit_sentence
from rebal_tui.services.view_models.account_page import TrailEntry

MAX_ENTRIES = 500


def account_trail(book: Book, account_id: str) -> tuple[TrailEntry, ...]:
    """The newest `MAX_ENTRIES` audit entries that name an account, newest first. Raises `NotFound`."""
    book.account(account_id)
    found = entries_naming(book, account_id, MAX_ENTRIES)
    return tuple(TrailEntry(entry.seq, entry.at, entry.actor, audit_sentence(book, entry)) for entry in found)
