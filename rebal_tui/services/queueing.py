"""Runs into the queue and out of it again, before anything is sent."""

from __future__ import annotations

from dataclasses import replace

from rebal_tui.domain.decisions import Plan
from rebal_tui.domain.portfolios import Weights
from rebal_tui.domain.quantities import Money
from rebal_tui.domain.runs import Approval, InitiatedFrom, Run, RunPhase, RunStatus, RunType
from rebal_tui.domain.sessions import new_york_day
from rebal_tui.services.book import Book
from rebal_tui.store import meta, runs


def new_run(
    book: Book,
    account_id: str,
    kind: RunType,
    weights: Weights,
    initiated_from: InitiatedFrom,
    *,
    portfolio_id: str | None = None,
    subscription_id: str | None = None,
    amount: Money | None = None,
    approval: Approval = Approval.NOT_NEEDED,
) -> Run:
    """A run that is QUEUED now. Must be called inside `database.write()`."""
    now = book.now()
    return Run(
        id=meta.next_id(book.database),
        account_id=account_id,
        portfolio_id=portfolio_id,
        subscription_id=subscription_id,
        type=kind,
        amount=amount,
        initiated_from=initiated_from,
        status=RunStatus.QUEUED,
        phase=RunPhase.WAITING,
        approval=approval,
        reason=None,
        weights=weights,
        session=new_york_day(now).isoformat(),
        cash_target=None,
        cancel_requested=False,
        created_at=now,
        updated_at=now,
    )


def queue(book: Book, run: Run, *, counts_quota: bool, plan: Plan | None, why: str) -> None:
    """Store a new run with its first timeline entry. Must be called inside `database.write()`."""
    runs.add(book.database, run, counts_quota=counts_quota, plan=plan)
    waits = " and awaits approval" if run.approval is Approval.AWAITING else ""
    runs.note(book.database, run.id, run.created_at, "QUEUED", why + waits)
    detail = {"account": run.account_id, "type": run.type, "from": run.initiated_from, "reason": why}
    book.record("run.queued", run.id, detail)


def cancel_queued(book: Book, run: Run, reason: str, *, frees_quota: bool = False, actor: str | None = None) -> Run:
    """QUEUED → CANCELED with a reason. Must be called inside `database.write()`."""
    now = book.now()
    canceled = replace(
        run, status=RunStatus.CANCELED, phase=RunPhase.DONE, reason=reason, canceled_at=now, updated_at=now
    )
    runs.update(book.database, run, canceled, counts_quota=False if frees_quota else None)
    runs.note(book.database, run.id, now, "CANCELED", reason)
    book.record("run.canceled", run.id, {"reason": reason}, actor)
    if frees_quota and book.quota_run(run.account_id, run.session) == run.id:
        del book.system_runs[run.account_id]
    return canceled
