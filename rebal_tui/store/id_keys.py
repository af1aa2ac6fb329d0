"""The keys (integer primary keys) of rows, by the ids that the API shows."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from rebal_tui.store.database import LISTED, Database, listed

_CHUNK = 500
_FULL_SCAN_MIN_IDS = 5_000
_FULL_SCAN_MAX_RATIO = 4
"""Highest ratio of a table's last key to the number of ids for a full scan: tables grow with history."""

Table = Literal["accounts", "portfolios", "subscriptions", "runs"]


def keys(database: Database, table: Table, ids: Iterable[str]) -> dict[str, int]:
    """The integer key of each given id that the table has, by id."""
    wanted = list(ids)
    if len(wanted) > _FULL_SCAN_MIN_IDS and _last(database, table) <= _FULL_SCAN_MAX_RATIO * len(wanted):
        known: dict[str, int] = dict(database.rows(f"SELECT id, key FROM {table}"))
        return {identity: known[identity] for identity in wanted if identity in known}
    found: dict[str, int] = {}
    for start in range(0, len(wanted), _CHUNK):
        chunk = listed(wanted[start : start + _CHUNK])
        found.update(database.rows(f"SELECT id, key FROM {table} WHERE id IN {LISTED}", (chunk,)))
    return found


def _last(database: Database, table: Table) -> int:
    row = database.row(f"SELECT max(key) FROM {table}")
    return int(row[0] or 0) if row else 0
