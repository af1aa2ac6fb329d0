"""Who requested a withdrawal, what its runs raised, and from which cash it was paid."""

from __future__ import annotations

from rebal_tui.domain.cash import Withdrawal
from rebal_tui.domain.quantities import nearest_cents
from rebal_tui.domain.runs import Run, RunType
from rebal_tui.services.book.book import Book
from rebal_tui.services.queries.raised import paid_text, raised_text
from rebal_tui.services.reports.audit_index import AuditIndex
from rebal_tui.services.reports.texts import money
from rebal_tui.services.view_models.runs import RunView
from rebal_tui.store import cash


def withdrawal_of(book: Book, run: Run) -> Withdrawal | None:
    """The withdrawal for which a run raised cash, None for a run of another type or of no withdrawal."""
    if run.type is not RunType.PARTIAL_LIQUIDATION:
        return None
    return cash.withdrawal_of_run(book.database, run.id, run.account_id, run.created_at)


def requester(withdrawal: Withdrawal, trail: AuditIndex) -> str:
    """Who requested a withdrawal; empty without an audit entry."""
    asked = (entry for entry in trail.about([withdrawal.id]) if entry.action == "withdrawal.requested")
    return next((entry.actor for entry in asked), "")


def raised_note(view: RunView, trail: AuditIndex) -> str:
    """A sentence on how much cash an ended run raised, from sells and from cash.

    Empty for a run in progress, and for one that was not to raise cash or reserved none.
    """
    return raised_text(view.run, view.plan, view.fills, trail.about([view.run.id])) if view.run.status.final else ""


def paid_note(book: Book, withdrawal_id: str, trail: AuditIndex) -> tuple[str, ...]:
    """A note on what a completed withdrawal paid, and from which cash."""
    withdrawal = cash.withdrawal(book.database, withdrawal_id)
    paid = nearest_cents(withdrawal.amount)
    return (f"Paid {money(paid)}: {paid_text(withdrawal, trail.about([withdrawal_id]))}.",)
