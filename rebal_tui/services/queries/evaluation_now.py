"""What an evaluation of every account would do now, for the question before it."""

from __future__ import annotations

from rebal_tui.domain.decisions import Outcome
from rebal_tui.services.book.book import Book
from rebal_tui.services.evaluation.account import evaluate_account
from rebal_tui.services.evaluation.review_rule import reviews_every_run
from rebal_tui.services.evaluation.whole_book import decide_book
from rebal_tui.services.queries.status import status_line
from rebal_tui.services.schedule.scheduler import require_window
from rebal_tui.services.view_models.evaluation_now import DueRun, EvaluationNow
from rebal_tui.services.view_models.plan_figures import plan_figures

MAX_LISTED = 200
"""How many runs are listed with their figures; each of them is planned for that."""


def evaluation_now(book: Book) -> EvaluationNow:
    """The runs that an evaluation would create at current prices, the first `MAX_LISTED` of them with their figures.

    Stores and sends nothing. Raises `Conflict` outside the window of a session (R-10).
    """
    require_window(book)
    decided = decide_book(book).made
    rebalances, investments = (decided.where(one) for one in (Outcome.FULL_REBALANCE, Outcome.INVEST_CASH))
    rows = sorted([*rebalances.tolist(), *investments.tolist()])[:MAX_LISTED]
    due = (_due_run(book, book.account_table.ids[row]) for row in rows)
    return EvaluationNow(
        len(rebalances),
        len(investments),
        tuple(run for run in due if run is not None),
        status_line(book).mode,
        reviews_every_run(book),
    )


def _due_run(book: Book, account_id: str) -> DueRun | None:
    decision = evaluate_account(book, account_id)
    plan = decision.plan
    if plan is None:
        return None
    orders = len(plan.sells) + len(plan.buys)
    client = book.accounts[account_id].name
    return DueRun(account_id, client, plan.type, decision.reason, orders, plan_figures(plan).turnover)
