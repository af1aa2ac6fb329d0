"""Runs into the queue and out of it again, before anything is sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from rebal_tui.domain.portfolios import Weights
from rebal_tui.domain.quantities import Money
from rebal_tui.domain.runs import Approval, InitiatedFrom, Run, RunPhase, RunStatus, RunType
from rebal_tui.domain.sessions import new_york_day
from rebal_tui.services.book import Book
from rebal_tui.store import meta, parts, proofs, runs
from rebal_tui.store.codec import to_time, to_weights
from rebal_tui.store.keys import keys
from rebal_tui.store.runs import PlanInputs


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
    run_id: str | None = None,
) -> Run:
    """A run that is QUEUED now, under the book's next id unless one was taken. Must be called inside `write()`."""
    now = book.now()
    return Run(
        id=run_id or meta.next_id(book.database),
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


def queue_by_hand(book: Book, run: Run, why: str) -> None:
    """Store a run that somebody asked for. Must be called inside `database.write()`."""
    record_queued(book, [run], queue(book, [run], counts_quota=False, why=why))


def queue(
    book: Book,
    made: Sequence[Run],
    *,
    counts_quota: bool,
    why: str | None,
    plans: Mapping[str, PlanInputs] | None = None,
) -> list[int]:
    """Store new runs; returns their keys. `why` is None for runs that decisions made, `plans` by run id what is shown
    of those that await approval. Must be called inside `database.write()`, and `record_queued` after it."""
    database = book.database
    account = keys(database, "accounts", (run.account_id for run in made))
    portfolio = keys(database, "portfolios", {run.portfolio_id for run in made if run.portfolio_id})
    subscription = keys(database, "subscriptions", (run.subscription_id for run in made if run.subscription_id))
    distinct = {id(run.weights): run.weights for run in made}
    weights = {number: parts.put(database, to_weights(one)) for number, one in distinct.items()}
    first = runs.next_key(database)
    shown = plans or {}
    runs.add(
        database,
        (
            (
                key, run.id, account[run.account_id], portfolio[run.portfolio_id] if run.portfolio_id else None,
                subscription[run.subscription_id] if run.subscription_id else None, run.type.value, run.amount,
                run.initiated_from.value, run.approval.value, why, weights[id(run.weights)], run.weights.cash,
                run.session, int(counts_quota), to_time(run.created_at), *_plan_values(shown.get(run.id)),
            )
            for key, run in enumerate(made, first)
        ),
    )  # fmt: skip
    return list(range(first, first + len(made)))


def _plan_values(plan: PlanInputs | None) -> tuple[object, ...]:
    return (None,) * 5 if plan is None else (plan.context, plan.cash, plan.reserved, plan.keep, plan.positions)


def record_queued(book: Book, made: Sequence[Run], run_keys: Sequence[int], **told: object) -> None:
    """Put runs and the decisions that made them into the audit trail, once both are stored."""
    if made:
        subject = made[0].id if len(made) == 1 else f"{len(made)} runs"
        book.record(proofs.QUEUED, subject, {**told, **proofs.queued(book.database, run_keys)})


def cancel_queued(
    book: Book, made: Sequence[Run], reason: str, *, frees_quota: bool = False, actor: str | None = None
) -> list[Run]:
    """QUEUED → CANCELED with a reason, for one or many. Must be called inside `database.write()`."""
    if not made:
        return []
    now = book.now()
    canceled = [
        replace(run, status=RunStatus.CANCELED, phase=RunPhase.DONE, reason=reason, canceled_at=now, updated_at=now)
        for run in made
    ]
    runs.update(book.database, zip(made, canceled, strict=True), counts_quota=False if frees_quota else None)
    subject = made[0].id if len(made) == 1 else f"{len(made)} runs"
    book.record("runs.canceled", subject, {"reason": reason, "runs": [run.id for run in made]}, actor)
    for run in made:
        if frees_quota and book.quota_run(run.account_id, run.session) == run.id:
            del book.system_runs[run.account_id]
    return canceled
