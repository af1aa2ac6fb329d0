"""When the broker's blocks of accounts have changed, by the audit trail (R-40)."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from weakref import WeakKeyDictionary

from rebal_tui.services.book.book import Book
from rebal_tui.store import audit

_ACTION = "account.restrictions"
_ALL = 2**62


class _Changes:
    """The changes read so far: the trail has no index by action, so that each entry is read once only."""

    def __init__(self) -> None:
        self.by_account: defaultdict[str, list[tuple[datetime, bool]]] = defaultdict(list)
        self._read_to = 0

    def read(self, book: Book) -> None:
        head, _ = audit.head(book.database)
        if head == self._read_to:
            return
        for entry in audit.entries_after(book.database, self._read_to, _ALL, (_ACTION,)):
            self.by_account[entry.subject].append((entry.at, bool(json.loads(entry.detail)["restrictions"])))
        self._read_to = head


_OF_BOOK: WeakKeyDictionary[Book, _Changes] = WeakKeyDictionary()


def block_changes(book: Book) -> Mapping[str, Sequence[tuple[datetime, bool]]]:
    """By account id, the time of each change of the broker's blocks and whether any block was left, oldest first.

    The audit trail is read to its end the first time, later only where it has grown.
    """
    found = _OF_BOOK.setdefault(book, _Changes())
    found.read(book)
    return found.by_account
