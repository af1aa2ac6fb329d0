"""The trade list that each order is on (R-74).

This is a separate module because lists of runs load it in every book, not only in a files book.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from weakref import WeakKeyDictionary

from rebal_tui.broker.files.records import OPEN, time_of
from rebal_tui.domain.orders import Order
from rebal_tui.services.book.book import Book
from rebal_tui.services.view_models.runs import OnList
from rebal_tui.store.codec import parse_client_order_id

_OF_BOOK: WeakKeyDictionary[Book, tuple[int, Mapping[str, int]]] = WeakKeyDictionary()
"""The result with the version of the book that it was read at."""


def list_numbers(book: Book) -> Mapping[str, int]:
    """By run id, the number of the newest trade list that has an open order of the run.

    The numbers are read from the file again only when the book has changed.
    """
    version, numbers = _OF_BOOK.get(book, (-1, {}))
    if version != book.version:
        rows = book.database.rows(
            f"SELECT client_order_id, list FROM files_orders AS o WHERE list IS NOT NULL AND {OPEN} ORDER BY list"
        )
        found = ((parse_client_order_id(order), number) for order, number in rows)
        version, numbers = book.version, {own[0]: number for own, number in found if own is not None}
        _OF_BOOK[book] = version, numbers
    return numbers


def waits_for_list(book: Book) -> bool:
    """Whether an approved order is on no trade list yet; False in other books than a files book."""
    if not book.settings.one_list:
        return False
    return bool(book.database.row(f"SELECT 1 FROM files_orders AS o WHERE list IS NULL AND {OPEN} LIMIT 1"))


def lists_of(book: Book, orders: Sequence[Order]) -> Mapping[str, OnList]:
    """By client_order_id, the trade list of each of these orders that is on one."""
    names = [order.client_order_id for order in orders]
    rows = book.database.rows(
        "SELECT o.client_order_id, l.n, l.at FROM files_orders AS o JOIN files_lists AS l ON l.n = o.list"
        f" WHERE o.client_order_id IN ({', '.join('?' * len(names))})",
        names,
    )
    return {name: OnList(number, time_of(at)) for name, number, at in rows}
