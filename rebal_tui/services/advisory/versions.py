"""Return to an earlier version of a portfolio."""

from __future__ import annotations

from dataclasses import replace

from rebal_tui.domain.errors import Conflict, NotFound
from rebal_tui.domain.portfolios import Portfolio, PortfolioStatus
from rebal_tui.services.advisory.portfolios import change_time, require_eligible, require_valid, store_change
from rebal_tui.services.book.book import Book
from rebal_tui.store.portfolio_versions import PortfolioVersion, same_content, versions


def version_of(book: Book, portfolio_id: str, number: int) -> PortfolioVersion:
    """One version of a portfolio. Raises `NotFound`."""
    portfolio = book.portfolio(portfolio_id)
    found = next((one for one in versions(book.database, portfolio) if one.number == number), None)
    if found is None:
        raise NotFound(f"portfolio {portfolio.name} has no version {number}")
    return found


def check_version(book: Book, portfolio_id: str, number: int) -> PortfolioVersion:
    """The version, if `go_back` can return to it; otherwise raises the error of `go_back`. Changes nothing."""
    before, version = book.portfolio(portfolio_id), version_of(book, portfolio_id, number)
    if before.status is PortfolioStatus.INACTIVE:
        raise Conflict(f"portfolio {before.name} is inactive; reactivate it first")
    if same_content(before, version.portfolio):
        raise Conflict(f"version {number} of {before.name} is its present content")
    require_valid(version.portfolio)
    require_eligible(book, version.portfolio.weights)
    return version


def go_back(book: Book, portfolio_id: str, number: int) -> Portfolio:
    """Give a portfolio the content of an earlier version, as a new version.

    The content applies from the next evaluation on (R-17). Raises `NotFound`, and `Conflict` for an inactive portfolio,
    for content that it has already, and for content that is not valid or eligible today (R-4, R-5).
    """
    version = check_version(book, portfolio_id, number)
    before, old = book.portfolio(portfolio_id), version.portfolio
    revised = before.revised(old.weights, old.conditions, old.cooldown_days, change_time(book, portfolio_id))
    after = replace(
        old,
        status=PortfolioStatus.ACTIVE,
        fault="",
        changed_at=revised.changed_at,
        updated_at=book.now(),
    )
    return store_change(book, before, after, "portfolio.updated", {"version": number})
