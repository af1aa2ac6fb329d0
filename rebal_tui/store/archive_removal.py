"""Removing from a book the rows that its archive has.

This is done in parts, one transaction each. A part compares the rows first, so that it can be repeated.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Sequence
from itertools import chain

from rebal_tui.store.archive_content import CHILDREN, CONTEXT_PARTS, DECISION_KEY, columns
from rebal_tui.store.archive_selection import ACCOUNTS_PER_PART, RUNS_PER_PART
from rebal_tui.store.database import Database, SqlRow

KEYS_PER_PART = 500
_REMOVED_PARTS = ("moment", "prices")
"""The blobs of contexts that move; weights, assets and portfolios are shared with later years."""


def remove(database: Database, archive: Database) -> Iterator[None]:
    """Remove from the book every row that the archive has and that no other row of the book refers to.

    A generator; the work between two yields is one transaction. Runs in the temporary table `stays` (filled by
    `archive_selection.choose`) are not removed. Neither are rows that differ from the archive's: the book's version
    counts. Foreign keys are not enforced within a part, because without indexes on their columns SQLite would read
    whole tables for every row; instead, each part first reads which rows are referred to.
    """
    parts = chain.from_iterable(step(database, archive) for step in (_decisions, _runs, _contexts, _parts))
    ended = False
    while not ended:
        database.connection.execute("PRAGMA foreign_keys = OFF")
        try:
            ended = next(parts, _END) is _END
        finally:
            database.connection.execute("PRAGMA foreign_keys = ON")
        yield


_END = object()


def _decisions(database: Database, archive: Database) -> Iterator[None]:
    names = ", ".join(columns(database.connection, "main", "decisions"))
    at = [columns(database.connection, "main", "decisions").index(name) for name in DECISION_KEY]
    sql = f"SELECT {names} FROM decisions WHERE session = ? AND account BETWEEN ? AND ?"
    bounds = archive.row("SELECT min(account), max(account) FROM decisions")
    if bounds is None or bounds[0] is None:
        return
    for (session,) in archive.rows("SELECT DISTINCT session FROM decisions ORDER BY session"):
        if database.row("SELECT 1 FROM decisions WHERE session = ? LIMIT 1", (session,)) is None:
            continue
        for first in range(bounds[0], bounds[1] + 1, ACCOUNTS_PER_PART):
            part = (session, first, first + ACCOUNTS_PER_PART - 1)
            same = set(database.rows(sql, part)) & set(archive.rows(sql, part))
            if same:
                with database.write() as tx:
                    tx.executemany(
                        f"DELETE FROM decisions WHERE ({', '.join(DECISION_KEY)}) = (?, ?, ?, ?, ?)",
                        [tuple(row[index] for index in at) for row in same],
                    )
            yield None


def _runs(database: Database, archive: Database) -> Iterator[None]:
    """Remove the runs that the archive has, with the rows of other tables that belong to them.

    The book keeps the ids of the removed runs.
    """
    _use(database, [("decisions", "open_run"), ("decisions", "quota_run"), ("decisions", "run")])
    database.connection.execute("INSERT OR IGNORE INTO temp.used SELECT key FROM temp.stays")
    bounds = archive.row("SELECT min(key), max(key) FROM runs WHERE key NOT IN (SELECT run FROM staying_runs)")
    if bounds is None or bounds[0] is None:
        return
    for first in range(bounds[0], bounds[1] + 1, RUNS_PER_PART):
        part = (first, first + RUNS_PER_PART - 1)
        keys = [
            key
            for (key,) in archive.rows(
                "SELECT key FROM runs WHERE key BETWEEN ? AND ? AND key NOT IN (SELECT run FROM staying_runs)", part
            )
        ]
        used = {key for (key,) in database.rows("SELECT key FROM temp.used WHERE key BETWEEN ? AND ?", part)}
        wanted = json.dumps([key for key in keys if key not in used])
        differing = set[int]()
        ours, known = _of_runs(database, "runs", "key", wanted), _of_runs(archive, "runs", "key", wanted)
        there = {row[0] for row in ours}
        differing |= {row[0] for row in ours ^ known}
        for table in CHILDREN:
            run_at = columns(database.connection, "main", table).index("run")
            differing |= {
                row[run_at]
                for row in _of_runs(database, table, "run", wanted) ^ _of_runs(archive, table, "run", wanted)
            }
        moved = sorted(there - differing)
        if moved:
            chosen = json.dumps(moved)
            with database.write() as tx:
                tx.execute(f"INSERT INTO archived_runs SELECT id, key FROM runs WHERE key IN {_IN}", (chosen,))
                for table in CHILDREN:
                    tx.execute(f"DELETE FROM {table} WHERE run IN {_IN}", (chosen,))
                tx.execute(f"DELETE FROM runs WHERE key IN {_IN}", (chosen,))
        yield None


def _contexts(database: Database, archive: Database) -> Iterator[None]:
    _use(database, [("decisions", "context"), ("runs", "plan_context")])
    yield from _unused(database, archive, "contexts", "SELECT key FROM contexts")


def _parts(database: Database, archive: Database) -> Iterator[None]:
    """Remove blobs that only removed contexts used. The book may later store the same content under another key."""
    _use(database, [("runs", "weights"), *(("contexts", name) for name in CONTEXT_PARTS)])
    moved = " UNION ".join(f"SELECT {name} FROM contexts" for name in _REMOVED_PARTS)
    yield from _unused(database, archive, "parts", moved)


def _unused(database: Database, archive: Database, table: str, moved: str) -> Iterator[None]:
    """Remove the rows of a table that the archive has and that are no longer used.

    The newest row stays, as keys are counted from it.
    """
    newest = database.row(f"SELECT max(key) FROM {table}")
    cursor = archive.connection.execute(f"SELECT * FROM ({moved})")
    while rows := cursor.fetchmany(KEYS_PER_PART):
        keys = json.dumps([key for (key,) in rows])
        same = _of_runs(database, table, "key", keys) & _of_runs(archive, table, "key", keys)
        chosen = json.dumps([row[0] for row in same if newest is not None and row[0] != newest[0]])
        with database.write() as tx:
            tx.execute(f"DELETE FROM {table} WHERE key IN {_IN} AND key NOT IN (SELECT key FROM temp.used)", (chosen,))
        yield None


_IN = "(SELECT value FROM json_each(?))"


def _of_runs(database: Database, table: str, column: str, keys: str) -> set[SqlRow]:
    names = ", ".join(columns(database.connection, "main", table))
    return set(database.rows(f"SELECT {names} FROM main.{table} WHERE {column} IN {_IN}", (keys,)))


def _use(database: Database, users: Sequence[tuple[str, str]]) -> None:
    """Put the keys that the book's rows refer to into the temporary table `used`."""
    connection: sqlite3.Connection = database.connection
    connection.execute("CREATE TEMP TABLE IF NOT EXISTS used (key INTEGER PRIMARY KEY)")
    connection.execute("DELETE FROM temp.used")
    for table, column in users:
        connection.execute(
            f"INSERT OR IGNORE INTO temp.used SELECT {column} FROM {table} WHERE {column} IS NOT NULL AND {column} <> 0"
        )
