"""Queueing of runs, and cancellation before any order is sent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from rebal_tui.domain.portfolios import Weights
from rebal_tui.domain.quantities import Money
from rebal_tui.domain.runs import Approval, InitiatedFrom, Run, RunPhase, RunStatus, RunType
from rebal_tui.domain.sessions import new_york_day
from rebal_tui.services.book.book import BookTransaction
from rebal_tui.services.runs.quota import release_quota
from rebal_tui.store import audit_digests, blobs, book_settings, runs
from rebal_tui.store.codec import to_time, to_weights
from rebal_tui.store.database import Database
from rebal_tui.store.id_keys import Table, keys
from rebal_tui.store.rows import RowTable


def new_run(
    tx: BookTransaction,
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
    """A new QUEUED run with the book's next id; not stored."""
    book = tx.book
    now = book.now()
    return Run(
        id=book_settings.next_id(tx),
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


def queue_manual_run(tx: BookTransaction, run: Run, why: str, actor: str | None = None) -> None:
    """Store a manual run with its reason `why`, recorded as an action of `actor`.

    An `actor` of None stands for the program, as for the next sale of a withdrawal.
    """
    book = tx.book
    database = book.database
    key = runs.next_key(database)
    row = runs.RunRow(
        key=key,
        id=run.id,
        account=_key(database, "accounts", run.account_id) or 0,
        portfolio=_key(database, "portfolios", run.portfolio_id),
        subscription=_key(database, "subscriptions", run.subscription_id),
        type=run.type.value,
        amount=run.amount,
        initiated_from=run.initiated_from.value,
        approval=run.approval.value,
        why=why,
        weights=blobs.put(tx, to_weights(run.weights)),
        cash_weight=run.weights.cash,
        session=run.session,
        counts_quota=0,
        created_at=to_time(run.created_at),
        updated_at=to_time(run.created_at),
    )
    runs.add(tx, RowTable.of(runs.RunRow, [row]))
    tx.record(audit_digests.QUEUED, run.id, audit_digests.queued_from_store(database, [key]), actor)


def subject_of(some: Sequence[Run]) -> str:
    """The audit subject for some runs: the id of a single run, else the number of runs as text."""
    return some[0].id if len(some) == 1 else f"{len(some)} runs"


def _key(database: Database, table: Table, identity: str | None) -> int | None:
    return keys(database, table, [identity])[identity] if identity else None


def cancel_queued(
    tx: BookTransaction, made: Sequence[Run], reason: str, *, keeps_quota: bool = False, actor: str | None = None
) -> list[Run]:
    """Cancel QUEUED runs with a reason; returns the canceled runs.

    They do not count in the quota unless `keeps_quota` (R-11).
    """
    book = tx.book
    if not made:
        return []
    now = book.now()
    canceled = [
        replace(run, status=RunStatus.CANCELED, phase=RunPhase.DONE, reason=reason, canceled_at=now, updated_at=now)
        for run in made
    ]
    runs.update(tx, zip(made, canceled, strict=True))
    tx.record("runs.canceled", subject_of(made), {"reason": reason, "runs": [run.id for run in made]}, actor)
    if not keeps_quota:
        release_quota(tx, made)
    return canceled
