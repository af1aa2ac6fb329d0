"""The first run of an account under a portfolio that it does not follow yet."""

from __future__ import annotations

from dataclasses import replace

from rebal_tui.domain.runs import RunType
from rebal_tui.services.book.book import Book
from rebal_tui.services.book.rules_view import rules_under
from rebal_tui.services.evaluation.planning import holdings, plan_start
from rebal_tui.services.queries.desk import preview_of
from rebal_tui.services.view_models.desk import PreviewView


def preview_first_run(book: Book, account_id: str, portfolio_id: str) -> PreviewView:
    """The run that an account would get after subscribing to a portfolio (R-14.2). Changes nothing.

    Raises `NotFound` for an unknown account or portfolio, `Conflict` when the account cannot be valued.
    """
    portfolio = book.portfolio(portfolio_id)
    start = holdings(book, account_id)
    # The rules of the new portfolio replace those of the one that the account follows; overrides end with it.
    start = replace(start, rules=rules_under(book, account_id, portfolio, None).to_target())
    plan = plan_start(book, account_id, start, RunType.FULL_REBALANCE, portfolio.weights)
    view = preview_of(book, account_id, plan, "first run after the subscription")
    return replace(view, portfolio=portfolio.name)
