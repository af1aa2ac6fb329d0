"""Executions and cash entries (together: activities) of all accounts, page by page in the order of their times."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from rebal_tui.domain.cash import CashEntry, CashKind
from rebal_tui.domain.orders import OrderStatus, Side
from rebal_tui.domain.quantities import Money, Price, Qty
from rebal_tui.store.codec import from_time, to_time
from rebal_tui.store.database import LISTED, Database, SqlRow, SqlValue, listed

CASH_ID = "cash-"
"""Begins the id of a cash entry, followed by its number; the id of an execution is the broker's."""
_FILL_RANK, _CASH_RANK = "'f' || f.execution_id", "'c' || printf('%020d', c.seq)"


class Position(NamedTuple):
    """Sort key of an activity (an execution or a cash entry).

    `at` is its time in microseconds since 1970 UTC; the text orders activities of one time.
    """

    at: int
    rank: str


@dataclass(frozen=True, slots=True)
class Window:
    """Which of the broker's activities to read: of one account or all, later than `after`, not later than `until`.

    Newest first or oldest first, those that come after the entry at `beyond` in this order, and at most `limit`.
    """

    account_id: str | None
    after: datetime | None
    until: datetime | None
    newest_first: bool
    beyond: Position | None
    limit: int


class Execution(NamedTuple):
    """An execution, with the state of its order directly after it.

    `cumulative` is the shares of the order filled by then, `leaves` its shares still open; 0 for an order in dollars.
    """

    execution_id: str
    order_id: str
    account_id: str
    symbol: str
    side: Side
    qty: Qty
    price: Price
    at: datetime
    cumulative: Qty
    leaves: Qty
    status: OrderStatus


def position_of(database: Database, activity: str) -> Position | None:
    """The sort key of an activity, given by its id; None for an unknown id."""
    number = activity.removeprefix(CASH_ID)
    if number != activity:
        if not (number.isascii() and number.isdigit() and len(number) <= 18):
            return None
        row = database.row(f"SELECT at, {_CASH_RANK} FROM cash_entries c WHERE seq = ?", (int(number),))
    else:
        row = database.row(f"SELECT at, {_FILL_RANK} FROM fills f WHERE execution_id = ?", (activity,))
    return None if row is None else Position(*row)


def executions(database: Database, window: Window, order_id: str | None) -> list[tuple[Position, Execution]]:
    """The executions that a window selects, with their sort keys; with `order_id`, only those of this broker order."""
    where, order, values = _where(window, "f", _FILL_RANK)
    if order_id is not None:
        where, values = f"{where} AND f.broker_order_id = ?", (*values, order_id)
    so_far = (
        "SELECT sum(qty) FROM fills o WHERE o.account = f.account AND o.broker_order_id = f.broker_order_id "
        "AND (o.at, o.execution_id) <= (f.at, f.execution_id)"
    )
    rows = database.rows(
        f"SELECT f.at, {_FILL_RANK}, f.execution_id, f.broker_order_id, accounts.id, assets.symbol, f.side, f.qty, "
        f"f.price, ({so_far}), orders.qty, orders.status, orders.filled_qty FROM fills f "
        "JOIN accounts ON accounts.key = f.account JOIN assets ON assets.key = f.asset "
        f"LEFT JOIN orders ON orders.run = f.run AND orders.line = f.line WHERE {where} ORDER BY {order} LIMIT ?",
        (*values, window.limit),
    )
    return [(Position(*row[:2]), _execution(row)) for row in rows]


def _execution(row: SqlRow) -> Execution:
    at, _, execution_id, order_id, account_id, symbol, side, qty, price, so_far, ordered, status, filled = row
    leaves = max(0, ordered - so_far) if ordered is not None else max(0, (filled or 0) - so_far)
    open_ = leaves > 0 or status == OrderStatus.PARTIALLY_FILLED
    shown = OrderStatus.PARTIALLY_FILLED if open_ else OrderStatus.FILLED
    return Execution(
        execution_id, order_id, account_id, symbol, Side(side), Qty(qty), price, from_time(at), Qty(so_far),
        Qty(leaves), shown,
    )  # fmt: skip


def cash(database: Database, window: Window, kinds: Collection[CashKind]) -> list[tuple[Position, CashEntry]]:
    """The cash entries of the given kinds that a window selects, with their sort keys."""
    where, order, values = _where(window, "c", _CASH_RANK)
    rows = database.rows(
        f"SELECT c.at, {_CASH_RANK}, c.seq, accounts.id, c.kind, c.amount, c.settles_on, c.reference "
        f"FROM cash_entries c JOIN accounts ON accounts.key = c.account "
        f"WHERE {where} AND c.kind IN {LISTED} ORDER BY {order} LIMIT ?",
        (*values, listed(kinds), window.limit),
    )
    return [
        (Position(at, rank), CashEntry(seq, account, from_time(at), CashKind(kind), Money(amount), settles, reference))
        for at, rank, seq, account, kind, amount, settles, reference in rows
    ]


def _where(window: Window, table: str, rank: str) -> tuple[str, str, tuple[SqlValue, ...]]:
    """The SQL conditions, the order and the parameters for the activities that a window selects."""
    tests, values = ["1"], list[SqlValue]()
    if window.account_id is not None:
        tests.append(f"{table}.account = (SELECT key FROM accounts WHERE id = ?)")
        values.append(window.account_id)
    if window.after is not None:
        tests.append(f"{table}.at > ?")
        values.append(to_time(window.after))
    if window.until is not None:
        tests.append(f"{table}.at <= ?")
        values.append(to_time(window.until))
    if window.beyond is not None:
        tests.append(f"({table}.at, {rank}) {'<' if window.newest_first else '>'} (?, ?)")
        values += window.beyond
    way = "DESC" if window.newest_first else "ASC"
    return " AND ".join(tests), f"{table}.at {way}, {rank} {way}", tuple(values)
