"""Sums over the orders and fills of a day."""

from __future__ import annotations

from datetime import datetime

from rebal_tui.domain.quantities import NANO, Money, Qty
from rebal_tui.store.codec import to_time
from rebal_tui.store.database import Database

MAX_RUNS = 5_000
"""How many of the latest runs are summed; a day with more is not, because the sum would take too long."""


def traded_since(database: Database, at: datetime) -> Money | None:
    """Dollars bought and sold since a time by the runs created since then; None for more than `MAX_RUNS` runs."""
    row = database.row("SELECT max(key) FROM runs")
    first = (row[0] or 0) - MAX_RUNS if row else 0
    earlier = database.row("SELECT created_at FROM runs WHERE key = ?", (first,))
    if earlier is not None and earlier[0] >= to_time(at):
        return None
    found = database.row(
        f"SELECT coalesce(sum(amount / {NANO}), 0), coalesce(sum(amount % {NANO}), 0) FROM fills "
        "WHERE run > ? AND at >= ?",
        (first, to_time(at)),
    )
    dollars, rest = found or (0, 0)
    return Money(dollars * NANO + rest)


def working_orders(database: Database) -> list[tuple[str, int, Money, Qty]]:
    """Open orders of runs in progress, by asset.

    Each is (label of the asset, number of orders, sum of the orders given in dollars, sum of those given in shares).
    """
    rows = database.rows(
        "SELECT a.symbol, count(*), coalesce(sum(o.notional / ?), 0), coalesce(sum(o.notional % ?), 0), "
        "coalesce(sum(o.qty / ?), 0), coalesce(sum(o.qty % ?), 0) FROM runs r JOIN orders o ON o.run = r.key "
        "JOIN assets a ON a.key = o.asset WHERE r.status IN ('QUEUED', 'IN_PROGRESS') AND r.status = 'IN_PROGRESS' "
        "AND o.status NOT IN ('filled', 'rejected', 'canceled', 'expired') GROUP BY a.key",
        (NANO, NANO, NANO, NANO),
    )
    return [
        (symbol, count, Money(dollars * NANO + cents), Qty(shares * NANO + part))
        for symbol, count, dollars, cents, shares, part in rows
    ]
