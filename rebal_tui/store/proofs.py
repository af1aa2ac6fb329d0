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

_RUNS = "key, id, account, portfolio, subscription, type, amount, initiated_from, why, weights, session, created_at"
_DECISIONS = (
    "run, session, account, portfolio, kind, context, subscription, status, restrictions, cash, reserved, cash_floor, "
    "last_rebalanced_at, outside_orders, open_run, quota_run, positions"
)
_PLANS = "key, started_at, cash_target, plan_context, plan_cash, plan_reserved, plan_keep, plan_positions"


def queued(database: Database, keys: Sequence[int]) -> dict[str, Any]:
    """What an entry says of runs that were queued: which, and a digest over them and the decisions that made them.

    It covers the contexts, weights and kinds that those rows name, too. `keys` ascending.
    """
    return {"runs": _ranges(keys), "digest": _digest_queued(database, keys)}


def started(database: Database, keys: Sequence[int]) -> dict[str, Any]:
    """What an entry says of runs that were started: which, and a digest over what their plans were made from."""
    return {"runs": _ranges(keys), "digest": _digest_started(database, keys)}


def faults(database: Database) -> list[str]:
    """The audit entries whose rows are not those that were recorded, in words."""
    found = []
    for seq, action, detail in database.rows(
        "SELECT seq, action, detail FROM audit WHERE action IN (?, ?) ORDER BY seq", (QUEUED, STARTED)
    ):
        told = json.loads(detail)
        keys = [key for first, last in told["runs"] for key in range(first, last + 1)]
        again = _digest_queued(database, keys) if action == QUEUED else _digest_started(database, keys)
        if again != told["digest"]:
            found.append(f"entry {seq} ({action}): its {len(keys)} runs are not those that were recorded")
    return found


def _digest_queued(database: Database, keys: Sequence[int]) -> str:
    runs = _of_runs(database, f"SELECT {_RUNS} FROM runs WHERE key BETWEEN ? AND ? ORDER BY key", keys)
    decided = _of_runs(
        database,
        f"SELECT {', '.join(f'd.{name}' for name in _DECISIONS.split(', '))} FROM runs CROSS JOIN decisions d "
        "ON d.session = runs.session AND d.account = runs.account AND d.run = runs.key "
        "WHERE runs.key BETWEEN ? AND ? ORDER BY runs.key",
        keys,
    )
    shared = [
        _parts(database, {row[9] for row in runs}),
        _contexts(database, {row[5] for row in decided}),
        [
            [key, *database.rows("SELECT signature, outcome, deciding FROM decision_kinds WHERE key = ?", (key,))]
            for key in sorted({row[4] for row in decided})
        ],
    ]
    return _digest(dump(shared), runs, decided)


def _digest_started(database: Database, keys: Sequence[int]) -> str:
    plans = _of_runs(database, f"SELECT {_PLANS} FROM runs WHERE key BETWEEN ? AND ? ORDER BY key", keys)
    return _digest(dump(_contexts(database, {row[3] for row in plans})), plans)


def _of_runs(database: Database, sql: str, keys: Sequence[int]) -> list[tuple[Any, ...]]:
    return [row for first, last in _ranges(keys) for row in database.rows(sql, (first, last))]


def _ranges(keys: Sequence[int]) -> list[list[int]]:
    """Ascending numbers as [first, last] of each unbroken stretch."""
    found: list[list[int]] = []
    for key in keys:
        if found and found[-1][1] == key - 1:
            found[-1][1] = key
        else:
            found.append([key, key])
    return found


def _parts(database: Database, keys: Iterable[int]) -> list[list[Any]]:
    rows = ((key, database.row("SELECT hex(digest) FROM parts WHERE key = ?", (key,))) for key in sorted(keys))
    return [[key, row and row[0]] for key, row in rows]


def _contexts(database: Database, keys: Iterable[int | None]) -> list[list[Any]]:
    """The contexts with the digests of their parts."""
    found: list[list[Any]] = []
    for key in sorted(key for key in keys if key is not None):
        row = database.row("SELECT at, moment, assets, prices, portfolios FROM contexts WHERE key = ?", (key,))
        found.append([key, row and [row[0], *_parts(database, row[1:])]])
    return found


def _digest(head: str, *tables: Sequence[tuple[Any, ...]]) -> str:
    total = hashlib.sha256(head.encode())
    for rows in tables:
        total.update(f"\n{len(rows)}\n".encode())
        for column in zip(*rows, strict=True):
            total.update(_column(column))
    return total.hexdigest()


def _column(values: tuple[Any, ...]) -> bytes:
    """A column in bytes that no other column has."""
    try:
        return b"i" + array("q", values).tobytes()
    except TypeError:
        pass
    if all(isinstance(value, bytes) for value in values):
        return b"b" + array("q", map(len, values)).tobytes() + b"".join(values)
    return ("t" + repr(values)).encode()
