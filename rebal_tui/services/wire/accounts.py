"""Accounts, trading accounts and positions in the API's shapes."""

from __future__ import annotations

import uuid
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from rebal_tui.domain.accounts import Account, AccountStatus
from rebal_tui.domain.errors import NotFound
from rebal_tui.domain.orders import Side
from rebal_tui.domain.quantities import Qty
from rebal_tui.domain.text import searchable
from rebal_tui.domain.trade_status import TradeStatus
from rebal_tui.services.advisory.cash import transferable
from rebal_tui.services.advisory.manual_orders import buying_power
from rebal_tui.services.advisory.restrictions import in_force
from rebal_tui.services.advisory.trade_settings import account_settings
from rebal_tui.services.book.book import Book
from rebal_tui.services.evaluation.account import value_of
from rebal_tui.services.wire.account_shapes import (
    account_head_json,
    position_json,
    trading_account_json,
)
from rebal_tui.services.wire.shapes import minimum_json, time_text, value_text

if TYPE_CHECKING:
    from rebal_tui.services.wire.models import accounts


@dataclass(frozen=True, slots=True)
class AccountQuery:
    """Filters of accounts: `text` is a part of name, number or id; `created_after` and `created_before` are exclusive.

    At most `limit` accounts are returned.
    """

    text: str = ""
    statuses: Collection[AccountStatus] = ()
    created_after: datetime | None = None
    created_before: datetime | None = None
    newest_first: bool = True
    limit: int = 1_000


def list_accounts(book: Book, query: AccountQuery) -> list[accounts.Account]:
    """Accounts that match every filter, sorted by creation, newest first if `query.newest_first`, else oldest first."""
    found = [account for account in book.accounts.values() if _matches(account, query)]
    found.sort(key=lambda account: account.created_at, reverse=query.newest_first)
    return [account_shape(book, account) for account in found[: query.limit]]


def account_shape(book: Book, account: Account) -> accounts.Account:
    """An account with its current equity as `last_equity`, as closing prices of the previous day are not stored."""
    settings = account_settings(book, account.id)
    return {
        **account_head_json(account),
        "account_type": "trading",
        "last_equity": value_text(value_of(book, account.id).equity),
        "whole_shares": settings.whole_shares,
        "minimum_trade": minimum_json(settings.minimum_trade),
    }


def trading_account(book: Book, account_id: str, status: TradeStatus | None = None) -> accounts.TradingAccount:
    """The API's trading account of an account, with `status` as its trade status. Raises `NotFound`."""
    account = book.account(account_id)
    ready = transferable(book, account_id)
    power = buying_power(book, account_id)
    return trading_account_json(account, book.assets, ready, power, in_force(book, account_id), status)


def positions(book: Book, account_id: str) -> list[accounts.Position]:
    """Every position of an account. Raises `NotFound`."""
    account = book.account(account_id)
    selling: dict[str, int] = {}
    for order in book.broker.open_orders(account_id):
        if order.side is Side.SELL and order.qty is not None:
            selling[order.symbol] = selling.get(order.symbol, 0) + order.qty - order.filled_qty
    return [
        position_json(position, book.assets[position.symbol], Qty(selling.get(position.symbol, 0)))
        for position in account.positions
        if position.symbol in book.assets
    ]


def position(book: Book, account_id: str, name: str) -> accounts.Position:
    """One position, by asset id or by the symbol of its asset. Raises `NotFound`."""
    asset = book.find_asset(name)
    found = next((p for p in positions(book, account_id) if asset is not None and p["asset_id"] == asset.id), None)
    if found is None:
        raise NotFound("position does not exist")
    return found


def all_positions(book: Book) -> accounts.AllPositions:
    """The positions of every account that has any."""
    held = {account_id: positions(book, account_id) for account_id, a in book.accounts.items() if a.positions}
    return {"as_of": time_text(book.now()), "positions": held}


def is_uuid(identity: str) -> bool:
    """Whether an id is a UUID, which Alpaca's own client requires; an imported book may have other ids."""
    try:
        return str(uuid.UUID(identity)) == identity.lower()
    except ValueError:
        return False


def _matches(account: Account, query: AccountQuery) -> bool:
    text = searchable(query.text)
    return (
        (not text or any(text in searchable(word) for word in (account.name, account.account_number, account.id)))
        and (not query.statuses or account.status in query.statuses)
        and (query.created_after is None or account.created_at > query.created_after)
        and (query.created_before is None or account.created_at < query.created_before)
    )
