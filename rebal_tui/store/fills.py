"""Executions, each stored once by the broker's execution id."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from rebal_tui.domain.orders import Fill, Side
from rebal_tui.domain.quantities import NANO, Money, Price, Qty
from rebal_tui.store import archives
from rebal_tui.store.codec import from_time, parse_client_order_id, to_time
from rebal_tui.store.database import Database, SqlValue, Transaction
from rebal_tui.store.rows import select_list


def add(tx: Transaction, fill: Fill) -> bool:
    """Record an execution. Its asset is found by the asset's id, else by its label, else by its order (R-50).

    False when the execution is already recorded, when its run is archived, or when the book does not know the asset.
    """
    ours = parse_client_order_id(fill.client_order_id)
    run_id, line = ours or (None, None)
    cursor = tx.execute(
        "INSERT INTO fills SELECT ?, accounts.key, assets.key, ?, ?, ?, ?, ?, ?, ?, ?, "
        "(SELECT key FROM runs WHERE id = ?), ? FROM accounts, assets WHERE accounts.id = ? AND assets.key = coalesce("
        "(SELECT key FROM assets WHERE id = ?), (SELECT key FROM assets WHERE symbol = ? AND ? IS NULL), "
        "(SELECT asset FROM orders WHERE run = (SELECT key FROM runs WHERE id = ?) AND line = ?)) "
        "AND NOT EXISTS (SELECT 1 FROM archived_runs WHERE id = ?) "
        "ON CONFLICT (execution_id) DO NOTHING",
        (
            fill.execution_id, fill.side.value, fill.qty, fill.price, fill.amount, to_time(fill.at), fill.settles_on,
            fill.client_order_id, fill.order_id, run_id, line, fill.account_id, fill.asset_id, fill.symbol,
            fill.asset_id, run_id, line, run_id,
        ),
    )  # fmt: skip
    return cursor.rowcount == 1


def executed(database: Database, run_id: str, line: int) -> Qty:
    """The shares of all executions of the order with a number (`line`) in a run, in billionths."""
    row = database.row(
        "SELECT coalesce(sum(qty), 0) FROM fills WHERE run = (SELECT key FROM runs WHERE id = ?) AND line = ?",
        (run_id, line),
    )
    return Qty(row[0] if row else 0)


def known(database: Database, fill: Fill) -> bool:
    """Whether an execution is recorded in the book, or its run is in the archive."""
    row = database.row("SELECT 1 FROM fills WHERE execution_id = ?", (fill.execution_id,))
    return row is not None or archives.has_order(database, fill.client_order_id)


def delete(tx: Transaction, execution_id: str) -> None:
    """Remove an execution that the broker has busted (canceled after it was reported)."""
    tx.execute("DELETE FROM fills WHERE execution_id = ?", (execution_id,))


class Traded(NamedTuple):
    """Dollars bought and dollars sold."""

    bought: Money
    sold: Money


def traded_by_run(database: Database) -> dict[str, Traded]:
    """Dollars bought and sold in each run's executions, by run id; runs that traded nothing are left out.

    Dollars and fractions are summed separately, because one sum can overflow SQLite's integers.
    """
    found: dict[str, Traded] = {}
    for run_id, side, dollars, rest in database.rows(
        f"SELECT runs.id, side, sum(f.amount / {NANO}), sum(f.amount % {NANO}) FROM fills f "
        "JOIN runs ON runs.key = f.run GROUP BY f.run, side"
    ):
        field = "bought" if side == Side.BUY.value else "sold"
        found[run_id] = found.get(run_id, Traded(Money(0), Money(0)))._replace(**{field: Money(dollars * NANO + rest)})
    return found


def of_run(database: Database, run_id: str) -> list[Fill]:
    """A run's executions, oldest first."""
    where = "WHERE f.run = (SELECT key FROM runs WHERE id = ?) ORDER BY f.at, f.execution_id"
    return _fills(database, where, (run_id,))


def of_account(database: Database, account_id: str, limit: int = 500) -> list[Fill]:
    """An account's executions, newest first, at most `limit`."""
    return _fills(database, "WHERE accounts.id = ? ORDER BY f.at DESC, f.execution_id LIMIT ?", (account_id, limit))


def outside(database: Database, account_id: str) -> list[Fill]:
    """All executions of an account in external orders, which no run placed, oldest first."""
    return _fills(database, "WHERE accounts.id = ? AND f.run IS NULL ORDER BY f.at, f.execution_id", (account_id,))


class _FillRow(NamedTuple):
    """An execution as read, with the id of its account and its asset's symbol."""

    execution_id: str
    broker_order_id: str
    client_order_id: str
    account_id: str
    symbol: str
    side: str
    qty: int
    price: Price
    amount: int
    at: int
    settles_on: str


_FILLS = select_list(_FillRow, {"account_id": "accounts.id", "symbol": "assets.symbol"}, "f")


def _fills(database: Database, tail: str, parameters: Sequence[SqlValue]) -> list[Fill]:
    rows = database.rows(
        f"SELECT {_FILLS} FROM fills f JOIN accounts ON accounts.key = f.account "
        f"JOIN assets ON assets.key = f.asset {tail}",
        parameters,
    )
    return [
        Fill(
            found.execution_id, found.broker_order_id, found.client_order_id, found.account_id, found.symbol,
            Side(found.side), Qty(found.qty), found.price, Money(found.amount), from_time(found.at), found.settles_on,
        )
        for found in map(_FillRow._make, rows)
    ]  # fmt: skip


def traded_without_review(database: Database, session: str) -> int:
    """Dollars, in billionths, of the fills of a session in automatic full rebalances that nobody reviewed (R-57).

    Fills of an account's first run are left out.
    """
    row = database.row(
        f"SELECT sum(f.amount / {NANO}), sum(f.amount % {NANO}) FROM decisions d "
        "JOIN decision_kinds k ON k.key = d.kind JOIN runs ON runs.key = d.run JOIN fills f ON f.run = runs.key "
        "WHERE d.session = ? AND d.run > 0 AND k.outcome = 'full_rebalance' AND runs.approval = 'not_needed' "
        "AND k.signature NOT LIKE '%first_rebalance%'",
        (session,),
    )
    dollars, rest = row or (None, None)
    return int(dollars or 0) * NANO + int(rest or 0)
