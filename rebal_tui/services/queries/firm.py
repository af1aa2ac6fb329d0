"""The line of totals on the Desk: equity, cash, accounts outside their bands, open orders, dollars traded today."""

from __future__ import annotations

from datetime import datetime, time

import numpy as np

from rebal_tui.domain.quantities import NANO, Money, floor_money, market_value
from rebal_tui.domain.sessions import NEW_YORK
from rebal_tui.engine.arrays.frame import BookFrame
from rebal_tui.engine.arrays.sweep import Group, Sweep
from rebal_tui.services.book.book import Book
from rebal_tui.services.view_models.desk import FirmView
from rebal_tui.store import firm_totals


def firm_view(book: Book, frame: BookFrame, swept: Sweep, upcoming: str) -> FirmView:
    """Totals over every account of the book, at current prices; `upcoming` is the time of the next evaluation as text.

    Equity is a floating-point sum, exact to about 15 digits; the Desk shows three or four of them.
    """
    outside = (swept.groups & int(Group.OUTSIDE)) != 0
    orders, working = _working(book)
    return FirmView(
        equity=_dollars(float(swept.equity.sum())),
        cash=Money(int((frame.accounts.cash // NANO).sum()) * NANO + int((frame.accounts.cash % NANO).sum())),
        outside=int(np.count_nonzero(outside)),
        outside_equity=_dollars(float(swept.equity[outside].sum())),
        working_orders=orders,
        working=working,
        traded_today=firm_totals.traded_since(book.database, datetime.combine(book.today(), time(), NEW_YORK)),
        next_evaluation=upcoming,
    )


def _dollars(amount: float) -> Money:
    return Money(round(amount) * NANO)


def _working(book: Book) -> tuple[int | None, Money]:
    """The number of working orders and their dollars; None when there are too many to sum."""
    if len(book.open_runs) > firm_totals.MAX_RUNS:
        return None, Money(0)
    count, total = 0, 0
    for symbol, number, buys, shares in firm_totals.working_orders(book.database) if book.open_runs else ():
        asset = book.assets.get(symbol)
        sold = floor_money(market_value(shares, asset.price)) if asset is not None and asset.price is not None else 0
        count, total = count + number, total + buys + sold
    return count, Money(total)
