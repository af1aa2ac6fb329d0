"""Data of the Market screen: assets, and the state of the simulator."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from rebal_tui.domain.assets import Asset
from rebal_tui.domain.errors import NotFound
from rebal_tui.domain.portfolios import PortfolioStatus
from rebal_tui.domain.quantities import HUNDRED_PERCENT, Percent, Price, Qty, market_value, value_cents
from rebal_tui.engine.shares import share
from rebal_tui.market.clock import SimulatedClock
from rebal_tui.market.walk import RandomWalk
from rebal_tui.services.book.book import Book
from rebal_tui.services.evaluation.account import managed_value_of
from rebal_tui.services.queries import totals
from rebal_tui.services.view_models.market import AssetRow, AssetView, Effect, HolderView, MarketSnapshot

HOLDERS = 200
"""The maximum number of accounts listed for an asset."""


def market_snapshot(book: Book) -> MarketSnapshot:
    """Every asset with its price and the number of accounts that hold it, and how many accounts are outside a band."""
    clock = book.clock if isinstance(book.clock, SimulatedClock) else None
    return MarketSnapshot(
        book.version,
        _rows(book),
        outside(book),
        clock.speed if clock else None,
        clock.paused if clock else False,
        len(book.subscriptions),
    )


def market_with_asset(
    book: Book, seen: int | None, symbol: str | None
) -> tuple[MarketSnapshot, AssetView | None] | None:
    """The result of `market_snapshot`, and at the same prices that of `asset_view` for the asset `symbol`.

    None when the book's version is still `seen`; the second is None without a `symbol` that the book has.
    """
    if book.version == seen:
        return None
    return market_snapshot(book), asset_view(book, symbol) if symbol in book.assets else None


def asset_view(book: Book, symbol: str) -> AssetView:
    """One asset with the portfolios that target it and the accounts that hold it. Raises `NotFound`."""
    row = next((row for row in _rows(book) if row.symbol == symbol), None)
    if row is None:
        raise NotFound(f"no asset {symbol}")
    models = sorted(
        ((p.name, p.weights.of(symbol)) for p in book.portfolios.values() if symbol in p.weights),
        key=lambda model: (-model[1], model[0]),
    )
    held = totals.holdings_of(book, symbol)
    held.sort(key=lambda pair: -pair[1])
    return AssetView(row, tuple(models), tuple(_holder(book, symbol, a, qty) for a, qty in held[:HOLDERS]))


def outside(book: Book) -> int:
    """The number of subscribed accounts outside one of their bands at current prices."""
    return totals.outside(book)


def shock_effect(book: Book, symbol: str | None, percent: Percent) -> Effect:
    """How many accounts are outside a band, and which would be if a price moved by a percentage. Changes nothing.

    All prices move if `symbol` is None. Raises `NotFound` for an unknown symbol.
    """
    if symbol is not None and symbol not in book.assets:
        raise NotFound(f"no asset {symbol}")
    moved = {
        name: Price(max(asset.price * (HUNDRED_PERCENT + percent) // HUNDRED_PERCENT, 1))
        for name, asset in book.assets.items()
        if asset.price is not None and symbol in (None, name)
    }
    return _effect(book, totals.outside_rows(book), totals.outside_rows(book, moved))


def measured(book: Book, do: Callable[[Book], object]) -> Effect:
    """Run an action that changes the market.

    Returns how many accounts were outside a band before and after it, and which of them it moved out.
    """
    before = totals.outside_rows(book)
    do(book)
    return _effect(book, before, totals.outside_rows(book))


def _effect(book: Book, before: NDArray[np.bool_], after: NDArray[np.bool_]) -> Effect:
    """The effect of a change; `before` and `after` are by account row whether the account is outside a band."""
    left = frozenset(book.account_table.ids[row] for row in np.flatnonzero(after & ~before).tolist())
    return Effect(
        int(np.count_nonzero(before)), int(np.count_nonzero(after)), len(book.subscriptions), left, book.now()
    )


def _prices(book: Book, account_id: str) -> dict[str, Price]:
    known = {
        p.symbol: book.assets[p.symbol].price for p in book.accounts[account_id].positions if p.symbol in book.assets
    }
    return {symbol: price for symbol, price in known.items() if price is not None}


def _rows(book: Book) -> tuple[AssetRow, ...]:
    models = Counter(symbol for p in book.portfolios.values() for symbol in p.weights.symbols)
    in_force = [p for p in book.portfolios.values() if p.status is PortfolioStatus.ACTIVE]
    active = Counter(symbol for p in in_force for symbol in p.weights.symbols)
    holders = totals.holders(book)
    halted = book.sandbox.halted() if book.sandbox else frozenset()
    frozen = book.feed.frozen if isinstance(book.feed, RandomWalk) else frozenset()
    rows = [
        replace(
            _row(book, asset, models[asset.symbol], active[asset.symbol], holders.get(asset.symbol, 0)),
            halted=asset.symbol in halted,
            frozen=asset.symbol in frozen,
            hold=hold.reason if (hold := book.asset_holds.get(asset.symbol)) else "",
        )
        for asset in book.assets.values()
    ]
    return tuple(sorted(rows, key=lambda row: row.symbol))


def _row(book: Book, asset: Asset, models: int, active: int, holders: int) -> AssetRow:
    close = book.price_history.last_close(asset.symbol)
    return AssetRow(
        symbol=asset.symbol,
        name=asset.name,
        status=asset.status.value,
        tradable=asset.tradable,
        fractionable=asset.fractionable,
        halted=False,
        price=asset.price,
        price_at=asset.price_at,
        change_bp=share(asset.price - close, close) if asset.price is not None and close else None,
        trend=book.price_history.of(asset.symbol),
        portfolios=models,
        active_portfolios=active,
        accounts=holders,
    )


def _holder(book: Book, symbol: str, account_id: str, qty: Qty) -> HolderView:
    subscription = book.subscriptions.get(account_id)
    portfolio = book.portfolios[subscription.portfolio_id] if subscription else None
    price = _prices(book, account_id).get(symbol)
    value = market_value(qty, price or Price(0))
    equity = managed_value_of(book, account_id).equity
    return HolderView(
        account_id=account_id,
        client=book.accounts[account_id].name,
        portfolio=portfolio.name if portfolio else "",
        qty=qty,
        value=value_cents(value),
        target=portfolio.weights.of(symbol) if portfolio else None,
        actual_bp=share(value, equity),
    )
