"""Counts and sums over every account of a book, computed from its arrays."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from rebal_tui.domain.quantities import NANO, Price, Qty, Value
from rebal_tui.engine.arrays.sweep import Group, sweep
from rebal_tui.services.book.book import Book
from rebal_tui.services.evaluation.whole_book import book_day_context


def outside(book: Book, moved: Mapping[str, Price] | None = None) -> int:
    """The number of subscribed accounts outside one of their bands at current prices; `moved` replaces some prices."""
    return int(np.count_nonzero(outside_rows(book, moved)))


def outside_rows(book: Book, moved: Mapping[str, Price] | None = None) -> NDArray[np.bool_]:
    """By account row, whether the account is outside one of its bands; `moved` replaces some prices."""
    frame = book.frame()
    if moved:
        indexes = np.array([frame.assets.symbols.index(symbol) for symbol in moved], np.int32)
        frame = frame.with_prices(indexes, np.array(list(moved.values()), np.int64), frame.assets.price_at[indexes])
    return np.asarray(sweep(frame, book_day_context(book, frame)).groups & np.uint8(Group.OUTSIDE) != 0)


def holders(book: Book) -> dict[str, int]:
    """The number of accounts that hold an asset, by symbol."""
    table = book.account_table
    _, indexes = table.indexes()
    counts = np.bincount(table.asset[indexes], minlength=max(table.symbols, default=0) + 1)
    return {symbol: int(counts[key]) for key, symbol in table.symbols.items()}


def assets_under(book: Book) -> list[Value]:
    """The exact total equity of each portfolio's subscribers, in the order of `book.portfolios`."""
    frame, table = book.frame(), book.account_table
    follows = frame.accounts.portfolio
    assets, portfolios = len(table.symbols), len(frame.portfolios)
    keys = sorted(table.symbols)
    rows, indexes = table.indexes()
    inside = follows[rows] >= 0
    group = follows[rows[inside]] * np.int64(assets) + np.searchsorted(keys, table.asset[indexes[inside]])
    qty = table.qty[indexes[inside]]
    high, low = np.zeros(portfolios * assets, np.int64), np.zeros(portfolios * assets, np.int64)
    np.add.at(high, group, qty >> 32)
    np.add.at(low, group, qty & 0xFFFFFFFF)
    prices = [asset.price or 0 if (asset := book.assets.get(table.symbols[key])) else 0 for key in keys]
    worth = []
    for portfolio in range(portfolios):
        start = portfolio * assets
        cash = sum(frame.accounts.cash[follows == portfolio].tolist()) * NANO
        held = zip(high[start : start + assets].tolist(), low[start : start + assets].tolist(), prices, strict=True)
        worth.append(Value(cash + sum(((top << 32) + rest) * price for top, rest, price in held)))
    return worth


def holdings_of(book: Book, symbol: str) -> list[tuple[str, Qty]]:
    """The id of every account that holds an asset, with its quantity."""
    table = book.account_table
    rows, indexes = table.indexes()
    keys = [key for key, name in table.symbols.items() if name == symbol]
    mine = np.isin(table.asset[indexes], keys)
    held = zip(rows[mine].tolist(), table.qty[indexes[mine]].tolist(), strict=True)
    return [(table.ids[row], Qty(qty)) for row, qty in held]


def concerned(book: Book, symbol: str) -> int:
    """The number of accounts that hold an asset or follow a portfolio that targets it."""
    targets = [symbol in portfolio.weights.symbols for portfolio in book.portfolios.values()]
    found = np.array([*targets, False], np.bool_)[book.frame().accounts.portfolio]
    found[[book.account_table.row_of[account_id] for account_id, _ in holdings_of(book, symbol)]] = True
    return int(np.count_nonzero(found))
