"""Restrictions that one run overrides, with a note that is required and recorded (R-61)."""

from __future__ import annotations

from collections.abc import Collection

from rebal_tui.domain.errors import Conflict, Fault, Invalid
from rebal_tui.domain.runs import Run, RunStatus
from rebal_tui.domain.text import MAX_NOTE_LENGTH, display_text
from rebal_tui.domain.trading_rules import RunOverride
from rebal_tui.services.book.book import ADVISOR, Book, BookTransaction
from rebal_tui.services.book.rules_view import rules_of
from rebal_tui.services.evaluation.history import current_plan, store_plan
from rebal_tui.services.parsing.fields import shown
from rebal_tui.store import run_overrides, runs


def checked_override(
    book: Book, account_id: str, restriction_ids: Collection[str], note: str, *, at: str = ""
) -> RunOverride:
    """The override of restrictions that are in force for an account today, with its note cleaned for storing.

    Raises `NotFound` for an unknown account; `Invalid` for the field `restrictions` if no id is given or one is not in
    force, and for the field `note` without a note. `at` is a prefix of both field names.
    """
    book.account(account_id)
    faults = []
    known = {one.id for one in rules_of(book, account_id).restrictions}
    unknown = [one for one in restriction_ids if one not in known]
    if unknown or not restriction_ids:
        text = f"no restriction {shown(unknown[0])} holds for the account" if unknown else "expected one or more"
        faults.append(Fault(f"{at}restrictions", text))
    text = ""
    try:
        text = display_text(note.strip(), MAX_NOTE_LENGTH)
    except ValueError as error:
        faults.append(Fault(f"{at}note", str(error)))
    else:
        if not text:
            faults.append(Fault(f"{at}note", "expected a note with the reason"))
    if faults:
        raise Invalid(faults)
    return RunOverride(tuple(dict.fromkeys(restriction_ids)), text, book.actor(ADVISOR))


def override_queued_run(book: Book, run_id: str, restriction_ids: Collection[str], note: str) -> Run:
    """Let a QUEUED run ignore these restrictions, in place of those it ignored before; a run in review stays in review.

    Returns the run. Raises the errors of `checked_override`, and `Conflict` when the run is not QUEUED or cannot be
    planned with the override.
    """
    run = runs.get(book.database, run_id)
    if run.status is not RunStatus.QUEUED:
        raise Conflict(f"run {run_id} is {run.status}; only a queued run can override a restriction")
    override = checked_override(book, run.account_id, restriction_ids, note)
    with book.write() as tx:
        record_override(tx, run, override)
        current_plan(book, run)
        if run.awaits_approval:
            store_plan(tx, run)
        tx.reload_run(run.account_id)
    return runs.get(book.database, run_id)


def record_override(tx: BookTransaction, run: Run, override: RunOverride) -> None:
    """Store the restrictions that a stored run ignores, also in the run's timeline and in the audit trail."""
    now = tx.book.now()
    known = {one.id: one for one in tx.book.rules_view.restrictions}
    some = [known[one] for one in override.restriction_ids]
    run_overrides.put(tx, run.id, override, now)
    named = "; ".join(one.named for one in some)
    runs.note(tx, run.id, now, "restriction overridden", f"{named}: {override.note}")
    detail = {
        "account": run.account_id,
        "restrictions": [[one.id, one.kind.value, one.symbol, one.reason] for one in some],
        "note": override.note,
    }
    tx.record("run.overridden", run.id, detail, ADVISOR)
