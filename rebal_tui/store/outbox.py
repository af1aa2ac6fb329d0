"""The outbox: of all runs, the unsent orders, and the unknown orders, which may or may not have reached the broker."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from rebal_tui.domain.orders import Order, Side
from rebal_tui.store import codec
from rebal_tui.store.codec import to_time
from rebal_tui.store.database import LISTED, Database, Transaction, listed

OrderKey = tuple[int, int]
"""An order's run key and line."""
_CHUNK = 300
_FINAL = "('filled', 'canceled', 'expired', 'rejected', 'replaced')"
_UNSENT = "o.sent = 0 AND o.status = 'pending_new'"
_UNKNOWN = "o.sent = 1 AND o.status = 'pending_new' AND o.broker_id IS NULL"


class Unsent(NamedTuple):
    """The unsent orders of one side of a run, named by their lines (an order's number in its run).

    `run` is the key of the run, `manual` whether a person or the API requested it. `first` is the first line of the
    side, sent or not; `next` and `last` are the first and the last unsent line.
    """

    run: int
    manual: bool
    side: Side
    first: int
    next: int
    last: int


@dataclass(frozen=True, slots=True)
class Progress:
    """Counts of a run's orders.

    `placed` counts all its orders, sent or not, but not the skipped ones. `open` counts orders that are not final,
    `unfilled` orders that are not completely filled, final or not. `last` is the highest line (number of an order in
    the run), 0 without orders.
    """

    placed: int
    open: int
    unfilled: int
    any_filled: bool
    skipped: int
    last: int


def unsent(database: Database) -> list[Unsent]:
    """The unsent orders of every run in progress, by run and side."""
    rows = database.rows(
        "SELECT o.run, runs.initiated_from = 'api', o.side, min(o.line), "
        f"min(CASE WHEN {_UNSENT} THEN o.line END), max(CASE WHEN {_UNSENT} THEN o.line END) "
        "FROM runs JOIN orders o ON o.run = runs.key WHERE "
        "runs.status IN ('QUEUED', 'IN_PROGRESS') AND runs.status = 'IN_PROGRESS' "
        f"GROUP BY o.run, o.side HAVING max({_UNSENT})"
    )
    return [Unsent(r[0], bool(r[1]), Side(r[2]), *r[3:]) for r in rows]


def unknown(database: Database) -> list[OrderKey]:
    """The keys of the unknown orders of open runs, which may or may not have reached the broker."""
    return database.rows(
        "SELECT o.run, o.line FROM runs JOIN orders o ON o.run = runs.key "
        f"WHERE runs.status IN ('QUEUED', 'IN_PROGRESS') AND {_UNKNOWN} ORDER BY o.run, o.line"
    )


def unanswered(database: Database, client_order_id: str) -> OrderKey | None:
    """The key of an order that may or may not have reached the broker; None for any other order."""
    ours = codec.parse_client_order_id(client_order_id)
    if ours is None:
        return None
    row: OrderKey | None = database.row(
        f"SELECT o.run, o.line FROM runs JOIN orders o ON o.run = runs.key WHERE runs.id = ? AND o.line = ? "
        f"AND {_UNKNOWN}",
        ours,
    )
    return row


def runs_with_sent(database: Database) -> set[str]:
    """The ids of runs in progress with at least one order that may have reached the broker."""
    rows = database.rows(
        "SELECT runs.id FROM runs WHERE runs.status IN ('QUEUED', 'IN_PROGRESS') AND runs.status = 'IN_PROGRESS' "
        "AND EXISTS (SELECT 1 FROM orders o WHERE o.run = runs.key AND o.sent = 1)"
    )
    return {identity for (identity,) in rows}


def read_unsent(database: Database, order_keys: Sequence[OrderKey]) -> dict[OrderKey, tuple[str, Order]]:
    """Of the given orders, those that are still unsent, each as (run id, order), by order key."""
    return _read(database, order_keys, _UNSENT)


def read_unknown(database: Database, order_keys: Sequence[OrderKey]) -> dict[OrderKey, tuple[str, Order]]:
    """Of the given orders, those that still may or may not have reached the broker.

    Each is (run id, order), by order key.
    """
    return _read(database, order_keys, _UNKNOWN)


def _read(database: Database, order_keys: Sequence[OrderKey], still: str) -> dict[OrderKey, tuple[str, Order]]:
    found: dict[OrderKey, tuple[str, Order]] = {}
    for start in range(0, len(order_keys), _CHUNK):
        chunk = order_keys[start : start + _CHUNK]
        values = tuple(number for order_key in chunk for number in order_key)
        for row in database.rows(
            f"WITH wanted (run, line) AS (VALUES {', '.join(['(?, ?)'] * len(chunk))}) "
            f"SELECT o.run, {codec.ORDER_COLUMNS} FROM wanted JOIN orders o ON o.run = wanted.run "
            "AND o.line = wanted.line JOIN runs ON runs.key = o.run JOIN accounts ON accounts.key = runs.account "
            f"JOIN assets ON assets.key = o.asset WHERE {still}",
            values,
        ):
            order = codec.to_order(row[1:])
            found[row[0], row[4]] = (row[1], order)
    return found


def mark_sent(tx: Transaction, order_keys: Iterable[OrderKey], at: datetime) -> None:
    """Mark orders as possibly sent: each must be looked up before it is sent again."""
    tx.executemany(
        "UPDATE orders SET sent = 1, submitted_at = coalesce(submitted_at, ?) WHERE run = ? AND line = ?",
        ((to_time(at), run, line) for run, line in order_keys),
    )


def unmark(tx: Transaction, order_keys: Iterable[OrderKey]) -> None:
    """Mark orders as unsent again, because they were not sent after all."""
    tx.executemany(
        "UPDATE orders SET sent = 0, submitted_at = NULL WHERE run = ? AND line = ? AND status = 'pending_new' "
        "AND broker_id IS NULL",
        order_keys,
    )


def progress(database: Database, run_ids: Sequence[str]) -> dict[str, Progress]:
    """The counts of the orders of each given run, by run id."""
    found: dict[str, Progress] = {}
    for start in range(0, len(run_ids), _CHUNK):
        for identity, placed, still_open, filled, any_filled, skipped, last in database.rows(
            f"SELECT runs.id, count(o.line), count(CASE WHEN o.status NOT IN {_FINAL} THEN 1 END), "
            "count(CASE WHEN o.status = 'filled' THEN 1 END), coalesce(max(o.filled_qty > 0), 0), "
            "(SELECT count(*) FROM skipped_orders s WHERE s.run = runs.key), coalesce(max(o.line), 0) "
            f"FROM runs LEFT JOIN orders o ON o.run = runs.key WHERE runs.id IN {LISTED} GROUP BY runs.key",
            (listed(run_ids[start : start + _CHUNK]),),
        ):
            found[identity] = Progress(placed, still_open, placed - filled, bool(any_filled), skipped, last)
    return found
