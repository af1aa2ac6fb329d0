"""From which cash a partial_liquidation raised its amount, and from which a withdrawal is paid (R-23, R-32)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

from rebal_tui.domain.cash import OwnerKind, Withdrawal
from rebal_tui.domain.decisions import Plan
from rebal_tui.domain.orders import Fill, Side
from rebal_tui.domain.quantities import CENT, Money, nearest_cents
from rebal_tui.domain.runs import Run, RunStatus, RunType
from rebal_tui.engine.trace_text import money
from rebal_tui.services.view_models.executed import executed_total
from rebal_tui.services.view_models.plan_figures import plan_figures
from rebal_tui.store.audit import AuditEntry


def reserved_by_runs(entries: Iterable[AuditEntry], account_id: str, named: str) -> Money:
    """What ended runs reserved of an account's cash, for a withdrawal or for the run with the id `named`.

    `entries` are the audit entries that name the withdrawal or the run.
    """
    found = 0
    for entry in entries:
        if entry.action == "runs.ended":
            reserved = json.loads(entry.detail).get("reserved", ())
            found += sum(
                amount
                for account, kind, owner, amount in reserved
                if account == account_id and (kind == OwnerKind.WITHDRAWAL.value or owner == named)
            )
    return Money(found)


def raised_text(run: Run, plan: Plan | None, fills: Sequence[Fill], entries: Iterable[AuditEntry]) -> str:
    """`Raised $5,788.99: $5,357.44 sold and $431.55 from cash.`; empty for a run that reserved nothing.

    Before the run has ended, what its plan would raise; empty without a plan. `entries` are the audit entries that name
    the run; they are not read if the run succeeded.
    """
    if run.type is not RunType.PARTIAL_LIQUIDATION or run.amount is None:
        return ""
    if not run.status.final:
        planned = None if plan is None else plan_figures(plan).sold
        return "" if planned is None else f"Planned {_parts(nearest_cents(run.amount), planned)}."
    # A run that succeeded has raised its amount; its withdrawal may need a part of a cent less.
    succeeded = run.status is RunStatus.COMPLETED_SUCCESS
    exact = run.amount if succeeded else reserved_by_runs(entries, run.account_id, run.id)
    sells = [fill for fill in fills if fill.side is Side.SELL]
    raised, sold = nearest_cents(exact), executed_total(sells)
    # The printed amounts lack fractions of cents, which can add up to cents of the total.
    rounding = abs(exact - sum(fill.amount for fill in sells)) < CENT
    return f"Raised {_parts(raised, sold, rounding=rounding)}." if raised else ""


def _parts(raised: Money, sold: Money, *, rounding: bool = False) -> str:
    """The amount raised and where it comes from; with `rounding`, the difference is only that of printed amounts."""
    source = "in fractions of a cent" if rounding else "from cash"
    if sold > raised:
        rest = "is in fractions of a cent" if rounding else "stays in cash"
        return f"{money(raised)}: {money(sold)} sold, of which {money(Money(sold - raised))} {rest}"
    parts = [f"{money(sold)} sold"] if sold else []
    parts += [f"{money(Money(raised - sold))} {source}"] if raised > sold else []
    return f"{money(raised)}: {' and '.join(parts)}"


def short_text(withdrawal: Withdrawal, entries: Iterable[AuditEntry]) -> str:
    """The shortfall of a withdrawal after its ended runs and the cash that pays it, as text; empty below a cent.

    `entries` are the audit entries that name the withdrawal, up to the end of the last of these runs.
    """
    wanted = nearest_cents(withdrawal.amount)
    raised = nearest_cents(reserved_by_runs(entries, withdrawal.account_id, withdrawal.id))
    if raised >= wanted:
        return ""
    rest = money(Money(wanted - raised))
    return (
        f"{money(raised)} of {money(wanted)} raised and reserved; the account's other cash is to pay {rest}, and if it "
        "cannot, more is sold"
    )


def paid_text(withdrawal: Withdrawal, entries: Iterable[AuditEntry]) -> str:
    """`$4,993.15 reserved by its runs and $6.85 from the account's other cash`: the amount of a withdrawal.

    `entries` are the audit entries that name the withdrawal.
    """
    paid = nearest_cents(withdrawal.amount)
    raised = min(paid, nearest_cents(reserved_by_runs(entries, withdrawal.account_id, withdrawal.id)))
    rest = paid - raised
    parts = [f"{money(raised)} reserved by its runs"] if raised else []
    parts += [f"{money(Money(rest))} from the account's other cash"] if rest else []
    return " and ".join(parts)
