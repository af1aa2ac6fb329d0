"""The audit entries that name an account, a run or a withdrawal, for pages that read them after each change."""

from __future__ import annotations

from weakref import WeakKeyDictionary

from rebal_tui.services.book.book import Book
from rebal_tui.store import audit
from rebal_tui.store.audit import AuditEntry

MAX_IDS = 8
"""Ids of a book whose entries are kept: those of the pages opened last."""


_OF_BOOK: WeakKeyDictionary[Book, dict[tuple[str, int], tuple[int, tuple[AuditEntry, ...]]]] = WeakKeyDictionary()
"""By id and limit, the last `seq` of the trail that was read, and the entries found, newest first."""


def entries_naming(book: Book, identifier: str, limit: int) -> tuple[AuditEntry, ...]:
    """The newest `limit` audit entries that contain an id, newest first.

    The trail has no index by text. It is read whole the first time, later only where it has grown.
    """
    kept = _OF_BOOK.setdefault(book, {})
    head, _ = audit.head(book.database)
    read_to, known = kept.pop((identifier, limit), (0, ()))
    if read_to < head:
        newer = audit.entries(book.database, limit, identifier, read_to)
        # An entry written since the head was read may be among them.
        read_to = max(head, newer[0].seq if newer else 0)
        known = (*newer, *known)[:limit]
    kept[identifier, limit] = read_to, known
    while len(kept) > MAX_IDS:
        kept.pop(next(iter(kept)), None)
    return known
