"""The API's journals: cash between a client account and the firm account, with idempotency keys."""

from __future__ import annotations

import hashlib
from datetime import datetime

from rebal_tui.broker.protocol import FIRM_ACCOUNT
from rebal_tui.domain.cash import Journal, JournalStatus
from rebal_tui.domain.errors import Conflict, NotFound
from rebal_tui.services.advisory import cash
from rebal_tui.services.book.book import Book
from rebal_tui.services.parsing.requests import CreateJournal
from rebal_tui.store import cash as store

MAX_JOURNALS = 10_000
"""Maximum number of journals in a list."""


def make_journal(book: Book, body: CreateJournal, key: str | None) -> Journal:
    """Create a journal that moves cash between an account and the firm account.

    `key` is the idempotency key of the request, None without one. A key that was used before returns its journal if the
    content is the same. Raises `NotFound` for an unknown account, `Conflict` unless one side is the firm account and
    for a key that was used with other content, and the errors of `cash.create_journal`.
    """
    incoming = body.from_account == FIRM_ACCOUNT
    if incoming == (body.to_account == FIRM_ACCOUNT):
        raise Conflict("a journal moves cash between a client account and the firm account")
    client = body.to_account if incoming else body.from_account
    given = None if key is None else f"api-{hashlib.sha256(key.encode()).hexdigest()}"
    return cash.create_journal(book, client, body.amount, incoming=incoming, description=body.description, key=given)


def find_journal(book: Book, journal_id: str) -> Journal:
    """One journal. Raises `NotFound`."""
    found = store.journal(book.database, journal_id)
    if found is None:
        raise NotFound(f"no journal {journal_id}")
    return found


def list_journals(
    book: Book,
    *,
    after: datetime | None,
    before: datetime | None,
    status: JournalStatus | None,
    from_account: str | None,
    to_account: str | None,
) -> list[Journal]:
    """Journals that match every given filter, newest first, at most 10,000.

    They were created after `after` and before `before`, both exclusive.
    """
    return store.find_journals(
        book.database,
        after=after,
        before=before,
        status=status,
        from_account=from_account,
        to_account=to_account,
        limit=MAX_JOURNALS,
    )
