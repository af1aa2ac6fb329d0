"""Writing an archive's file: rows are copied part by part from the book and its earlier archive, then verified."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import datetime
from pathlib import Path

from rebal_tui.domain.errors import Conflict
from rebal_tui.domain.side_files import SQLITE_SUFFIXES
from rebal_tui.store import archive_content, archive_selection
from rebal_tui.store.archive_content import CHILDREN, CONTEXT_PARTS, DECISION_KEY, FETCHED, MOVED, REFERRED, Content
from rebal_tui.store.backup import integrity_faults
from rebal_tui.store.codec import to_time
from rebal_tui.store.database import Database, SqlRow

KEYS_PER_PART = 200
"""Contexts and blobs that are copied at once; a blob can have 100 kB."""


def remove_partial(partial: Path) -> None:
    """Delete an unfinished archive and the files that SQLite keeps next to it."""
    for suffix in (*SQLITE_SUFFIXES, ""):
        partial.with_name(partial.name + suffix).unlink(missing_ok=True)


def build(
    database: Database, through: str, partial: Path, earlier: Path | None, at: datetime
) -> Iterator[Content | None]:
    """Write a new archive to the file `partial`: rows of the `earlier` archive and of the book.

    From the book come the rows of the years up to and including `through`. A generator: it yields None between parts of
    the work. At the end it yields the content of the file, after reading it back and comparing it with what was copied.
    Raises `Conflict` when the two differ, when the file has a fault, or when it cannot be written. The book is not
    changed.
    """
    remove_partial(partial)
    os.close(os.open(partial, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    copied = Content()
    with closing(sqlite3.connect(partial, isolation_level=None)) as file:
        # Until it is renamed, an unfinished file is deleted: it needs neither a log nor to be synced.
        file.execute("PRAGMA journal_mode = OFF")
        file.execute("PRAGMA synchronous = OFF")
        archive_content.create(file, database.connection)
        for table in REFERRED:
            _insert(file, table, _all(database.connection, table))
            yield None
        if earlier is not None:
            for _ in _copy_earlier(database, file, earlier, copied):
                yield None
        for _ in _copy(database, through, file, copied):
            yield None
        _describe(database, through, file, at)
    with closing(_opened(partial)) as file:
        found = Content()
        for _ in archive_content.read(file, found):
            yield None
        faults = integrity_faults(file)
    if (found.counts, found.sums) != (copied.counts, copied.sums):
        differing = [table for table in MOVED if found.sums.get(table) != copied.sums.get(table)]
        faults.append(f"what was written to {', '.join(differing)} is not what the book has")
    if faults:
        raise Conflict(f"the archive failed verification: {faults[0]}; the book is unchanged")
    with closing(sqlite3.connect(partial, isolation_level=None)) as file:
        file.execute("PRAGMA synchronous = FULL")
        file.execute("INSERT INTO archive_about VALUES ('digest', ?)", (found.digest,))
    handle = os.open(partial, os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
    yield found


def _copy(database: Database, through: str, file: sqlite3.Connection, copied: Content) -> Iterator[None]:
    for runs in archive_selection.moving_runs(database, through):
        _add(file, copied, "runs", archive_selection.run_rows(database, through, runs))
        for table in CHILDREN:
            _add(file, copied, table, archive_selection.child_rows(database, table, through, runs))
        yield None
    for part in archive_selection.moving_decisions(database, through):
        _add(file, copied, "decisions", archive_selection.decision_rows(database, part))
        yield None
    # Decisions name runs that stay in the book: they are here too, so that their ids can be read.
    for keys in _wanted(file, "runs", [("decisions", "open_run"), ("decisions", "quota_run")]):
        _add(file, copied, "runs", archive_selection.rows_by_key(database, "runs", keys))
        file.executemany("INSERT INTO staying_runs VALUES (?)", [(key,) for key in json.loads(keys)])
        yield None
    for keys in archive_selection.moving_contexts(database, through):
        _add(
            file, copied, "contexts", _new(file, "contexts", archive_selection.rows_by_key(database, "contexts", keys))
        )
        yield None
    for keys in _wanted(file, "contexts", [("decisions", "context"), ("runs", "plan_context")]):
        _add(file, copied, "contexts", archive_selection.rows_by_key(database, "contexts", keys))
        yield None
    for keys in _wanted(file, "parts", [("runs", "weights"), *(("contexts", name) for name in CONTEXT_PARTS)]):
        _add(file, copied, "parts", archive_selection.rows_by_key(database, "parts", keys))
        yield None


def _copy_earlier(database: Database, file: sqlite3.Connection, earlier: Path, copied: Content) -> Iterator[None]:
    """Copy the rows of the earlier archive, except those that the book has as well: these are copied from the book."""
    with closing(_opened(earlier)) as before:
        for table in MOVED:
            wanted = archive_content.columns(file, "main", table)
            known = set(archive_content.columns(before, "main", table))
            # A column that a later version added has its default in older rows.
            chosen = ", ".join(name if name in known else _default(database, table, name) for name in wanted)
            only = "WHERE key NOT IN (SELECT run FROM staying_runs)" if table == "runs" else ""
            cursor = before.execute(f"SELECT {chosen} FROM {table} {only}")
            while rows := cursor.fetchmany(FETCHED):
                _add(file, copied, table, _not_in_book(database, table, wanted, rows))
                yield None
        digest = before.execute("SELECT value FROM archive_about WHERE name = 'digest'").fetchone()
        file.execute("INSERT INTO archive_earlier VALUES (?)", digest)
        _insert(file, "archive_earlier", before.execute("SELECT digest FROM archive_earlier").fetchall())


def _opened(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.as_uri()}?mode=ro&immutable=1", uri=True)


def _not_in_book(database: Database, table: str, names: Sequence[str], rows: Sequence[SqlRow]) -> list[SqlRow]:
    """The rows of an archive whose run or decision the book does not have.

    Rows of contexts and blobs are all returned, even if the book has them too.
    """
    if table in ("contexts", "parts"):
        return list(rows)
    if table == "decisions":
        at = [names.index(name) for name in DECISION_KEY]
        there: set[SqlRow] = set()
        accounts = [row[at[1]] for row in rows]
        for session in {row[at[0]] for row in rows}:
            there.update(
                database.rows(
                    f"SELECT {', '.join(DECISION_KEY)} FROM decisions WHERE session = ? AND account BETWEEN ? AND ?",
                    (session, min(accounts), max(accounts)),
                )
            )
        return [row for row in rows if tuple(row[index] for index in at) not in there]
    run = names.index("key" if table == "runs" else "run")
    keys = json.dumps(sorted({row[run] for row in rows}))
    found = {
        key for (key,) in database.rows("SELECT key FROM runs WHERE key IN (SELECT value FROM json_each(?))", (keys,))
    }
    return [row for row in rows if row[run] not in found]


def is_in_book(database: Database, path: Path) -> bool:
    """Whether the book still has every run and decision of an archive, so that the archive's file is not needed."""
    with closing(_opened(path)) as file:
        for table in ("runs", "decisions"):
            names = archive_content.columns(file, "main", table)
            cursor = file.execute(f"SELECT * FROM {table}")
            while rows := cursor.fetchmany(FETCHED):
                if _not_in_book(database, table, names, rows):
                    return False
    return True


def _default(database: Database, table: str, name: str) -> str:
    for row in database.rows(f"PRAGMA main.table_info({table})"):
        if row[1] == name and row[4] is not None:
            return str(row[4])
    return "NULL"


def _wanted(file: sqlite3.Connection, table: str, users: Sequence[tuple[str, str]]) -> Iterator[str]:
    """The keys that columns of the archive refer to and that `table` does not have yet; in parts, each a JSON list."""
    file.execute("CREATE TEMP TABLE IF NOT EXISTS used (key INTEGER PRIMARY KEY)")
    file.execute("DELETE FROM temp.used")
    for user, column in users:
        file.execute(
            f"INSERT OR IGNORE INTO temp.used SELECT {column} FROM {user} WHERE {column} IS NOT NULL "
            f"AND {column} NOT IN (SELECT key FROM {table})"
        )
    last = -1
    while found := [
        key
        for (key,) in file.execute(
            "SELECT key FROM temp.used WHERE key > ? ORDER BY key LIMIT ?", (last, KEYS_PER_PART)
        )
    ]:
        last = found[-1]
        yield json.dumps(found)


def _describe(database: Database, through: str, file: sqlite3.Connection, at: datetime) -> None:
    first = database.row("SELECT hash FROM audit ORDER BY seq LIMIT 1")
    renames = database.row("SELECT coalesce(max(seq), 0) FROM asset_renames")
    facts = {
        "book": first[0] if first else "",
        "through": through,
        "written_at": str(to_time(at)),
        "renames": str(renames[0] if renames else 0),
    }
    file.executemany("INSERT INTO archive_about VALUES (?, ?)", facts.items())


def _new(file: sqlite3.Connection, table: str, rows: Sequence[SqlRow]) -> list[SqlRow]:
    """Those of the given rows whose key the archive does not have yet; the key is a row's first value."""
    keys = json.dumps([row[0] for row in rows])
    known = file.execute(f"SELECT key FROM {table} WHERE key IN (SELECT value FROM json_each(?))", (keys,))
    there = {key for (key,) in known}
    return [row for row in rows if row[0] not in there]


def _add(file: sqlite3.Connection, copied: Content, table: str, rows: Sequence[SqlRow]) -> None:
    archive_content.add(copied, table, rows)
    _insert(file, table, rows)


def _insert(file: sqlite3.Connection, table: str, rows: Sequence[SqlRow]) -> None:
    if rows:
        file.execute("BEGIN")
        file.executemany(f"INSERT INTO {table} VALUES ({', '.join('?' * len(rows[0]))})", rows)
        file.execute("COMMIT")


def _all(connection: sqlite3.Connection, table: str) -> list[SqlRow]:
    names = ", ".join(archive_content.columns(connection, "main", table))
    return connection.execute(f"SELECT {names} FROM main.{table}").fetchall()
