"""The names that the screens can search."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rebal_tui.services.book.book import Book


@dataclass(frozen=True, slots=True)
class Names:
    """Accounts as (id, client, number), the ids of those with a subscription, portfolios as (id, name), and the symbols
    of assets.
    """

    accounts: tuple[tuple[str, str, str], ...]
    subscribed: frozenset[str]
    portfolios: tuple[tuple[str, str], ...]
    symbols: tuple[str, ...]


def names_of(book: Book) -> Names:
    """The names of all accounts, portfolios and assets of a book."""
    table = book.account_table
    return Names(
        tuple(zip(table.ids, table.names, table.numbers, strict=True)),
        frozenset(book.subscriptions),
        tuple((portfolio.id, portfolio.name) for portfolio in book.portfolios.values()),
        tuple(sorted(book.assets)),
    )
