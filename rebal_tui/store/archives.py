"""The archive of a book: what the book records about it, where its file is, and how it is opened for reading."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from rebal_tui.domain.errors import NotFound
from rebal_tui.store.archive_content import columns
from rebal_tui.store.codec import dump, from_time, parse_client_order_id, to_time
from rebal_tui.store.database import Database, Transaction
from rebal_tui.store.references import referring_tables

ENDING = "-archive.db"
_FOLLOWED = ("assets", "asset_renames", "asset_holds")
"""Tables of the book that an open archive reads in place of its own: labels and holds of today."""


@dataclass(frozen=True, slots=True)
class Record:
    """What a book records about its archive.

    `name` is the file's path, relative to the book's folder unless it is absolute; `digest` identifies its content,
    `through` is its last year, `counts` its number of rows by table. Until `removed` is set, the book may still have
    some of these rows.
    """

    name: str
    digest: str
    through: str
    at: datetime
    counts: Mapping[str, int]
    removed: bool


def default_path(book: Path) -> Path:
    """Where the archive of a book is written: in the same folder."""
    return book.with_name(f"{book.stem}{ENDING}")


def record(database: Database) -> Record | None:
    """What the book records about its archive, None when it has none."""
    try:
        row = database.row("SELECT name, digest, through, at, counts, removed FROM archives")
    except sqlite3.OperationalError:
        return None  # A file of an earlier version, opened for reading.
    if row is None:
        return None
    name, digest, through, at, counts, removed = row
    return Record(name, digest, through, from_time(at), json.loads(counts), bool(removed))


def put(tx: Transaction, found: Record) -> None:
    """Record the archive of a book, in place of the earlier one."""
    tx.execute(
        "INSERT OR REPLACE INTO archives (one, name, digest, through, at, counts, removed) "
        "VALUES (1, ?, ?, ?, ?, ?, ?)",
        (
            found.name, found.digest, found.through, to_time(found.at), dump(dict(found.counts)),
            int(found.removed),
        ),
    )  # fmt: skip


def location(database: Database, found: Record) -> Path:
    """The file of an archive; a relative name is in the book's folder."""
    return (database.folder or Path()) / found.name


def problem(database: Database) -> str:
    """Why the archive cannot be read, as a sentence; empty when it can or when there is none."""
    found = record(database)
    return "" if found is None else _problem(location(database, found), found)


def _problem(path: Path, found: Record) -> str:
    what = f"the archive with the years to {found.through}, {path}"
    advice = "'rebal-tui archive --found FILE' records where it is"
    if not path.is_file():
        return f"{what}, is missing: was it moved or renamed? {advice}"
    try:
        with closing(_connected(path)) as connection:
            about = dict(connection.execute("SELECT name, value FROM archive_about"))
            earlier = {digest for (digest,) in connection.execute("SELECT digest FROM archive_earlier")}
    except sqlite3.Error as error:
        return f"{what}, cannot be read: {error}"
    if about.get("digest") != found.digest and found.digest not in earlier:
        return f"{what}, is another file or was changed; {advice}"
    return ""


def _connected(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro&immutable=1", uri=True)


def past(database: Database) -> Database | None:
    """The open archive of a book; None when it has none, or when the archive cannot be read (`problem` has the reason).

    Other functions of the store accept it in place of the book. It is opened on first use and closed with the book.
    """
    found = record(database)
    if found is None:
        return None
    opened = database.archive
    if isinstance(opened, OpenArchive) and opened.version == _version(database, found):
        return opened.database
    forget(database)
    path = location(database, found)
    if _problem(path, found):
        return None
    database.archive = made = OpenArchive(_open(database, path), _version(database, found))
    return made.database


def forget(database: Database) -> None:
    """Close the open archive, so that it is opened again on next use.

    Call it after removing rows from the book: lists from the open archive leave out rows that the book had.
    """
    if database.archive is not None:
        database.archive.close()
        database.archive = None


@dataclass(frozen=True, slots=True)
class OpenArchive:
    """An archive open for reading.

    `version` is what the open archive depends on: its file, and the removed rows, asset renames and asset holds of the
    book. When these have changed, the archive must be opened again.
    """

    database: Database
    version: tuple[object, ...]

    def close(self) -> None:
        self.database.close()


def _version(database: Database, found: Record) -> tuple[object, ...]:
    counted = (
        "SELECT (SELECT count(*) FROM asset_renames), (SELECT count(*) || ' ' || count(released_at) FROM asset_holds)"
    )
    return (found.digest, found.name, found.removed, database.row(counted))


def _open(database: Database, path: Path) -> Database:
    archive = Database(path, read_only=True)
    connection = archive.connection
    for table in _FOLLOWED:
        names = columns(database.connection, "main", table)
        connection.execute(f"CREATE TEMP TABLE {table} ({', '.join(names)})")
        connection.executemany(
            f"INSERT INTO temp.{table} VALUES ({', '.join('?' * len(names))})",
            database.connection.execute(f"SELECT {', '.join(names)} FROM main.{table}"),
        )
    _relabel(connection)
    # Rows that the book has too are listed there.
    connection.execute("CREATE TEMP TABLE doubled (key INTEGER PRIMARY KEY)")
    last = archive.row("SELECT coalesce(max(key), 0) FROM runs")
    connection.executemany(
        "INSERT INTO temp.doubled VALUES (?)",
        database.connection.execute("SELECT key FROM main.runs WHERE key <= ?", last or (0,)),
    )
    archive.listed = "runs.key NOT IN (SELECT key FROM temp.doubled)"
    return archive


def _relabel(connection: sqlite3.Connection) -> None:
    """Apply changes of labels after the archive was written to skipped orders, which store labels as text (R-50)."""
    renames = (
        "SELECT min(seq), before, assets.symbol FROM temp.asset_renames AS renames "
        "JOIN temp.assets AS assets ON assets.key = asset "
        "WHERE seq > (SELECT CAST(value AS INTEGER) FROM archive_about WHERE name = 'renames') GROUP BY before"
    )
    labels = [(before, now) for _, before, now in connection.execute(renames) if before != now]
    if labels:
        connection.execute("CREATE TEMP TABLE relabeled (before TEXT PRIMARY KEY, now TEXT)")
        connection.executemany("INSERT INTO temp.relabeled VALUES (?, ?)", labels)
        connection.execute(
            "CREATE TEMP VIEW skipped_orders AS SELECT run, line, coalesce((SELECT now FROM temp.relabeled "
            "WHERE before = symbol), symbol) AS symbol, side, notional, reason, details FROM main.skipped_orders"
        )


def databases(database: Database) -> tuple[Database, ...]:
    """The book and, when it has one that can be read, its archive."""
    archive = past(database)
    return (database,) if archive is None else (database, archive)


def has(database: Database, run_id: str) -> bool:
    """Whether a run has been moved into the archive."""
    return database.row("SELECT 1 FROM archived_runs WHERE id = ?", (run_id,)) is not None


def has_order(database: Database, client_order_id: str) -> bool:
    """Whether a client order id is that of an order of a run that has been moved into the archive."""
    ours = parse_client_order_id(client_order_id)
    return ours is not None and has(database, ours[0])


def holding(database: Database, run_id: str) -> Database:
    """The database to read a run from: the archive if the run was moved there, else the book, also for an unknown run.

    Raises `NotFound` when the run was moved into an archive that cannot be read.
    """
    if database.row("SELECT 1 FROM runs WHERE id = ?", (run_id,)) is not None or record(database) is None:
        return database
    if not has(database, run_id):
        return database
    archive = past(database)
    if archive is None:
        raise NotFound(f"run {run_id} is in an archive that cannot be read: {problem(database)}")
    return archive


def refers(database: Database, table: str, key: int) -> bool:
    """Whether the archive may refer to the row `key` of `accounts` or `assets`; True when it cannot be read."""
    if record(database) is None:
        return False
    archive = past(database)
    return archive is None or bool(referring_tables(archive, table, key))


def digests(path: Path) -> Iterator[str]:
    """The digests of an archive file: its own, then those of the archives that it extends; none for any other file."""
    with suppress(sqlite3.Error), closing(_connected(path)) as connection:
        yield from (value for (value,) in connection.execute("SELECT value FROM archive_about WHERE name = 'digest'"))
        yield from (digest for (digest,) in connection.execute("SELECT digest FROM archive_earlier"))
