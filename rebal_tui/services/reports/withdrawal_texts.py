"""Who requested a withdrawal, what its runs raised, and from which cash it was paid."""

from __future__ import annotations

import json

from rebal_tui.domain.cash import OwnerKind, Withdrawal
from rebal_tui.domain.orders import Side
from rebal_tui.domain.quantities import CENT, Money, whole_cents
from rebal_tui.domain.runs import Run, RunType
from rebal_tui.services.book.book import Book
from rebal_tui.services.reports.audit_index import AuditIndex
from rebal_tui.services.reports.texts import money
from rebal_tui.services.view_models.executed import executed_total
from rebal_tui.services.view_models.runs import RunView
from rebal_tui.store import cash

_ALL = 2**62


def withdrawal_of(book: Book, run: Run) -> Withdrawal | None:
    """The withdrawal that a run sold for, None for a run of another type.

    A withdrawal stores only the last of its runs. An earlier one is found by account and time, as an account has one
    withdrawal at a time.
    """
    if run.type is not RunType.PARTIAL_LIQUIDATION:
        return None
    of_account = [one for one in cash.withdrawals(book.database, limit=_ALL) if one.account_id == run.account_id]
    for one in of_account:
        if one.run_id == run.id or (one.rounds > 1 and one.created_at <= run.created_at <= one.updated_at):
            return one
    return None


def requester(withdrawal: Withdrawal, trail: AuditIndex) -> str:
    """Who requested a withdrawal; empty without an audit entry."""
    asked = (entry for entry in trail.about([withdrawal.id]) if entry.action == "withdrawal.requested")
    return next((entry.actor for entry in asked), "")


def raised_text(view: RunView, trail: AuditIndex) -> str:
    """`Raised $5,788.99: $5,357.44 sold and $431.55 from cash.`; empty for a run that reserved nothing."""
    raised = _reserved(view.run.account_id, view.run.id, trail)
    if not raised:
        return ""
    sells = [fill for fill in view.fills if fill.side is Side.SELL]
    whole, sold = whole_cents(raised), executed_total(sells)
    if sold > whole:
        return f"Raised {money(whole)}: {money(sold)} sold, of which {money(Money(sold - whole))} stays in cash."
    # The printed amounts of the orders lack fractions of cents, which can add up to cents of the total.
    source = "from cash" if raised - sum(fill.amount for fill in sells) >= CENT else "in fractions of a cent"
    rest = f" and {money(Money(whole - sold))} {source}" if whole > sold else ""
    return f"Raised {money(whole)}: {money(sold)} sold{rest}."


def paid_note(book: Book, withdrawal_id: str, trail: AuditIndex) -> tuple[str, ...]:
    """What a completed withdrawal paid, and from which cash."""
    withdrawal = cash.withdrawal(book.database, withdrawal_id)
    paid, reserved = whole_cents(withdrawal.amount), _reserved(withdrawal.account_id, withdrawal_id, trail)
    raised = min(paid, whole_cents(reserved))
    rest = paid - raised
    parts = [f"{money(raised)} raised and reserved by runs"] if raised else []
    parts += [f"{money(Money(rest))} from the account's other cash"] if rest else []
    return (f"Paid {money(paid)}: {' and '.join(parts)}.",)


def _reserved(account_id: str, named: str, trail: AuditIndex) -> Money:
    """What ended runs reserved of an account's cash, by the audit entries that name a run or a withdrawal."""
    found = 0
    for entry in trail.about([named]):
        if entry.action == "runs.ended":
            reserved = json.loads(entry.detail).get("reserved", ())
            found += sum(
                amount
                for account, kind, owner, amount in reserved
                if account == account_id and (kind == OwnerKind.WITHDRAWAL.value or owner == named)
            )
    return Money(found)
