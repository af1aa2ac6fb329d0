"""The last closes, stored in the book so that price changes are still measured from them after it is reopened."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date

from rebal_tui.domain.assets import Asset
from rebal_tui.domain.quantities import Price
from rebal_tui.domain.sessions import new_york_day
from rebal_tui.services.book.price_history import PriceHistory
from rebal_tui.store import assets, book_settings
from rebal_tui.store.codec import dump
from rebal_tui.store.database import Database, Transaction

CLOSES = "closes"


def store_closes(tx: Transaction, history: PriceHistory, known: Mapping[str, Asset]) -> None:
    """Store the last close of every asset in `known`, by label, with the day of the prices that follow it.

    Writes only when a close is new; call it when the prices of the assets are stored.
    """
    found = history.closes().items()
    closes = {known[symbol].id: [day.isoformat(), close] for symbol, (day, close) in found if symbol in known}
    text = dump(closes)
    if closes and text != book_settings.get(tx.database, CLOSES):
        book_settings.put(tx, CLOSES, text)


def resumed_history(database: Database) -> PriceHistory:
    """A price history without prices that continues from the stored closes and the stored prices of the assets.

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
