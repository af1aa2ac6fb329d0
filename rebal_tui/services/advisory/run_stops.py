"""Destination and scope of a portfolio: where its drift-band runs stop (R-62), and which assets they trade (R-63)."""

from __future__ import annotations

from dataclasses import replace

from rebal_tui.domain.errors import Conflict
from rebal_tui.domain.portfolios import Destination, Portfolio, PortfolioStatus, RebalanceScope
from rebal_tui.services.advisory.portfolios import store_change
from rebal_tui.services.book.book import Book


def set_run_stops(book: Book, portfolio_id: str, destination: Destination, scope: RebalanceScope) -> Portfolio:
    """Set destination and scope of a portfolio; they apply from the next evaluation on.

    Raises `NotFound`, and `Conflict` for an inactive portfolio and when nothing would change.
    """
    before = book.portfolio(portfolio_id)
    if before.status is PortfolioStatus.INACTIVE:
        raise Conflict(f"portfolio {before.name} is inactive; reactivate it first")
    if (before.rebalance_to, before.rebalance_scope) == (destination, scope):
        raise Conflict(f"runs of {before.name} already stop there")
    after = replace(before, rebalance_to=destination, rebalance_scope=scope, updated_at=book.now())
    detail = {"rebalance_to": destination.value, "rebalance_scope": scope.value}
    return store_change(book, before, after, "portfolio.updated", detail)
