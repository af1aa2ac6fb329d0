"""Data of the Review screen: the queue of runs that await approval, and approval or rejection in bulk (R-27)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from rebal_tui.domain.decisions import Plan
from rebal_tui.domain.errors import Conflict, PlanChanged, Refusal
from rebal_tui.domain.portfolios import PortfolioStatus
from rebal_tui.domain.text import fold
from rebal_tui.services.book.book import Book
from rebal_tui.services.evaluation.history import current_plan, plan_of, why_created
from rebal_tui.services.evaluation.planning import same_orders
from rebal_tui.services.evaluation.review_rule import reviews_every_run
from rebal_tui.services.files_book.list_numbers import waits_for_list
from rebal_tui.services.queries.desk import preview_of
from rebal_tui.services.queries.runs import rows_of
from rebal_tui.services.runs import manual as manual_runs
from rebal_tui.services.view_models.accounts import BulkResult
from rebal_tui.services.view_models.review import ReviewScope, ReviewSnapshot, ReviewView
from rebal_tui.store import runs as store


def review_snapshot(book: Book) -> ReviewSnapshot:
    """Every run that awaits approval, oldest first."""
    waiting = [run for run in book.open_runs.values() if run.awaits_approval]
    waiting.sort(key=lambda run: (run.created_at, fold(book.accounts[run.account_id].name), run.id))
    return ReviewSnapshot(book.version, rows_of(book, waiting), reviews_every_run(book), waits_for_list(book))


def review_scope(book: Book) -> ReviewScope:
    """Which automatic runs wait for approval, and which would if the book's policy changed (R-27, R-67, R-73)."""
    active = [one for one in book.portfolios.values() if one.status is PortfolioStatus.ACTIVE]
    accounts = [one.review for one in book.rules_view.overrides.values()]
    return ReviewScope(
        everything=reviews_every_run(book),
        fixed=book.settings.one_list,
        portfolios=len(active),
        own=sum(one.review for one in active),
        exempt=accounts.count(False),
        required=accounts.count(True),
    )


def review_view(book: Book, run_id: str) -> ReviewView:
    """A run that awaits approval, with its plan at current prices.

    Raises `NotFound`, and `Conflict` when the run does not await approval.
    """
    run = store.get(book.database, run_id)
    if not run.awaits_approval:
        raise Conflict(f"run {run_id[:8]} does not wait for approval any more: it is {run.status}")
    plan = current_plan(book, run)
    stored = plan_of(book.database, run)
    session = book.calendar.at(run.created_at)
    return ReviewView(
        row=rows_of(book, [run])[0],
        preview=preview_of(book, run.account_id, plan, why_created(book.database, run)),
        changed=stored is None or not same_orders(stored, plan),
        until=session.window_end if session and not book.settings.one_list else None,
    )


def approve(book: Book, run_id: str, shown: Plan, note: str = "") -> str:
    """Approve a run with the plan that was shown to the advisor; returns the new status of the run.

    Raises `PlanChanged` when the plan at current prices differs from `shown`; nothing is sent then.
    """
    try:
        return manual_runs.approve_run(book, run_id, shown, note).status
    except PlanChanged:
        # The stored plan was older. The current plan is stored now, and may be the one that was shown.
        renewed = plan_of(book.database, store.get(book.database, run_id))
        if renewed is None or not same_orders(shown, renewed):
            raise
        return manual_runs.approve_run(book, run_id, shown, note).status


def approve_all(book: Book, shown: Mapping[str, Plan], note: str = "") -> tuple[BulkResult, ...]:
    """Approve several runs; a refusal for one does not affect the others.

    `shown` has the plan of each run that was shown to the advisor, by run id. The results are in the order of `shown`.
    """
    return tuple(_one(book, run_id, partial(approve, book, run_id, plan, note)) for run_id, plan in shown.items())


def reject_all(book: Book, run_ids: Sequence[str], note: str) -> tuple[BulkResult, ...]:
    """Reject several runs with one note; a refusal for one does not affect the others. The results are in the order of
    `run_ids`.
    """
    return tuple(_one(book, run_id, partial(manual_runs.reject_run, book, run_id, note)) for run_id in run_ids)


def _one(book: Book, run_id: str, do: Callable[[], object]) -> BulkResult:
    """The result for one run of a bulk action: client name and any refusal. Raises `NotFound` for an unknown run."""
    run = store.get(book.database, run_id)
    refusal = ""
    try:
        do()
    except Refusal as error:
        refusal = str(error)
    return BulkResult(run.account_id, book.account(run.account_id).name, refusal)
