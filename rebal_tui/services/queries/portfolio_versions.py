"""Versions of a portfolio, with what each changed."""

from __future__ import annotations

from itertools import pairwise

from rebal_tui.services.advisory.versions import check_version
from rebal_tui.services.book.book import Book
from rebal_tui.services.parsing.portfolio_body import PortfolioBody
from rebal_tui.services.queries.portfolio_differences import differences
from rebal_tui.services.queries.portfolios import impact
from rebal_tui.services.view_models.portfolio_versions import Difference, VersionView
from rebal_tui.services.view_models.portfolios import Impact
from rebal_tui.store.portfolio_versions import versions


def version_views(book: Book, portfolio_id: str) -> tuple[VersionView, ...]:
    """All versions of a portfolio, newest first, each with its differences from the version before and from the
    present. Raises `NotFound`.
    """
    present = book.portfolio(portfolio_id)
    found = versions(book.database, present)
    changes: list[tuple[Difference, ...]] = [
        differences(older.portfolio, newer.portfolio) for newer, older in pairwise(found)
    ]
    return tuple(
        VersionView(
            one.number, one.at, one.actor, changed, differences(present, one.portfolio), oldest=one is found[-1]
        )
        for one, changed in zip(found, [*changes, ()], strict=True)
    )


def impact_of_version(book: Book, portfolio_id: str, number: int) -> Impact:
    """What returning to a version would do to the subscribers. Raises the errors of `check_version` and `impact`."""
    old = check_version(book, portfolio_id, number).portfolio
    return impact(book, portfolio_id, PortfolioBody.of(old))
