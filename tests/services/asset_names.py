"""Changes of symbols at the simulated broker, also swaps, which no corporate action makes (R-50)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from rebal_tui.broker.failures import BrokerRefused
from rebal_tui.domain.errors import Conflict, NotFound
from rebal_tui.services.advisory.cash import sandbox
from rebal_tui.services.book.book import Book
from rebal_tui.services.broker_sync.events import sync


def rename_assets(book: Book, symbols: Mapping[str, str]) -> None:
    """Give assets new symbols, by asset id, all at once: two assets may swap theirs. Prices and holdings follow.

    Raises `NotFound` for an unknown id, `Conflict` when the broker is a real one or when two active assets would have
    one symbol; the error names both ids.
    """
    controls, known = sandbox(book), book.assets_by_id
    unknown = [asset_id for asset_id in symbols if asset_id not in known]
    if unknown:
        raise NotFound(f"no asset {unknown[0]}")
    try:
        with book.write():
            controls.add_assets([replace(known[asset_id], symbol=symbol) for asset_id, symbol in symbols.items()])
            sync(book)
    except BrokerRefused as refusal:
        raise Conflict(refusal.message) from refusal
