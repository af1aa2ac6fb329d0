"""Which trade list the orders of a run are on (R-74); by itself, because every book reads its runs with it."""

from __future__ import annotations

from collections.abc import Mapping
from weakref import WeakKeyDictionary

from rebal_tui.broker.files.records import OPEN
from rebal_tui.services.book.book import Book
from rebal_tui.store.codec import parse_client_order_id

_OF_BOOK: WeakKeyDictionary[Book, tuple[int, Mapping[str, int]]] = WeakKeyDictionary()
"""The result with the version of the book that it was read at."""


def list_numbers(book: Book) -> Mapping[str, int]:
    """By run id, the number of the newest trade list that has an open order of the run; read once per change."""
    version, numbers = _OF_BOOK.get(book, (-1, {}))
    if version != book.version:
        rows = book.database.rows(
            f"SELECT client_order_id, list FROM files_orders AS o WHERE list IS NOT NULL AND {OPEN} ORDER BY list"
        )
        found = ((parse_client_order_id(order), number) for order, number in rows)
        version, numbers = book.version, {own[0]: number for own, number in found if own is not None}
        _OF_BOOK[book] = version, numbers
    return numbers
