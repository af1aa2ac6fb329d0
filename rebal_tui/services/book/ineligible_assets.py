"""Assets that a portfolio has and may not hold (R-1), and the alert when the broker reports such an asset (R-58)."""

from __future__ import annotations

from collections.abc import Iterable

from rebal_tui.domain.assets import Asset
from rebal_tui.domain.portfolios import Portfolio, PortfolioStatus
from rebal_tui.services.book.book import Book, BookTransaction
from rebal_tui.store import jobs

ALERT = "needs_adjustment"
"""Kind of the alert about a portfolio with an asset that it may not hold; its subject is the portfolio."""


def ineligible_assets(book: Book, portfolio: Portfolio) -> dict[str, str]:
    """By symbol, why an asset of a portfolio is not eligible, as display text; eligible assets are left out.

    An asset that the book does not know is not eligible.
    """
    states = ((symbol, book.assets.get(symbol)) for symbol in portfolio.weights.symbols)
    return {
        symbol: asset.ineligibility if asset is not None else "unknown"
        for symbol, asset in states
        if asset is None or not asset.eligible
    }


def fault_texts(faults: dict[str, str]) -> list[str]:
    """A text such as `ESGU is not tradable` for each asset in a result of `ineligible_assets`."""
    return [f"{symbol} is {why}" for symbol, why in faults.items()]


def note_eligibility(tx: BookTransaction, listed: Iterable[Asset]) -> None:
    """Raise an alert for each active portfolio with an asset that is no longer eligible as listed by the broker.

    Close the alert of an active portfolio whose assets are all eligible again. The portfolio is not changed here, but
    by the evaluation that the asset stops (R-12.6). Must be called before the assets in memory are read again.
    """
    book = tx.book
    after = {asset.id: asset for asset in listed}
    before = {identity: book.assets_by_id[identity] for identity in after.keys() & book.assets_by_id.keys()}
    changed = {asset.symbol for identity, asset in before.items() if asset.eligible is not after[identity].eligible}
    if not changed:
        return
    known = {symbol: after.get(asset.id, asset) for symbol, asset in book.assets.items()}
    for portfolio in book.portfolios.values():
        if portfolio.status is not PortfolioStatus.ACTIVE or changed.isdisjoint(portfolio.weights.symbols):
            continue
        held = ((symbol, known[symbol]) for symbol in portfolio.weights.symbols if symbol in known)
        faults = {symbol: asset.ineligibility for symbol, asset in held if not asset.eligible}
        if faults:
            text = f"{portfolio.name}: {', '.join(fault_texts(faults))}; replace it before an evaluation needs it"
            jobs.raise_alert(tx, book.now(), ALERT, portfolio.id, text)
        else:
            jobs.clear_alert(tx, ALERT, portfolio.id, book.now())
