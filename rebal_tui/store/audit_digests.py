"""One audit entry for many rows: a digest over them in the entry, computed again from the file by a check."""

from __future__ import annotations

import hashlib
import json
from array import array
from collections.abc import Iterable, Sequence
from typing import Any

from rebal_tui.store.codec import dump
from rebal_tui.store.database import Database

QUEUED, STARTED = "runs.queued", "runs.started"
Columns = Sequence[Sequence[Any]]
"""The columns of some rows; none where there are no rows."""

_RUNS = "key, id, account, portfolio, subscription, type, amount, initiated_from, why, weights, session, created_at"
_DECISIONS = (
    "run, session, account, portfolio, kind, context, subscription, status, restrictions, cash, reserved, cash_floor, "
    "last_rebalanced_at, outside_orders, open_run, quota_run, positions"
)
_PLANS = "key, started_at, cash_target, plan_context, plan_cash, plan_reserved, plan_keep, plan_positions"


def queued(database: Database, runs: Columns, decided: Columns) -> dict[str, Any]:
    """What an entry says of runs that were queued: which, and a digest over them and the decisions that made them.

    It covers the contexts, weights and kinds that those rows name, too. The columns are those of what was stored, by
    ascending run: of runs key, id, account, portfolio, subscription, type, amount, initiated_from, why, weights,
    session, created_at; of decisions run, session, account, portfolio, kind, context, subscription, status,
    restrictions, cash, reserved, cash_floor, last_rebalanced_at, outside_orders, open_run, quota_run, positions.
    """
    return {"runs": _ranges(runs[0]), "digest": _digest_queued(database, runs, decided)}


def queued_from_store(database: Database, keys: Sequence[int]) -> dict[str, Any]:
    """The same of rows that are read from the file. `keys` ascending."""
    return {"runs": _ranges(keys), "digest": _queued_from_store(database, keys)}


def started(database: Database, plans: Sequence[tuple[Any, ...]]) -> dict[str, Any]:
    """What an entry says of runs that were started: which, and a digest over what their plans were made from.

    `plans` are the rows that were stored, as `runs.start` has them, by ascending key.
    """
    columns = _columns(plans)
    return {"runs": _ranges(columns[0]), "digest": _digest_started(database, columns)}


def faults(database: Database) -> list[str]:
    """The audit entries whose rows are not those that were recorded, in words."""
    found = []
    for seq, action, detail in database.rows(
        "SELECT seq, action, detail FROM audit WHERE action IN (?, ?) ORDER BY seq", (QUEUED, STARTED)
    ):
        recorded = json.loads(detail)
        keys = [key for first, last in recorded["runs"] for key in range(first, last + 1)]
        recomputed = _queued_from_store(database, keys) if action == QUEUED else _started_from_store(database, keys)
        if recomputed != recorded["digest"]:
            found.append(f"entry {seq} ({action}): its {len(keys)} runs are not those that were recorded")
    return found


def _queued_from_store(database: Database, keys: Sequence[int]) -> str:
    runs = _of_runs(database, f"SELECT {_RUNS} FROM runs WHERE key BETWEEN ? AND ? ORDER BY key", keys)
    decided = _of_runs(
        database,
        f"SELECT {', '.join(f'd.{name}' for name in _DECISIONS.split(', '))} FROM runs CROSS JOIN decisions d "
        "ON d.session = runs.session AND d.account = runs.account AND d.run = runs.key "
        "WHERE runs.key BETWEEN ? AND ? ORDER BY runs.key",
        keys,
    )
    return _digest_queued(database, _columns(runs), _columns(decided))


def _digest_queued(database: Database, runs: Columns, decided: Columns) -> str:
    shared = [
        _blob_digests(database, set(runs[9]) if runs else ()),
        _contexts(database, set(decided[5]) if decided else ()),
        [
            [key, *database.rows("SELECT signature, outcome, deciding FROM decision_kinds WHERE key = ?", (key,))]
            for key in sorted(set(decided[4]) if decided else ())
        ],
    ]
    return _digest(dump(shared), runs, decided)


def _started_from_store(database: Database, keys: Sequence[int]) -> str:
    plans = _of_runs(database, f"SELECT {_PLANS} FROM runs WHERE key BETWEEN ? AND ? ORDER BY key", keys)
    return _digest_started(database, _columns(plans))


def _digest_started(database: Database, plans: Columns) -> str:
    return _digest(dump(_contexts(database, set(plans[3]) if plans else ())), plans)


def _of_runs(database: Database, sql: str, keys: Sequence[int]) -> list[tuple[Any, ...]]:
    return [row for first, last in _ranges(keys) for row in database.rows(sql, (first, last))]


def _columns(rows: Sequence[tuple[Any, ...]]) -> Columns:
    return list(zip(*rows, strict=True))


def _ranges(keys: Sequence[int]) -> list[list[int]]:
    """Ascending numbers as [first, last] of each unbroken stretch."""
    found: list[list[int]] = []
    for key in keys:
        if found and found[-1][1] == key - 1:
            found[-1][1] = key
        else:
            found.append([key, key])
    return found


def _blob_digests(database: Database, keys: Iterable[int]) -> list[list[Any]]:
    rows = ((key, database.row("SELECT hex(digest) FROM parts WHERE key = ?", (key,))) for key in sorted(keys))
    return [[key, row and row[0]] for key, row in rows]


def _contexts(database: Database, keys: Iterable[int | None]) -> list[list[Any]]:
    """The contexts with the digests of their parts."""
    found: list[list[Any]] = []
    for key in sorted(key for key in keys if key is not None):
        row = database.row("SELECT at, moment, assets, prices, portfolios FROM contexts WHERE key = ?", (key,))
        found.append([key, row and [row[0], *_blob_digests(database, row[1:])]])
    return found


def _digest(head: str, *tables: Columns) -> str:
    total = hashlib.sha256(head.encode())
    for columns in tables:
        total.update(f"\n{len(columns[0]) if columns else 0}\n".encode())
        for column in columns:
            total.update(_column(column))
    return total.hexdigest()


def _column(values: Sequence[Any]) -> bytes:
    """A column in bytes that no other column has."""
    try:
        return b"i" + array("q", values).tobytes()
    except TypeError:
        pass
    if all(isinstance(value, bytes) for value in values):
        return b"b" + array("q", map(len, values)).tobytes() + b"".join(values)
    return ("t" + repr(tuple(values))).encode()
