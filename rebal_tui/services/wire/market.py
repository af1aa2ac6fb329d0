"""Assets, sessions and the clock in the API's shapes."""

from __future__ import annotations

import json
from collections.abc import Collection
from datetime import date
from typing import TYPE_CHECKING

from rebal_tui.domain.assets import AssetStatus
from rebal_tui.domain.corporate_actions import ActionReport
from rebal_tui.domain.errors import NotFound, Unavailable
from rebal_tui.domain.quantities import money_text, price_text
from rebal_tui.services.book.book import Book
from rebal_tui.services.wire.shapes import asset_json, exchange_text, offset_text, session_json, time_text

if TYPE_CHECKING:
    from rebal_tui.services.wire.models import market


def list_assets(book: Book, status: AssetStatus | None, exchange: str | None) -> list[market.Asset]:
    """Assets with this status and exchange (None for all), in the order of the book."""
    return [
        asset_json(asset)
        for asset in book.assets.values()
        if (status is None or asset.status is status) and (exchange is None or exchange_text(asset) == exchange)
    ]


def find_asset(book: Book, name: str) -> market.Asset:
    """The asset with this id, or else the asset whose label this is (R-50). Raises `NotFound`."""
    asset = book.find_asset(name)
    if asset is None:
        raise NotFound(f"asset not found for {name}")
    return asset_json(asset)


def calendar(book: Book, start: date | None, end: date | None) -> list[market.CalendarDay]:
    """The book's sessions between two days, both inclusive; None is unbounded."""
    days = book.calendar.days(start or book.calendar.known_from, end or book.calendar.known_through)
    return [session_json(session) for day in days if (session := book.calendar.session(day)) is not None]


def corporate_action_json(report: ActionReport) -> market.CorporateAction:
    """An applied corporate action; `confirmation` is its result for all accounts that hold the asset, as text."""
    return {
        "id": report.id,
        "kind": report.action.kind,
        "symbol": report.action.symbol,
        "accounts": report.accounts,
        "unexplained": report.unexplained,
        "canceled_orders": report.canceled_orders,
        "paid": money_text(report.paid),
        "confirmation": report.text,
    }


def clock(book: Book) -> market.Clock:
    """The current time, and the next open and close of the market."""
    now, session = book.now(), book.session()
    is_open = session is not None and session.is_open(now)
    opening = book.calendar.next_open(now)
    closing = session if session is not None and now < session.close else book.calendar.at(opening) if opening else None
    if opening is None or closing is None:
        raise Unavailable("the calendar has no further session")
    return {
        "timestamp": offset_text(now),
        "is_open": is_open,
        "next_open": offset_text(opening),
        "next_close": offset_text(closing.close),
    }


def snapshots(book: Book, symbols: Collection[str]) -> str:
    """The last prices of the given symbols, as JSON text in the form of `Snapshots`.

    Symbols without a price are left out. The market data API has prices as numbers, not as text, and the module `json`
    cannot write exact numbers.
    """
    parts = []
    for symbol in sorted(set(symbols)):
        asset = book.assets.get(symbol)
        if asset is not None and asset.price is not None and asset.price_at is not None:
            trade = f'{{"t":"{time_text(asset.price_at)}","p":{price_text(asset.price)}}}'
            parts.append(f'{json.dumps(symbol)}:{{"latestTrade":{trade}}}')
    return f"{{{','.join(parts)}}}"
