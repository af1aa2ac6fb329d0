"""Previews of runs that override restrictions, and queueing such a run (R-61)."""

from __future__ import annotations

from collections.abc import Collection

from rebal_tui.domain.runs import Run, RunType
from rebal_tui.services.book.book import Book
from rebal_tui.services.evaluation.history import made_by_band
from rebal_tui.services.evaluation.planning import plan_run
from rebal_tui.services.queries.desk import preview_of
from rebal_tui.services.runs.manual import check_run, create_run
from rebal_tui.services.runs.run_overrides import checked_override
from rebal_tui.services.view_models.desk import PreviewView
from rebal_tui.store import runs


def preview_manual_override(
    book: Book, account_id: str, kind: RunType, restriction_ids: Collection[str], note: str
) -> PreviewView:
    """What the run would do that `run_overriding` creates with these arguments. Raises the same errors."""
    override = checked_override(book, account_id, restriction_ids, note)
    weights = check_run(book, account_id, kind, override=override)
    return preview_of(book, account_id, plan_run(book, account_id, kind, weights, override=override), "manual run")


def run_overriding(book: Book, account_id: str, kind: RunType, restriction_ids: Collection[str], note: str) -> Run:
    """Create a manual run that overrides these restrictions, with a note. Raises the errors of `create_run`."""
    override = checked_override(book, account_id, restriction_ids, note)
    return create_run(book, account_id, kind, override=override)


def preview_queued_override(book: Book, run_id: str, restriction_ids: Collection[str], note: str) -> PreviewView:
    """What a queued run would do if it overrode these restrictions. Raises the errors of `override_queued_run`."""
    run = runs.get(book.database, run_id)
    override = checked_override(book, run.account_id, restriction_ids, note)
    plan = plan_run(
        book, run.account_id, run.type, run.weights, run.amount, by_band=made_by_band(book, run), override=override
    )
    return preview_of(book, run.account_id, plan, "the run, once it is approved")
