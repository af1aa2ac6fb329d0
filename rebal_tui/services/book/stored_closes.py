"""Last closes and accepted price moves, with which new prices are compared, stored so that reopening the book changes
neither.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date

from rebal_tui.domain.assets import Asset
from rebal_tui.domain.quantities import Price
from rebal_tui.domain.sessions import new_york_day
from rebal_tui.services.book.price_history import PriceHistory
from rebal_tui.services.book.reference_prices import Accepted, ReferencePrices
from rebal_tui.store import assets, book_settings
from rebal_tui.store.codec import dump
from rebal_tui.store.database import Database, Transaction

CLOSES = "closes"
ACCEPTED_MOVES = "accepted_moves"


def store_closes(tx: Transaction, history: PriceHistory, known: Mapping[str, Asset]) -> None:
    """Store the last close of every asset, with the day of the asset's prices after that close.

    `known` are the book's assets by label. Writes only when a close is new; call it in the transaction that stores the
    assets' prices.
    """
    found = history.closes().items()
    closes = {known[symbol].id: [day.isoformat(), close] for symbol, (day, close) in found if symbol in known}
    text = dump(closes)
    if closes and text != book_settings.get(tx.database, CLOSES):
        book_settings.put(tx, CLOSES, text)


def store_accepted_moves(tx: Transaction, accepted: Accepted, known: Mapping[str, Asset]) -> None:
    """Store which price moves were explained or released (R-55), unless the asset has a price of a later day.

    `known` are the book's assets by label. Writes only what changed.
    """
    found = [(known[symbol], *move) for symbol, move in accepted.items() if symbol in known]
    text = dump(
        {
            asset.id: [day.isoformat(), price]
            for asset, day, price in found
            if asset.price_at is None or new_york_day(asset.price_at) <= day
        }
    )
    if text != book_settings.get(tx.database, ACCEPTED_MOVES, "{}"):
        book_settings.put(tx, ACCEPTED_MOVES, text)


def resumed_references(database: Database) -> ReferencePrices:
    """Reference prices with the stored accepted moves; the prices themselves are not stored and are added later."""
    stored: dict[str, tuple[str, int | None]] = json.loads(book_settings.get(database, ACCEPTED_MOVES, "{}"))
    if not stored:
        return ReferencePrices({})
    accepted: Accepted = {}
    for symbol, asset in assets.load(database).items():
        if asset.id in stored:
            day, price = stored[asset.id]
            accepted[symbol] = date.fromisoformat(day), None if price is None else Price(price)
    return ReferencePrices(accepted)


def resumed_history(database: Database) -> PriceHistory:
    """A price history that begins with the stored closes and the stored prices of the assets.

    A stored close counts only if it precedes the day of the asset's stored price.
    """
    history = PriceHistory()
    text = book_settings.get(database, CLOSES)
    if not text:
        return history
    closes: dict[str, tuple[str, int]] = json.loads(text)
    for symbol, asset in assets.load(database).items():
        if asset.price is not None and asset.price_at is not None and asset.id in closes:
            day, (of, close) = new_york_day(asset.price_at), closes[asset.id]
            history.resume(symbol, day, asset.price, Price(close) if date.fromisoformat(of) == day else None)
    return history
