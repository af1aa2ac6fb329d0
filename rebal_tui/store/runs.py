"""Runs, their timeline, orders and skipped orders: the outbox."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from rebal_tui.domain.errors import NotFound, require
from rebal_tui.domain.orders import Order, OrderStatus, Side, SkippedOrder, SkipReason
from rebal_tui.domain.quantities import NANO, Money
from rebal_tui.domain.runs import RUN_TRANSITIONS, Run, RunDetail, RunStatus, RunType
from rebal_tui.store import codec
from rebal_tui.store.codec import from_time, to_time, to_time_or_none
from rebal_tui.store.database import LISTED, Database, listed


def next_key(database: Database) -> int:
    """The key that the next new run has. Must be called inside `database.write()`."""
    row = database.row("SELECT coalesce(max(key), 0) + 1 FROM runs")
    return int(row[0]) if row else 1


NewRow = tuple[Any, ...]
"""key, id, account, portfolio, subscription, type, amount, initiated_from, approval, why, weights, cash_weight,
session, counts_quota, created_at, then the plan's context, cash, reserved, keep and positions or five times None."""


def add(database: Database, rows: Iterable[NewRow]) -> None:
    """Insert runs that are QUEUED, under keys from `next_key` on; `why` is None for one that a decision made.

    A second open run or second system run of a session breaks a unique index (R-7, R-11). Must be called inside
    `database.write()`.
    """
    database.connection.executemany(
        "INSERT INTO runs (key, id, account, portfolio, subscription, type, amount, initiated_from, status, phase, "
        "approval, why, weights, cash_weight, session, counts_quota, created_at, updated_at, plan_context, plan_cash, "
        "plan_reserved, plan_keep, plan_positions) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 'QUEUED', 'waiting', ?9, "
        "?10, ?11, ?12, ?13, ?14, ?15, ?15, ?16, ?17, ?18, ?19, ?20)",
        rows,
    )


def get(database: Database, run_id: str) -> Run:
    """One run. Raises `NotFound`."""
    row = database.row(f"SELECT {codec.RUN_COLUMNS} FROM {codec.RUN_TABLES} WHERE runs.id = ?", (run_id,))
    if row is None:
        raise NotFound(f"no run {run_id}")
    return codec.to_run(row)


def open_runs(database: Database) -> list[Run]:
    """Every run that is not final, oldest first."""
    rows = database.rows(
        f"SELECT {codec.RUN_COLUMNS} FROM {codec.RUN_TABLES} WHERE runs.status IN ('QUEUED', 'IN_PROGRESS') "
        "ORDER BY runs.key"
    )
    return [codec.to_run(row) for row in rows]


def open_run(database: Database, account_id: str) -> Run | None:
    """An account's run that is not final; there is one at most (R-7)."""
    row = database.row(
        f"SELECT {codec.RUN_COLUMNS} FROM {codec.RUN_TABLES} WHERE runs.status IN ('QUEUED', 'IN_PROGRESS') "
        "AND accounts.id = ?",
        (account_id,),
    )
    return codec.to_run(row) if row else None


def newest(database: Database, limit: int, account_id: str | None = None) -> list[Run]:
    """The newest runs first, of the book or of one account."""
    where = "WHERE accounts.id = ? " if account_id else ""
    parameters: tuple[Any, ...] = (account_id, limit) if account_id else (limit,)
    rows = database.rows(
        f"SELECT {codec.RUN_COLUMNS} FROM {codec.RUN_TABLES} {where}ORDER BY runs.key DESC LIMIT ?", parameters
    )
    return [codec.to_run(row) for row in rows]


def in_ranges(database: Database, ranges: Iterable[Sequence[int]]) -> list[Run]:
    """The runs whose keys lie in ranges (first, last), in order."""
    return [
        codec.to_run(row)
        for first, last in ranges
        for row in database.rows(
            f"SELECT {codec.RUN_COLUMNS} FROM {codec.RUN_TABLES} WHERE runs.key BETWEEN ? AND ? ORDER BY runs.key",
            (first, last),
        )
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
    """The newest runs with their keys for which every given filter holds; with `before` those of lower keys."""
    tests = ["1"]
    values: list[Any] = []
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
    return [(row[-1], codec.to_run(row[:-1])) for row in rows]


def count(database: Database) -> int:
    row = database.row("SELECT count(*) FROM runs")
    return row[0] if row else 0


def update(database: Database, changes: Iterable[tuple[Run, Run]], *, counts_quota: bool | None = None) -> None:
    """Store the new state of runs as (before, after); each move must be one that `RUN_TRANSITIONS` allows.

    Must be called inside `database.write()`.
    """
    database.connection.executemany(
        "UPDATE runs SET status = ?, phase = ?, approval = ?, reason = ?, cash_target = ?, cancel_requested = ?, "
        "updated_at = ?, started_at = ?, completed_at = ?, canceled_at = ?, counts_quota = coalesce(?, counts_quota) "
        "WHERE id = ?",
        (_changed(before, after, counts_quota) for before, after in changes),
    )


def _changed(before: Run, after: Run, counts_quota: bool | None) -> tuple[Any, ...]:
    require(
        after.status is before.status or after.status in RUN_TRANSITIONS[before.status],
        f"run {before.id}: {before.status} cannot become {after.status}",
    )
    return (
        after.status.value, after.phase.value, after.approval.value, after.reason, after.cash_target,
        int(after.cancel_requested), to_time(after.updated_at), to_time_or_none(after.started_at),
        to_time_or_none(after.completed_at), to_time_or_none(after.canceled_at),
        None if counts_quota is None else int(counts_quota), after.id,
    )  # fmt: skip


PlanRow = tuple[Any, ...]
"""key, started_at, cash_target, then the plan's context, cash, reserved, keep and positions."""


def start(database: Database, started: Sequence[PlanRow]) -> None:
    """Runs that were QUEUED begin to sell, under plans made from these inputs. Must be called inside `write()`."""
    cursor = database.connection.executemany(
        "UPDATE runs SET status = 'IN_PROGRESS', phase = 'selling', started_at = ?2, updated_at = ?2, "
        "cash_target = ?3, plan_context = ?4, plan_cash = ?5, plan_reserved = ?6, plan_keep = ?7, "
        "plan_positions = ?8 WHERE key = ?1 AND status = 'QUEUED'",
        started,
    )
    require(cursor.rowcount == len(started), "only a queued run starts")


def why(database: Database, run_id: str) -> str | None:
    """Why a run was asked for by hand, None for one that a decision made."""
    row = database.row("SELECT why FROM runs WHERE id = ?", (run_id,))
    return row[0] if row else None


def note(database: Database, run_id: str, at: datetime, what: str, detail: str = "") -> None:
    """Add a line to a run's timeline that its states and its plan do not tell."""
    database.connection.execute(
        "INSERT INTO run_events SELECT key, (SELECT coalesce(max(seq), 0) + 1 FROM run_events WHERE run = runs.key), "
        "?, ?, ? FROM runs WHERE id = ?",
        (to_time(at), what, detail, run_id),
    )


def notes(database: Database, run_id: str) -> list[tuple[datetime, str, str]]:
    """What was noted of a run besides its states, in order, as (when, what, detail)."""
    rows = database.rows(
        "SELECT at, what, detail FROM run_events WHERE run = (SELECT key FROM runs WHERE id = ?) ORDER BY seq",
        (run_id,),
    )
    return [(from_time(at), what, detail) for at, what, detail in rows]


OrderRow = tuple[Any, ...]
"""run, line, asset: keys and the place in the run; side, notional, qty; when it was made, in microseconds."""


def add_orders(database: Database, rows: Iterable[OrderRow]) -> None:
    """Write orders, not yet sent. Must be called inside `database.write()`."""
    database.connection.executemany(
        "INSERT INTO orders (run, line, asset, side, notional, qty, status, created_at, updated_at) "
        "VALUES (?1, ?2, ?3, ?4, ?5, ?6, 'pending_new', ?7, ?7)",
        rows,
    )


def orders(database: Database, run_id: str) -> list[tuple[int, Order, bool]]:
    """A run's orders by line, as (line, order, whether it may have been sent)."""
    rows = database.rows(
        f"SELECT {codec.ORDER_COLUMNS}, o.sent FROM {codec.ORDER_TABLES} WHERE runs.id = ? ORDER BY o.line",
        (run_id,),
    )
    return [(row[3], codec.to_order(row[:-1]), bool(row[-1])) for row in rows]


def store_order(database: Database, order: Order) -> bool:
    """Take over what the broker says of one of our orders. A final order never goes back; False when it is not ours."""
    ours = codec.parse_client_order_id(order.client_order_id)
    if ours is None:
        return False
    cursor = database.connection.execute(
        "UPDATE orders SET status = CASE WHEN status IN ('filled', 'rejected', 'expired') "
        "OR (status = 'canceled' AND ? <> 'filled') THEN status ELSE ? END, broker_id = ?, sent = 1, "
        "filled_qty = max(filled_qty, ?), "
        "filled_avg_price = CASE WHEN ? >= filled_qty THEN ? ELSE filled_avg_price END, "
        "reject_reason = coalesce(?, reject_reason), submitted_at = coalesce(submitted_at, ?), updated_at = ?, "
        "filled_at = coalesce(filled_at, ?), expired_at = coalesce(expired_at, ?), "
        "canceled_at = coalesce(canceled_at, ?), failed_at = coalesce(failed_at, ?) "
        "WHERE run = (SELECT key FROM runs WHERE id = ?) AND line = ?",
        (
            order.status.value, order.status.value, order.id, order.filled_qty, order.filled_qty,
            order.filled_avg_price, order.reject_reason, to_time(order.submitted_at), to_time(order.updated_at),
            to_time_or_none(order.filled_at), to_time_or_none(order.expired_at), to_time_or_none(order.canceled_at),
            to_time_or_none(order.failed_at), ours[0], ours[1],
        ),
    )  # fmt: skip
    return cursor.rowcount == 1


def correct_order(database: Database, order: Order) -> None:
    """Make one of our orders what the broker says, be it less than before. Must be called inside `write()`."""
    ours = codec.parse_client_order_id(order.client_order_id)
    if ours is not None:
        database.connection.execute(
            "UPDATE orders SET status = ?, filled_qty = ?, filled_avg_price = ?, updated_at = ? "
            "WHERE run = (SELECT key FROM runs WHERE id = ?) AND line = ?",
            (order.status.value, order.filled_qty, order.filled_avg_price, to_time(order.updated_at), *ours),
        )


def placed(database: Database, client_order_id: str) -> bool:
    """Whether an order is of one of this book's runs, and not merely called like one."""
    ours = codec.parse_client_order_id(client_order_id)
    return ours is not None and (
        database.row("SELECT 1 FROM orders WHERE run = (SELECT key FROM runs WHERE id = ?) AND line = ?", ours)
        is not None
    )


def refuse_order(database: Database, run_id: str, line: int, at: datetime, why: str) -> None:
    """The broker said no: nothing was placed."""
    database.connection.execute(
        "UPDATE orders SET status = 'rejected', reject_reason = ?, failed_at = ?, updated_at = ? "
        "WHERE run = (SELECT key FROM runs WHERE id = ?) AND line = ?",
        (why, to_time(at), to_time(at), run_id, line),
    )


def drop_order(database: Database, run_id: str, line: int) -> None:
    """Remove an order that was never sent, when it is skipped instead."""
    database.connection.execute(
        "DELETE FROM orders WHERE run = (SELECT key FROM runs WHERE id = ?) AND line = ? AND sent = 0", (run_id, line)
    )


def add_skipped(database: Database, run_id: str, skipped: Sequence[SkippedOrder]) -> None:
    """Append skipped orders, one a symbol and side. Must be called inside `database.write()`."""
    if not skipped:
        return
    known = {(s.symbol, s.side) for s in skipped_orders(database, run_id)}
    for order in skipped:
        if (order.symbol, order.side) in known:
            continue
        known.add((order.symbol, order.side))
        database.connection.execute(
            "INSERT INTO skipped_orders SELECT key, (SELECT coalesce(max(line), 0) + 1 FROM skipped_orders "
            "WHERE run = runs.key), ?, ?, ?, ?, ? FROM runs WHERE id = ?",
            (
                order.symbol, order.side.value if order.side else None, order.notional, order.reason.value,
                order.reason_details, run_id,
            ),
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class OrderCounts:
    """A run's orders at a glance; `amount` is what was bought plus what was sold."""

    total: int
    filled: int
    problems: int
    amount: Money


def order_counts(database: Database, run_ids: Sequence[str]) -> dict[str, OrderCounts]:
    """The order counts of runs by id. Problems: orders rejected, canceled, expired or skipped."""
    counts: dict[str, OrderCounts] = {}
    for start in range(0, len(run_ids), 500):
        for identity, total, filled, problems, skipped, amount in database.rows(
            "SELECT id, (SELECT count(*) FROM orders WHERE run = key), "
            "(SELECT count(*) FROM orders WHERE run = key AND status = 'filled'), "
            "(SELECT count(*) FROM orders WHERE run = key AND status IN ('rejected', 'canceled', 'expired')), "
            "(SELECT count(*) FROM skipped_orders WHERE run = key), "
            "(SELECT coalesce(sum(amount), 0) FROM fills WHERE run = key) "
            f"FROM runs WHERE id IN {LISTED}",
            (listed(run_ids[start : start + 500]),),
        ):
            counts[identity] = OrderCounts(total, filled, problems + skipped, Money(amount))
    return counts


def skipped_orders(database: Database, run_id: str) -> list[SkippedOrder]:
    rows = database.rows(
        "SELECT symbol, side, notional, reason, details FROM skipped_orders "
        "WHERE run = (SELECT key FROM runs WHERE id = ?) ORDER BY line",
        (run_id,),
    )
    return [
        SkippedOrder(symbol, Side(side) if side else None, notional, SkipReason(reason), details)
        for symbol, side, notional, reason, details in rows
    ]


def detail(database: Database, run: Run) -> RunDetail:
    """A run with its orders, split as the API splits them."""
    placed = [order for _, order, _ in orders(database, run.id)]
    failed = {OrderStatus.REJECTED}
    return RunDetail(
        run=run,
        orders=tuple(o for o in placed if o.status not in failed),
        failed_orders=tuple(o for o in placed if o.status in failed),
        skipped_orders=tuple(skipped_orders(database, run.id)),
    )


def cash_targets(database: Database) -> dict[tuple[str, int], Money]:
    """The cash target of the last completed run of each account and cash weight (R-14.5)."""
    return {
        (account_id, cash_weight): Money(target or 0)
        for account_id, cash_weight, target, _ in database.rows(
            "SELECT accounts.id, cash_weight, cash_target, max(runs.key) FROM runs "
            "JOIN accounts ON accounts.key = runs.account "
            "WHERE runs.status IN ('COMPLETED_SUCCESS', 'COMPLETED_ADJUSTED') GROUP BY runs.account, cash_weight"
        )
    }


def system_runs(database: Database) -> dict[str, tuple[str, str]]:
    """The latest (session, run id) of each account that counts against its quota (R-11)."""
    return {
        account_id: (session, run_id)
        for account_id, session, run_id in database.rows(
            "SELECT accounts.id, max(session), runs.id FROM runs JOIN accounts ON accounts.key = runs.account "
            "WHERE counts_quota = 1 GROUP BY runs.account"
        )
    }


def looked_up_at(database: Database, run_id: str, line: int) -> datetime | None:
    """When the broker first said that it does not know a sent order; None when it was not asked yet."""
    row = database.row(
        "SELECT looked_up_at FROM orders WHERE run = (SELECT key FROM runs WHERE id = ?) AND line = ?", (run_id, line)
    )
    return codec.from_time_or_none(row[0]) if row else None


def set_looked_up(database: Database, run_id: str, line: int, at: datetime | None) -> None:
    database.connection.execute(
        "UPDATE orders SET looked_up_at = ? WHERE run = (SELECT key FROM runs WHERE id = ?) AND line = ?",
        (to_time_or_none(at), run_id, line),
    )


def traded(database: Database) -> Money:
    """What all runs bought plus what they sold. Summed in two parts, so that no sum is too large for SQLite."""
    row = database.row(f"SELECT sum(amount / {NANO}), sum(amount % {NANO}) FROM fills WHERE run IS NOT NULL")
    dollars, rest = row or (None, None)
    return Money((dollars or 0) * NANO + (rest or 0))
