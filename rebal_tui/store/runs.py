"""Runs and their timelines."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple

from rebal_tui.domain.errors import NotFound, require
from rebal_tui.domain.quantities import Money
from rebal_tui.domain.runs import RUN_TRANSITIONS, Run, RunPhase, RunStatus, RunType
from rebal_tui.store import asset_renames, codec
from rebal_tui.store.asset_renames import relabeled
from rebal_tui.store.codec import from_time, to_time, to_time_or_none
from rebal_tui.store.database import LISTED, Database, SqlRow, SqlValue, Transaction, listed
from rebal_tui.store.rows import RowTable, assignments, insert


def next_key(database: Database) -> int:
    """The key of the next new run."""
    row = database.row("SELECT coalesce(max(key), 0) + 1 FROM runs")
    return int(row[0]) if row else 1


class PlanRow(NamedTuple):
    """The inputs of a run's plan and the run's start time: money in billionths, times in microseconds.

    `plan_context` is the key of the decision context. `plan_keep` is the cash that a run of the type invest_cash
    leaves, None for other types. `plan_positions` is packed by `codec.to_positions`, `plan_rules` is written by
    `rules_text.to_text`.
    """

    key: int
    started_at: int
    cash_target: int
    plan_context: int
    plan_cash: int
    plan_reserved: int
    plan_keep: int | None
    plan_positions: bytes
    plan_rules: str | None = None


class RunRow(NamedTuple):
    """A run as inserted: keys of other tables, money in billionths, times in microseconds.

    `why` is None for a run that a decision created. `counts_quota` is whether it counts against the quota (R-11),
    `cash_weight` the cash weight of `weights`. The plan's columns, as in `PlanRow`, are None until there is a plan.
    """

    key: int
    id: str
    account: int
    portfolio: int | None
    subscription: int | None
    type: str
    amount: int | None
    initiated_from: str
    approval: str
    why: str | None
    weights: int
    cash_weight: int
    session: str
    counts_quota: int
    created_at: int
    updated_at: int
    status: str = RunStatus.QUEUED.value
    phase: str = RunPhase.WAITING.value
    started_at: int | None = None
    cash_target: int | None = None
    plan_context: int | None = None
    plan_cash: int | None = None
    plan_reserved: int | None = None
    plan_keep: int | None = None
    plan_positions: bytes | None = None
    plan_rules: str | None = None


def as_started(queued: RowTable[RunRow], indexes: Sequence[int], plans: RowTable[PlanRow]) -> RowTable[RunRow]:
    """The rows that `add` of `queued`, followed by `start` of the runs at `indexes`, stores in the file.

    `plans` has one row for each index.
    """
    size, started_at = len(plans), plans.column("started_at")
    return queued.replace_at(
        indexes,
        updated_at=started_at,
        status=[RunStatus.IN_PROGRESS.value] * size,
        phase=[RunPhase.SELLING.value] * size,
        **{name: plans.column(name) for name in PlanRow._fields if name != "key"},
    )


def add(tx: Transaction, rows: RowTable[RunRow]) -> None:
    """Insert runs with keys from `next_key` up.

    Raises `sqlite3.IntegrityError` for an account's second open run or second system run of a session (R-7, R-11).
    """
    tx.executemany(insert("runs", RunRow), rows)


def set_reasons(tx: Transaction, reasons: Iterable[tuple[int, str]]) -> None:
    """Set the reasons of runs, given as (key, text)."""
    tx.executemany("UPDATE runs SET reason = ?2 WHERE key = ?1", list(reasons))


def get(database: Database, run_id: str) -> Run:
    """One run. Raises `NotFound` when it does not exist."""
    row = database.row(f"SELECT {codec.RUN_COLUMNS} FROM {codec.RUN_TABLES} WHERE runs.id = ?", (run_id,))
    if row is None:
        raise NotFound(f"no run {run_id}")
    return read(database, [row])[0]


def open_runs(database: Database) -> list[Run]:
    """Every run that is not final, oldest first."""
    rows = database.rows(
        f"SELECT {codec.RUN_COLUMNS} FROM {codec.RUN_TABLES} WHERE runs.status IN ('QUEUED', 'IN_PROGRESS') "
        "ORDER BY runs.key"
    )
    return read(database, rows)


def open_run(database: Database, account_id: str) -> Run | None:
    """An account's run that is not final; at most one exists (R-7)."""
    row = database.row(
        f"SELECT {codec.RUN_COLUMNS} FROM {codec.RUN_TABLES} WHERE runs.status IN ('QUEUED', 'IN_PROGRESS') "
        "AND accounts.id = ?",
        (account_id,),
    )
    return read(database, [row])[0] if row else None


def newest(database: Database, limit: int, account_id: str | None = None) -> list[Run]:
    """The runs of the book or of one account, newest first, at most `limit`."""
    where = "WHERE accounts.id = ? " if account_id else ""
    parameters: list[SqlValue] = [account_id, limit] if account_id else [limit]
    rows = database.rows(
        f"SELECT {codec.RUN_COLUMNS} FROM {codec.RUN_TABLES} {where}ORDER BY runs.key DESC LIMIT ?", parameters
    )
    return read(database, rows)


def in_ranges(database: Database, ranges: Iterable[Sequence[int]]) -> list[Run]:
    """The runs whose keys are in the ranges (first, last), both included; range by range, by ascending key."""
    return read(
        database,
        [
            row
            for first, last in ranges
            for row in database.rows(
                f"SELECT {codec.RUN_COLUMNS} FROM {codec.RUN_TABLES} "
                f"WHERE runs.key BETWEEN ? AND ? AND {database.listed} ORDER BY runs.key",
                (first, last),
            )
        ],
    )


def key_of(database: Database, run_id: str) -> int | None:
    """The integer key of a run, None when it does not exist. Audit entries about several runs name them by key."""
    row = database.row("SELECT key FROM runs WHERE id = ?", (run_id,))
    return None if row is None else int(row[0])


def read(database: Database, rows: Sequence[SqlRow]) -> list[Run]:
    """Runs from rows of `RUN_COLUMNS`; their weights have the labels that the assets have today (R-50)."""
    found = [codec.to_run(row) for row in rows]
    if not found or not asset_renames.any_renames(database):
        return found
    return [
        replace(run, weights=relabeled(run.weights, labels))
        if (labels := asset_renames.since_run(database, run.id))
        else run
        for run in found
    ]


def page(
    database: Database,
    limit: int,
    *,
    before: int | None = None,
    account_id: str | None = None,
    status: RunStatus | None = None,
    kinds: Sequence[RunType] = (),
) -> list[tuple[int, Run]]:
    """Runs that match every given filter, each as (key, run), newest first.

    With `before`, only runs with keys below it.
    """
    tests = [database.listed]
    values: list[SqlValue] = []
    if before is not None:
        tests.append("runs.key < ?")
        values.append(before)
    if account_id is not None:
        tests.append("accounts.id = ?")
        values.append(account_id)
    if status is not None:
        tests.append("runs.status = ?")
        values.append(status.value)
    if kinds:
        tests.append(f"runs.type IN ({', '.join('?' * len(kinds))})")
        values.extend(kind.value for kind in kinds)
    rows = database.rows(
        f"SELECT {codec.RUN_COLUMNS}, runs.key FROM {codec.RUN_TABLES} WHERE {' AND '.join(tests)} "
        "ORDER BY runs.key DESC LIMIT ?",
        (*values, limit),
    )
    keys = [row[-1] for row in rows]
    return list(zip(keys, read(database, [row[:-1] for row in rows]), strict=True))


def count(database: Database) -> int:
    row = database.row(f"SELECT count(*) FROM runs WHERE {database.listed}")
    return row[0] if row else 0


def update(tx: Transaction, changes: Iterable[tuple[Run, Run]]) -> None:
    """Store new states of runs, given as (before, after).

    Raises `BrokenInvariant` for a transition that `RUN_TRANSITIONS` does not allow.
    """
    tx.executemany(
        "UPDATE runs SET status = ?, phase = ?, approval = ?, reason = ?, cash_target = ?, cancel_requested = ?, "
        "updated_at = ?, started_at = ?, completed_at = ?, canceled_at = ? WHERE id = ?",
        (_changed(before, after) for before, after in changes),
    )


def _changed(before: Run, after: Run) -> Sequence[SqlValue]:
    require(
        after.status is before.status or after.status in RUN_TRANSITIONS[before.status],
        f"run {before.id}: {before.status} cannot become {after.status}",
    )
    return (
        after.status.value, after.phase.value, after.approval.value, after.reason, after.cash_target,
        int(after.cancel_requested), to_time(after.updated_at), to_time_or_none(after.started_at),
        to_time_or_none(after.completed_at), to_time_or_none(after.canceled_at),
        after.id,
    )  # fmt: skip


def uses_quota(database: Database, account_id: str, session: str) -> bool:
    """Whether a run of the account uses its quota of the session, a day as YYYY-MM-DD (R-11)."""
    found = database.row(
        "SELECT 1 FROM runs JOIN accounts ON accounts.key = runs.account "
        "WHERE accounts.id = ? AND session = ? AND counts_quota = 1",
        (account_id, session),
    )
    return found is not None


def release_quota(tx: Transaction, run_ids: Sequence[str]) -> set[str]:
    """Stop counting runs against the quota if they sent no order (R-11); returns the ids of these runs."""
    released = {
        identity
        for (identity,) in tx.rows(
            f"SELECT id FROM runs WHERE id IN {LISTED} AND counts_quota = 1 "
            "AND NOT EXISTS (SELECT 1 FROM orders WHERE orders.run = runs.key AND orders.sent = 1)",
            (listed(run_ids),),
        )
    }
    if released:
        free_quota(tx, released)
    return released


def free_quota(tx: Transaction, run_ids: Iterable[str]) -> None:
    """Stop counting some runs against the quota, whether or not they sent orders (R-11)."""
    tx.execute(f"UPDATE runs SET counts_quota = 0 WHERE id IN {LISTED}", (listed(run_ids),))


def start(tx: Transaction, started: RowTable[PlanRow]) -> None:
    """Set QUEUED runs to IN_PROGRESS, in the phase selling, and store the inputs of their plans.

    Raises `BrokenInvariant` when one of them is not QUEUED.
    """
    cursor = tx.executemany(
        "UPDATE runs SET status = 'IN_PROGRESS', phase = 'selling', updated_at = ?2, "
        f"{assignments(PlanRow, key='key')} WHERE key = ?1 AND status = 'QUEUED'",
        started,
    )
    require(cursor.rowcount == len(started), "only a queued run starts")


def why(database: Database, run_id: str) -> str | None:
    """The reason given for a manual run, None for a run that a decision created."""
    row = database.row("SELECT why FROM runs WHERE id = ?", (run_id,))
    return row[0] if row else None


def note(tx: Transaction, run_id: str, at: datetime, what: str, detail: str = "") -> None:
    """Add an event to a run's timeline, for what the run's states and its plan do not show."""
    tx.execute(
        "INSERT INTO run_events SELECT key, (SELECT coalesce(max(seq), 0) + 1 FROM run_events WHERE run = runs.key), "
        "?, ?, ? FROM runs WHERE id = ?",
        (to_time(at), what, detail, run_id),
    )


def notes(database: Database, run_id: str) -> list[tuple[datetime, str, str]]:
    """The events added to a run's timeline in order, as (time, event, detail)."""
    rows = database.rows(
        "SELECT at, what, detail FROM run_events WHERE run = (SELECT key FROM runs WHERE id = ?) ORDER BY seq",
        (run_id,),
    )
    return [(from_time(at), what, detail) for at, what, detail in rows]


def cash_targets(database: Database) -> dict[tuple[str, int], Money]:
    """The cash target of the last completed run, by account id and the run's cash weight (R-14.7)."""
    return {
        (account_id, cash_weight): Money(target or 0)
        for account_id, cash_weight, target, _ in database.rows(
            "SELECT accounts.id, cash_weight, cash_target, max(runs.key) FROM runs "
            "JOIN accounts ON accounts.key = runs.account "
            "WHERE runs.status IN ('COMPLETED_SUCCESS', 'COMPLETED_ADJUSTED') GROUP BY runs.account, cash_weight"
        )
    }


def system_runs(database: Database) -> dict[str, tuple[str, str]]:
    """The latest run of each account that counts against the quota, as (session, run id), by account id (R-11)."""
    return {
        account_id: (session, run_id)
        for account_id, session, run_id in database.rows(
            "SELECT accounts.id, max(session), runs.id FROM runs JOIN accounts ON accounts.key = runs.account "
            "WHERE counts_quota = 1 GROUP BY runs.account"
        )
    }
