"""Portfolios that need adjustment: an asset is ineligible (R-12.6, R-26), or stored fields break R-4 or R-5."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from rebal_tui.domain.portfolios import Portfolio, PortfolioStatus
from rebal_tui.domain.runs import RunStatus
from rebal_tui.services.book.book import Book, BookTransaction
from rebal_tui.services.book.ineligible_assets import ALERT
from rebal_tui.services.runs.queueing import cancel_queued
from rebal_tui.store import jobs, portfolios, runs


def mark_needs_adjustment(tx: BookTransaction, portfolio_id: str, culprits: Sequence[str]) -> Portfolio | None:
    """Set a portfolio to NEEDS_ADJUSTMENT for ineligible assets, cancel its QUEUED runs, raise an alert (R-12.6, R-26).

    `culprits` are the labels of these assets. Returns the changed portfolio; None, and changes nothing, when it is not
    active.
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
    _stop(tx, portfolio, f"{names} cannot be bought", f"needs adjustment: {names}")
    return changed


def stop_invalid_portfolios(book: Book) -> None:
    """When a book is opened: set active portfolios that break R-4 or R-5 to NEEDS_ADJUSTMENT, with an alert."""
    for portfolio in portfolios.invalid_active(book.database):
        with book.write() as tx:
            portfolios.set_status(tx, portfolio.id, PortfolioStatus.NEEDS_ADJUSTMENT, book.now())
            tx.record("portfolio.needs_adjustment", portfolio.id, {"fault": portfolio.fault})
            _stop(tx, portfolio, portfolio.fault, f"needs adjustment: {portfolio.fault}")


def _stop(tx: BookTransaction, portfolio: Portfolio, why: str, reason: str) -> None:
    """Raise the alert of a portfolio that needs adjustment, with text `why`; cancel its QUEUED runs with `reason`."""
    book = tx.book
    text = f"{portfolio.name} needs adjustment: {why}"
    jobs.raise_alert(tx, book.now(), ALERT, portfolio.id, text)
    waiting = [
        run
        for run in runs.open_runs(book.database)
        if run.portfolio_id == portfolio.id and run.status is RunStatus.QUEUED
    ]
    cancel_queued(tx, waiting, f"portfolio {portfolio.name} {reason}")
    tx.reload_portfolios()
    tx.reload_runs()
