"""Assets as the Market place shows them, and what the simulator is doing."""

from __future__ import annotations

from collections import Counter

from rebal_tui.domain.assets import Asset
from rebal_tui.domain.quantities import WHOLE
from rebal_tui.engine.drift import asset_drifts, widest_use
from rebal_tui.market.clock import SimulatedClock
from rebal_tui.services.book import Book
from rebal_tui.services.evaluation import value_of
from rebal_tui.services.views import AssetRow, MarketSnapshot


def market_snapshot(book: Book) -> MarketSnapshot:
    """Every asset with its price and who holds it, and how many accounts stand outside a band now."""
    models = Counter(symbol for p in book.portfolios.values() for symbol in p.weights.symbols)
    holders = Counter(position.symbol for a in book.accounts.values() for position in a.positions)
    halted = book.sandbox.halted() if book.sandbox else frozenset()
    clock = book.clock if isinstance(book.clock, SimulatedClock) else None
    return MarketSnapshot(
        book.version,
        tuple(
            _row(book, asset, asset.symbol in halted, models[asset.symbol], holders[asset.symbol])
            for asset in book.assets.values()
        ),
        outside(book),
        clock.speed if clock else None,
        clock.paused if clock else False,
    )


def outside(book: Book) -> int:
    """How many subscribed accounts are beyond one of their bands at the current prices."""
    count = 0
    for account_id, subscription in book.subscriptions.items():
        portfolio = book.portfolios[subscription.portfolio_id]
        use = widest_use(asset_drifts(value_of(book, account_id), portfolio.weights), portfolio.bands)
        count += bool(use and use.breached)
    return count


def _row(book: Book, asset: Asset, halted: bool, models: int, holders: int) -> AssetRow:
    trend = book.trends.of(asset.symbol)
    close = book.trends.last_close(asset.symbol)
    change = (asset.price - close) * WHOLE // close if asset.price is not None and close else None
    return AssetRow(
        asset.symbol, asset.name, asset.status.value, asset.tradable, asset.fractionable, halted, asset.price,
        asset.price_at, change, trend, models, holders,
    )  # fmt: skip
