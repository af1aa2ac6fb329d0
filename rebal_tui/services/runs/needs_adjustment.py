"""Portfolios with an ineligible asset (R-12.6, R-26)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from rebal_tui.domain.portfolios import Portfolio, PortfolioStatus
from rebal_tui.domain.runs import RunStatus
from rebal_tui.services.book.book import BookTransaction
from rebal_tui.services.runs.queueing import cancel_queued
from rebal_tui.store import jobs, portfolios, runs


def mark_needs_adjustment(tx: BookTransaction, portfolio_id: str, culprits: Sequence[str]) -> Portfolio | None:
    """Set a portfolio to NEEDS_ADJUSTMENT for ineligible assets, cancel its QUEUED runs, raise an alert (R-12.6, R-26).

    Returns None, and changes nothing, when the portfolio is not active.
    """
    book = tx.book
    portfolio = portfolios.load(book.database)[portfolio_id]
    if portfolio.status is not PortfolioStatus.ACTIVE:
        return None
    now = book.now()
    changed = replace(portfolio, status=PortfolioStatus.NEEDS_ADJUSTMENT, updated_at=now)
    portfolios.save(tx, changed)
    names = ", ".join(culprits)
    tx.record("portfolio.needs_adjustment", portfolio_id, {"assets": list(culprits)})
    text = f"{portfolio.name} needs adjustment: {names} cannot be held"
    jobs.raise_alert(tx, now, "needs_adjustment", portfolio_id, text)
    waiting = [
        run
        for run in runs.open_runs(book.database)
        if run.portfolio_id == portfolio_id and run.status is RunStatus.QUEUED
    ]
    cancel_queued(tx, waiting, f"portfolio {portfolio.name} needs adjustment: {names}")
    tx.reload_portfolios()
    tx.reload_runs()
    return changed
