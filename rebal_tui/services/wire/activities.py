"""Activities of accounts, which are executions and cash movements: newest first or oldest first, page by page."""

from __future__ import annotations

import heapq
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING, Literal

from rebal_tui.domain.asset_labels import plain_symbol
from rebal_tui.domain.cash import CashEntry
from rebal_tui.domain.errors import Fault, Invalid
from rebal_tui.domain.quantities import money_text, price_text, qty_text
from rebal_tui.domain.sessions import NEW_YORK
from rebal_tui.services.book.book import Book
from rebal_tui.services.wire.events import ACTIVITY_TYPES
from rebal_tui.services.wire.shapes import time_text
from rebal_tui.store import activities as store
from rebal_tui.store import past_rows
from rebal_tui.store.activities import Execution, Position

if TYPE_CHECKING:
    from rebal_tui.services.wire.models import accounts

FILL = "FILL"
KNOWN_TYPES = frozenset({FILL, *ACTIVITY_TYPES.values()})
"""The activity types of this book; others have no entries."""


@dataclass(frozen=True, slots=True)
class ActivityQuery:
    """Filters of activities. `types` are the API's codes, empty for all; `after` is exclusive and `until` inclusive."""

    account_id: str | None = None
    types: Collection[str] = ()
    category: Literal["trade_activity", "non_trade_activity"] | None = None
    order_id: str | None = None
    after: datetime | None = None
    until: datetime | None = None
    newest_first: bool = True
    page_token: str | None = None
    page_size: int = 100


def list_activities(book: Book, query: ActivityQuery) -> list[accounts.AccountActivity]:
    """One page of activities. `query.page_token` is the id of the last activity of the page before.

    Raises `NotFound` for an unknown account, `Invalid` for an unknown token.
    """
    if query.account_id is not None:
        book.account(query.account_id)
    beyond = _position(book, query.page_token)
    window = store.Window(query.account_id, query.after, query.until, query.newest_first, beyond, query.page_size)
    wanted = frozenset(query.types) or KNOWN_TYPES
    trades: list[tuple[Position, accounts.AccountActivity]] = []
    if FILL in wanted and query.category != "non_trade_activity":
        found = past_rows.executions(book.database, window, query.order_id)
        trades = [(position, _trade(one)) for position, one in found]
    entries: list[tuple[Position, accounts.AccountActivity]] = []
    kinds = [kind for kind, name in ACTIVITY_TYPES.items() if name in wanted]
    if kinds and query.category != "trade_activity" and query.order_id is None:
        entries = [(position, _entry(one)) for position, one in store.cash(book.database, window, kinds)]
    merged = heapq.merge(trades, entries, key=lambda item: item[0], reverse=query.newest_first)
    return [shape for _, shape in islice(merged, query.page_size)]


def _position(book: Book, token: str | None) -> Position | None:
    if not token:
        return None
    found = past_rows.activity_position(book.database, token.rpartition("::")[2])
    if found is None:
        raise Invalid([Fault("page_token", "invalid value: expected the id of an activity")])
    return found


def _id(at: datetime, identity: str) -> str:
    """The id of an activity: its time, two colons and `identity`, such as `20260302150000000::4f2a`.

    Activities sort by the first part.
    """
    return f"{at:%Y%m%d%H%M%S}{at.microsecond // 1000:03}::{identity}"


def _trade(one: Execution) -> accounts.TradeActivity:
    return {
        "id": _id(one.at, one.execution_id),
        "account_id": one.account_id,
        "activity_type": "FILL",
        "transaction_time": time_text(one.at),
        "type": "fill" if one.status == "filled" else "partial_fill",
        "price": price_text(one.price),
        "qty": qty_text(one.qty),
        "side": one.side,
        "symbol": plain_symbol(one.symbol),
        "leaves_qty": qty_text(one.leaves),
        "order_id": one.order_id,
        "cum_qty": qty_text(one.cumulative),
        "order_status": one.status,
    }


def _entry(entry: CashEntry) -> accounts.NonTradeActivity:
    return {
        "id": _id(entry.at, f"{store.CASH_ID}{entry.seq}"),
        "account_id": entry.account_id,
        "activity_type": ACTIVITY_TYPES[entry.kind],
        "date": entry.at.astimezone(NEW_YORK).date().isoformat(),
        "net_amount": money_text(entry.amount),
        "description": entry.reference,
        "status": "executed",
    }
