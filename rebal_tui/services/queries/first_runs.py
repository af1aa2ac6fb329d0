"""The first run of an account under a portfolio that it does not follow yet."""

from __future__ import annotations

from dataclasses import replace

from rebal_tui.domain.runs import RunType
from rebal_tui.services.book.book import Book
from rebal_tui.services.evaluation.planning import plan_run
from rebal_tui.services.queries.desk import preview_of
from rebal_tui.services.view_models.desk import PreviewView


def preview_first_run(book: Book, account_id: str, portfolio_id: str) -> PreviewView:
    """The run that an account would get after subscribing to a portfolio (R-14.2). Changes nothing.

    Raises `NotFound` for an unknown account or portfolio, `Conflict` when the account cannot be valued.
    """
    portfolio = book.portfolio(portfolio_id)
    plan = plan_run(book, account_id, RunType.FULL_REBALANCE, portfolio.weights)
    view = preview_of(book, account_id, plan, "first run after the subscription")
    return replace(view, portfolio=portfolio.name)
