"""The content of a BOOK.json as values."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple

from rebal_tui.domain.accounts import Account
from rebal_tui.domain.assets import Asset
from rebal_tui.domain.portfolios import MinimumTrade, PortfolioStatus
from rebal_tui.domain.trading_rules import AccountSettings, Overrides, TradeRestriction
from rebal_tui.services.parsing.portfolio_body import PortfolioBody

LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
"""Opening timestamp of accounts in a file without `as_of`: it is unknown."""


_IDS = uuid.UUID("5a5c2e0e-8d0c-5f0b-9a35-0b1f6b0c7d11")


def derived_id(kind: str, name: str) -> str:
    """A deterministic id for an object without an id in the file: the same file gives the same id."""
    return str(uuid.uuid5(_IDS, f"{kind}:{name}"))


class BookPortfolio(NamedTuple):
    id: str
    status: PortfolioStatus
    body: PortfolioBody


class BookSubscription(NamedTuple):
    account_id: str
    portfolio_id: str
    last_rebalanced_at: datetime | None
    overrides: Overrides | None = None


@dataclass(frozen=True, slots=True)
class BookFile:
    """The content of a BOOK.json. `as_of` is the time that the file describes, None if it gives none.

    Every reference is valid, and ids, labels of assets and account numbers are unique. Assets, positions and weights
    have labels (a symbol, or `SYMBOL#` and part of an id); a position has the id of its asset where the file gives one.
    """

    as_of: datetime | None
    assets: tuple[Asset, ...]
    accounts: tuple[Account, ...]
    portfolios: tuple[BookPortfolio, ...]
    subscriptions: tuple[BookSubscription, ...]
    restrictions: tuple[TradeRestriction, ...] = ()
    account_settings: tuple[tuple[str, AccountSettings], ...] = ()
    minimum_trade: MinimumTrade | None = None
