"""Assets that a portfolio has and may not hold (R-1), and the alert when the broker reports such an asset (R-58)."""

from __future__ import annotations

from collections.abc import Iterable

from rebal_tui.domain.assets import Asset
from rebal_tui.domain.portfolios import Portfolio, PortfolioStatus
from rebal_tui.services.book.book import Book, BookTransaction
from rebal_tui.store import audit, jobs

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


def eligible_again(book: Book, portfolio: Portfolio) -> tuple[str, ...]:
    """The assets that made a portfolio need adjustment, if it still has that status and all its assets are eligible.

    Empty when the portfolio does not need adjustment, when something in it must still be corrected, or when these
    assets were replaced in it.
    """
    if portfolio.status is not PortfolioStatus.NEEDS_ADJUSTMENT or portfolio.fault:
        return ()
    if ineligible_assets(book, portfolio):
        return ()
    stopped_by = audit.last_detail(book.database, "portfolio.needs_adjustment", portfolio.id).get("assets", ())
    return tuple(symbol for symbol in stopped_by if symbol in portfolio.weights.symbols)


def note_eligibility(tx: BookTransaction, listed: Iterable[Asset]) -> None:
    """Raise an alert for each active portfolio with an asset that is no longer eligible as listed by the broker.

    Close the alert of an active portfolio whose assets are all eligible again. That of a portfolio that needs
    adjustment stays open with another text, as a person must reactivate the portfolio. The portfolio is not changed
    here, but by the evaluation that the asset stops (R-12.6). Must be called before the assets in memory are read
    again.
    """
    book = tx.book
    after = {asset.id: asset for asset in listed}
    before = {identity: book.assets_by_id[identity] for identity in after.keys() & book.assets_by_id.keys()}
    changed = {asset.symbol for identity, asset in before.items() if asset.eligible is not after[identity].eligible}
    if not changed:
        return
    known = {symbol: after.get(asset.id, asset) for symbol, asset in book.assets.items()}
    for portfolio in book.portfolios.values():
        stopped = portfolio.status is PortfolioStatus.NEEDS_ADJUSTMENT
        if stopped and not jobs.is_open(book.database, ALERT, portfolio.id):
            continue
        if portfolio.status is PortfolioStatus.INACTIVE or changed.isdisjoint(portfolio.weights.symbols):
            continue
        held = ((symbol, known[symbol]) for symbol in portfolio.weights.symbols if symbol in known)
        faults = {symbol: asset.ineligibility for symbol, asset in held if not asset.eligible}
        if stopped:
            causes = [*filter(None, [portfolio.fault]), *fault_texts(faults)]
            again = f"{', '.join(sorted(changed & set(portfolio.weights.symbols)))} can be held again; reactivate it"
            text = f"{portfolio.name} needs adjustment: {', '.join(causes) or again}"
            jobs.raise_alert(tx, book.now(), ALERT, portfolio.id, text)
        elif faults:
            text = f"{portfolio.name}: {', '.join(fault_texts(faults))}; replace it before an evaluation needs it"
            jobs.raise_alert(tx, book.now(), ALERT, portfolio.id, text)
        else:
            jobs.clear_alert(tx, ALERT, portfolio.id, book.now())
