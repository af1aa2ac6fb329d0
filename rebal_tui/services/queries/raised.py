"""From which cash a partial_liquidation raised its amount, and from which a withdrawal is paid (R-23, R-32)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

from rebal_tui.domain.cash import OwnerKind, Withdrawal
from rebal_tui.domain.decisions import Plan
from rebal_tui.domain.orders import Fill, Side
from rebal_tui.domain.quantities import CENT, Money, nearest_cents
from rebal_tui.domain.runs import Run, RunStatus, RunType
from rebal_tui.engine.cash_raising import spare_cash
from rebal_tui.engine.trace_text import money
from rebal_tui.services.view_models.executed import executed_total
from rebal_tui.services.view_models.plan_figures import plan_figures
from rebal_tui.store.audit import AuditEntry


def reserved_by_runs(entries: Iterable[AuditEntry], account_id: str, named: str) -> Money:
    """The cash of an account that its ended runs reserved for a withdrawal, or for the run whose id is `named`.

    `named` is the id of the withdrawal or run, `entries` are the audit entries that contain it.
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
        return "" if plan is None else f"Planned {_parts(run.amount, plan.sold, plan_figures(plan).sold, plan)}."
    # A run that succeeded has raised its amount; its withdrawal may need a part of a cent less.
    succeeded = run.status is RunStatus.COMPLETED_SUCCESS
    raised = run.amount if succeeded else reserved_by_runs(entries, run.account_id, run.id)
    sells = [fill for fill in fills if fill.side is Side.SELL]
    sold = Money(sum(fill.amount for fill in sells))
    return f"Raised {_parts(raised, sold, executed_total(sells), plan)}." if nearest_cents(raised) else ""


def _parts(exact: Money, exact_sold: Money, sold: Money, plan: Plan | None) -> str:
    """The amount raised and where it comes from; `sold` are the proceeds as printed.

    If the cash used is the plan's excess over its cash target, it is the difference of these two as printed. Printed
    amounts lack fractions of cents, which can add up to cents of the total; they are then a part of their own.
    """
    raised, used = nearest_cents(exact), exact - exact_sold
    cash = raised - sold
    if abs(used) < CENT:
        cash = 0
    elif plan is not None and abs(used - spare_cash(plan.cash, plan.cash_target)) < CENT:
        cash = spare_cash(nearest_cents(plan.cash), nearest_cents(plan.cash_target))
    rest = raised - sold - cash
    amounts = ((sold, "sold"), (cash, "from cash"), (rest, "in fractions of a cent"))
    parts = [f"{money(Money(amount))} {source}" for amount, source in amounts if amount > 0]
    text = f"{money(raised)}: {' and '.join(filter(None, (', '.join(parts[:-1]), parts[-1])))}"
    if cash < 0:
        return f"{text}, of which {money(Money(-cash))} stays in cash"
    return f"{text}, of which {money(Money(-rest))} is in fractions of a cent" if rest < 0 else text


def short_text(withdrawal: Withdrawal, entries: Iterable[AuditEntry]) -> str:
    """How much less than its amount a withdrawal's ended runs raised, and which cash pays the rest; empty below a cent.

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
