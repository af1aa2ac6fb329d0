"""BOOK.json: a whole book in one file, read exactly and checked whole before anything is made of it.

The models are loaded when a file is read, not before: pydantic would hold up the opening of a book.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple

from rebal_tui.domain.accounts import Account
from rebal_tui.domain.assets import Asset
from rebal_tui.domain.portfolios import PortfolioStatus
from rebal_tui.services.parsing.exact_json import read_json
from rebal_tui.services.parsing.portfolio_input import PortfolioBody

LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
"""When accounts of a file without `as_of` were opened: nobody said."""


class BookPortfolio(NamedTuple):
    id: str
    status: PortfolioStatus
    body: PortfolioBody


class BookSubscription(NamedTuple):
    account_id: str
    portfolio_id: str
    last_rebalanced_at: datetime | None


@dataclass(frozen=True, slots=True)
class BookFile:
    """What a BOOK.json says. `as_of` is the moment that it describes, None when it does not say.

    Every reference holds, and no id, symbol or account number stands twice.
    """

    as_of: datetime | None
    assets: tuple[Asset, ...]
    accounts: tuple[Account, ...]
    portfolios: tuple[BookPortfolio, ...]
    subscriptions: tuple[BookSubscription, ...]


def book_schema() -> dict[str, Any]:
    """The JSON Schema of a BOOK.json. What it cannot say, such as that weights sum to 100, `parse_book` checks."""
    from rebal_tui.services.parsing.book_shape import BookFile

    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **BookFile.model_json_schema()}


def parse_book(text: str | bytes) -> BookFile:
    """A BOOK.json read exactly.

    Raises `Invalid` with every fault of the file and its location, up to 1,000, then how many more there are.
    """
    from rebal_tui.services.parsing import book_names, book_shape
    from rebal_tui.services.parsing.shapes import read

    return read(book_shape.BookFile, read_json(text, "the book"), book_names.Names()).book()
