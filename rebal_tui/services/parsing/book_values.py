"""The content of a BOOK.json as values."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple

from rebal_tui.domain.accounts import Account
from rebal_tui.domain.assets import Asset
from rebal_tui.domain.portfolios import PortfolioStatus
from rebal_tui.services.parsing.portfolio_body import PortfolioBody

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
