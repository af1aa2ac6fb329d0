"""Orders and skipped orders of runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from rebal_tui.domain.orders import Order, OrderStatus, Side, SkippedOrder, SkipReason
from rebal_tui.domain.quantities import CENT, Money, Qty
from rebal_tui.domain.runs import Run, RunDetail
from rebal_tui.store import archives, codec
from rebal_tui.store.codec import to_time, to_time_or_none
from rebal_tui.store.database import LISTED, Database, Transaction, listed
from rebal_tui.store.rows import RowTable, insert


class OrderRow(NamedTuple):
    """An unsent order of a run as inserted: keys of the run and the asset, and its line in the run.

    Dollars or shares are in billionths, times in microseconds.
    """

    run: int
    line: int
    asset: int
    side: str
    notional: int | None
    qty: int | None
    created_at: int
    updated_at: int
    status: str = OrderStatus.PENDING_NEW.value


def add(tx: Transaction, rows: RowTable[OrderRow]) -> None:
    """Insert orders that are not yet sent."""
    tx.executemany(insert("orders", OrderRow), rows)


def of_run(database: Database, run_id: str) -> list[tuple[int, Order, bool]]:
    """A run's orders by line, as (line, order, whether it may have been sent)."""
    rows = database.rows(
        f"SELECT {codec.ORDER_COLUMNS}, o.sent FROM {codec.ORDER_TABLES} WHERE runs.id = ? ORDER BY o.line",
        (run_id,),
    )
    return [(row[3], codec.to_order(row[:-1]), bool(row[-1])) for row in rows]


def store(tx: Transaction, order: Order) -> bool:
    """Apply the broker's state of one of this book's orders; False when the order is not in this book.

    A final status stays, except that a canceled order may become filled. `filled_qty` never decreases.
    """
    ours = codec.parse_client_order_id(order.client_order_id)
    if ours is None:
        return False
    cursor = tx.execute(
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


def correct(tx: Transaction, order: Order) -> None:
    """Overwrite one of this book's orders with the broker's state, even when its filled quantity is lower."""
    ours = codec.parse_client_order_id(order.client_order_id)
    if ours is not None:
        tx.execute(
            "UPDATE orders SET status = ?, filled_qty = ?, filled_avg_price = ?, updated_at = ? "
            "WHERE run = (SELECT key FROM runs WHERE id = ?) AND line = ?",
            (order.status.value, order.filled_qty, order.filled_avg_price, to_time(order.updated_at), *ours),
        )


def placed(database: Database, client_order_id: str) -> bool:
    """Whether this book or its archive has the order with a client order id; the id's format alone does not count."""
    ours = codec.parse_client_order_id(client_order_id)
    if ours is None:
        return False
    row = database.row("SELECT 1 FROM orders WHERE run = (SELECT key FROM runs WHERE id = ?) AND line = ?", ours)
    return row is not None or archives.has(database, ours[0])


def refuse(tx: Transaction, run_id: str, line: int, at: datetime, why: str) -> None:
    """Record that the broker refused an order: nothing was placed."""
    tx.execute(
        "UPDATE orders SET status = 'rejected', reject_reason = ?, failed_at = ?, updated_at = ? "
        "WHERE run = (SELECT key FROM runs WHERE id = ?) AND line = ?",
        (why, to_time(at), to_time(at), run_id, line),
    )


def drop(tx: Transaction, run_id: str, line: int) -> None:
    """Delete an unsent order, which is recorded as skipped instead."""
    tx.execute(
        "DELETE FROM orders WHERE run = (SELECT key FROM runs WHERE id = ?) AND line = ? AND sent = 0", (run_id, line)
    )


def add_skipped(tx: Transaction, run_id: str, skipped: Sequence[SkippedOrder]) -> None:
    """Append skipped orders, at most one per symbol and side."""
    if not skipped:
        return
    known = {(s.symbol, s.side) for s in skipped_orders(tx.database, run_id)}
    for order in skipped:
        if (order.symbol, order.side) in known:
            continue
        known.add((order.symbol, order.side))
        tx.execute(
            "INSERT INTO skipped_orders SELECT key, (SELECT coalesce(max(line), 0) + 1 FROM skipped_orders "
            "WHERE run = runs.key), ?, ?, ?, ?, ? FROM runs WHERE id = ?",
            (
                order.symbol, order.side.value if order.side else None, order.notional, order.reason.value,
                order.reason_details, run_id,
            ),
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class OrderCounts:
    """Counts of a run's orders; `amount` is the dollars bought plus those sold, each order to the nearest cent.

    `problems` are orders rejected, canceled, expired or skipped; `total` is without the `skipped` ones.
    """

    total: int
    filled: int
    problems: int
    skipped: int
    amount: Money


def counts(database: Database, run_ids: Sequence[str]) -> dict[str, OrderCounts]:
    """Order counts by run id; `problems` counts orders rejected, canceled, expired or skipped."""
    found: dict[str, OrderCounts] = {}
    for start in range(0, len(run_ids), 500):
        for identity, total, filled, problems, skipped, amount in database.rows(
            "SELECT id, (SELECT count(*) FROM orders WHERE run = key), "
            "(SELECT count(*) FROM orders WHERE run = key AND status = 'filled'), "
            "(SELECT count(*) FROM orders WHERE run = key AND status IN ('rejected', 'canceled', 'expired')), "
            "(SELECT count(*) FROM skipped_orders WHERE run = key), "
            f"(SELECT coalesce(sum((executed + {CENT // 2}) / {CENT}), 0) * {CENT} "
            "FROM (SELECT sum(amount) AS executed FROM fills WHERE run = key GROUP BY line)) "
            f"FROM runs WHERE id IN {LISTED}",
            (listed(run_ids[start : start + 500]),),
        ):
            found[identity] = OrderCounts(total, filled, problems + skipped, skipped, Money(amount))
    return found


def ordered(database: Database, run_ids: Sequence[str]) -> list[tuple[str, str, Money | None, Qty | None]]:
    """The orders of runs as (run id, label of the asset, dollars, shares); one of the last two is None."""
    found: list[tuple[str, str, Money | None, Qty | None]] = []
    for start in range(0, len(run_ids), 500):
        found += database.rows(
            "SELECT runs.id, assets.symbol, orders.notional, orders.qty FROM runs JOIN orders ON orders.run = runs.key "
            f"JOIN assets ON assets.key = orders.asset WHERE runs.id IN {LISTED}",
            (listed(run_ids[start : start + 500]),),
        )
    return found


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
    """A run with its orders, grouped as in the API."""
    placed = [order for _, order, _ in of_run(database, run.id)]
    failed = {OrderStatus.REJECTED}
    return RunDetail(
        run=run,
        orders=tuple(o for o in placed if o.status not in failed),
        failed_orders=tuple(o for o in placed if o.status in failed),
        skipped_orders=tuple(skipped_orders(database, run.id)),
    )


def looked_up_at(database: Database, run_id: str, line: int) -> datetime | None:
    """When the broker first reported that it does not have a sent order; None if it never did."""
    row = database.row(
        "SELECT looked_up_at FROM orders WHERE run = (SELECT key FROM runs WHERE id = ?) AND line = ?", (run_id, line)
    )
    return codec.from_time_or_none(row[0]) if row else None


def set_looked_up(tx: Transaction, run_id: str, line: int, at: datetime | None) -> None:
    tx.execute(
        "UPDATE orders SET looked_up_at = ? WHERE run = (SELECT key FROM runs WHERE id = ?) AND line = ?",
        (to_time_or_none(at), run_id, line),
    )
