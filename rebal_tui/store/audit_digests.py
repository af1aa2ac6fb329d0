"""Audit entries that cover many rows by one digest, which a check recomputes from the file."""

from __future__ import annotations

import hashlib
import json
from array import array
from collections.abc import Iterable, Mapping, Sequence
from itertools import repeat
from typing import Any

from rebal_tui.domain.text import count_text
from rebal_tui.store.codec import dump
from rebal_tui.store.database import Database, SqlRow
from rebal_tui.store.decisions import DecisionRow
from rebal_tui.store.rows import RowTable
from rebal_tui.store.runs import PlanRow, RunRow

QUEUED, STARTED = "runs.queued", "runs.started"
Columns = Mapping[str, Sequence[Any]]
"""Columns of rows by field, in the order in which they enter a digest; empty columns when there are no rows."""

_RUNS = (
    "key", "id", "account", "portfolio", "subscription", "type", "amount", "initiated_from", "why", "weights",
    "session", "created_at",
)  # fmt: skip
_DECISIONS = (
    "run", "session", "account", "portfolio", "kind", "context", "subscription", "status", "restrictions", "cash",
    "reserved", "cash_floor", "last_rebalanced_at", "outside_orders", "open_run", "quota_run", "positions",
)  # fmt: skip
_PLANS = (
    "key", "started_at", "cash_target", "plan_context", "plan_cash", "plan_reserved", "plan_keep", "plan_positions",
)  # fmt: skip
"""The fields of each row that enter a digest, in order. Part of the audit format: neither may change."""


def queued(database: Database, runs: RowTable[RunRow], decided: RowTable[DecisionRow]) -> dict[str, Any]:
    """Audit detail of queued runs: their keys, and a digest over the runs and the decisions that created them.

    The digest also covers the decision contexts, weights and decision kinds that the rows refer to. The rows must be as
    stored, by ascending run key.
    """
    digest = _digest_queued(database, _chosen(_RUNS, runs), _chosen(_DECISIONS, decided))
    return {"runs": _ranges(runs.column("key")), "digest": digest}


def queued_from_store(database: Database, keys: Sequence[int]) -> dict[str, Any]:
    """The result of `queued` for the runs with these ascending `keys`, with the rows read from the file."""
    return {"runs": _ranges(keys), "digest": _queued_from_store(database, keys)}


def started(database: Database, plans: RowTable[PlanRow]) -> dict[str, Any]:
    """Audit detail of started runs: their keys, and a digest over the inputs of their plans.

    `plans` are the rows as passed to `runs.start`, by ascending key.
    """
    return {"runs": _ranges(plans.column("key")), "digest": _digest_started(database, _chosen(_PLANS, plans))}


def faults(database: Database) -> list[str]:
    """Faults of the audit entries about queued and started runs, one message each.

    An entry has a fault if the file's rows that its digest covers differ from those at the time of the entry.
    """
    found = []
    for seq, action, detail in database.rows(
        "SELECT seq, action, detail FROM audit WHERE action IN (?, ?) ORDER BY seq", (QUEUED, STARTED)
    ):
        recorded = json.loads(detail)
        keys = [key for first, last in recorded["runs"] for key in range(first, last + 1)]
        recomputed = _queued_from_store(database, keys) if action == QUEUED else _started_from_store(database, keys)
        if recomputed != recorded["digest"]:
            found.append(f"entry {seq} ({action}): {count_text(len(keys), 'run')} not as recorded")
    return found


def _queued_from_store(database: Database, keys: Sequence[int]) -> str:
    runs = _of_runs(database, f"SELECT {', '.join(_RUNS)} FROM runs WHERE key BETWEEN ? AND ? ORDER BY key", keys)
    decided = _of_runs(
        database,
        f"SELECT {', '.join(f'd.{name}' for name in _DECISIONS)} FROM runs CROSS JOIN decisions d "
        "ON d.session = runs.session AND d.account = runs.account AND d.run = runs.key "
        "WHERE runs.key BETWEEN ? AND ? ORDER BY runs.key",
        keys,
    )
    return _digest_queued(database, _columns(_RUNS, runs), _columns(_DECISIONS, decided))


def _digest_queued(database: Database, runs: Columns, decided: Columns) -> str:
    shared = [
        _blob_digests(database, set(runs["weights"])),
        _contexts(database, set(decided["context"])),
        [
            [key, *database.rows("SELECT signature, outcome, deciding FROM decision_kinds WHERE key = ?", (key,))]
            for key in sorted(set(decided["kind"]))
        ],
    ]
    return _digest(dump(shared), runs, decided)


def _started_from_store(database: Database, keys: Sequence[int]) -> str:
    plans = _of_runs(database, f"SELECT {', '.join(_PLANS)} FROM runs WHERE key BETWEEN ? AND ? ORDER BY key", keys)
    return _digest_started(database, _columns(_PLANS, plans))


def _digest_started(database: Database, plans: Columns) -> str:
    return _digest(dump(_contexts(database, set(plans["plan_context"]))), plans)


def _of_runs(database: Database, sql: str, keys: Sequence[int]) -> list[SqlRow]:
    return [row for first, last in _ranges(keys) for row in database.rows(sql, (first, last))]


def _columns(names: Sequence[str], rows: Sequence[SqlRow]) -> Columns:
    return dict(zip(names, zip(*rows, strict=True) if rows else repeat(()), strict=False))


def _chosen(names: Sequence[str], table: RowTable[Any]) -> Columns:
    return {name: table.column(name) for name in names}


def _ranges(keys: Sequence[int]) -> list[list[int]]:
    """Ascending numbers as [first, last] of each consecutive range."""
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
    """The contexts with the digests of their blobs."""
    found: list[list[Any]] = []
    for key in sorted(key for key in keys if key is not None):
        row = database.row("SELECT at, moment, assets, prices, portfolios FROM contexts WHERE key = ?", (key,))
        found.append([key, row and [row[0], *_blob_digests(database, row[1:])]])
    return found


def _digest(head: str, *tables: Columns) -> str:
    total = hashlib.sha256(head.encode())
    for columns in tables:
        size = len(next(iter(columns.values())))
        total.update(f"\n{size}\n".encode())
        for column in columns.values() if size else ():
            total.update(_column(column))
    return total.hexdigest()


def _column(values: Sequence[Any]) -> bytes:
    """A column as bytes; different columns never have the same bytes."""
    try:
        return b"i" + array("q", values).tobytes()
    except TypeError:
        pass
    if all(isinstance(value, bytes) for value in values):
        return b"b" + array("q", map(len, values)).tobytes() + b"".join(values)
    return ("t" + repr(tuple(values))).encode()
