"""Tables of an archive, and digests of their rows.

An archive is a SQLite file with those rows of a book's tables that its runs and decisions refer to, so that it can be
read without the book.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from rebal_tui.store.database import SqlRow

REFERRED = ("assets", "accounts", "portfolios", "subscriptions", "trade_restrictions", "decision_kinds")
"""Tables that are copied whole, because archived rows refer to them; parents before children."""
CHILDREN = ("run_events", "orders", "fills", "skipped_orders", "run_overrides")
"""Tables whose rows belong to a run, by their column `run`."""
MOVED = ("parts", "contexts", "runs", *CHILDREN, "decisions")
"""Tables whose rows move into the archive; parents before children."""
CONTEXT_PARTS = ("moment", "assets", "prices", "portfolios")
"""The columns of a context that refer to blobs."""
DECISION_KEY = ("session", "account", "portfolio", "kind", "run")
OWN = """
CREATE TABLE archive_about (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE archive_earlier (digest TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;
CREATE TABLE staying_runs (run INTEGER PRIMARY KEY REFERENCES runs) STRICT
"""
"""Tables of the archive alone: facts about it, the digests of the archives that it continues, and the runs that stayed
in the book and are only here because decisions name them."""
FETCHED = 2_000
"""Rows that are read at once."""
_BITS = 1 << 256


@dataclass(slots=True)
class Content:
    """Row counts and digests of an archive, by table.

    A digest in `sums` does not depend on the order of the rows, one in `ordered` does.
    """

    counts: dict[str, int] = field(default_factory=dict)
    sums: dict[str, int] = field(default_factory=dict)
    ordered: dict[str, str] = field(default_factory=dict)

    @property
    def digest(self) -> str:
        """One SHA-256 digest of all tables, in hexadecimal."""
        return hashlib.sha256(repr(sorted(self.ordered.items())).encode()).hexdigest()


def create(connection: sqlite3.Connection, book: sqlite3.Connection) -> None:
    """Create the tables of an archive in an empty file, with the indexes that they have in the book."""
    for table in (*REFERRED, *MOVED):
        for (sql,) in book.execute(
            "SELECT sql FROM main.sqlite_master WHERE tbl_name = ? AND type IN ('table', 'index') AND sql IS NOT NULL "
            "ORDER BY type DESC",
            (table,),
        ):
            # Content that the book stored, moved and stored again has two keys here.
            connection.execute(sql.replace("digest BLOB NOT NULL UNIQUE", "digest BLOB NOT NULL"))
    connection.executescript(OWN)


def columns(connection: sqlite3.Connection, schema: str, table: str) -> list[str]:
    """The columns of a table, in order."""
    return [row[1] for row in connection.execute(f"PRAGMA {schema}.table_info({table})")]


def keys_of(connection: sqlite3.Connection, schema: str, table: str) -> list[str]:
    """The columns of a table's primary key, in order."""
    found = [(row[5], row[1]) for row in connection.execute(f"PRAGMA {schema}.table_info({table})") if row[5]]
    return [name for _, name in sorted(found)]


def read(connection: sqlite3.Connection, content: Content) -> Iterator[None]:
    """Fill an empty `Content` from an archive's file. A generator: it yields None between parts of the work."""
    for table in MOVED:
        order = ", ".join(keys_of(connection, "main", table))
        total, ordered, count = 0, hashlib.sha256(), 0
        cursor = connection.execute(
            f"SELECT {', '.join(columns(connection, 'main', table))} FROM {table} ORDER BY {order}"
        )
        while rows := cursor.fetchmany(FETCHED):
            texts = _texts(rows)
            total = (total + _sum(texts)) % _BITS
            count += len(rows)
            ordered.update(b"".join(texts))
            yield None
        content.counts[table], content.sums[table], content.ordered[table] = count, total, ordered.hexdigest()


def _texts(rows: Sequence[SqlRow]) -> list[bytes]:
    """Each row as bytes; different rows have different ones."""
    return [repr(row).encode() for row in rows]


def _sum(texts: Sequence[bytes]) -> int:
    """A digest of rows that does not depend on their order; the digests of two sets of rows add up to that of both."""
    return sum(int.from_bytes(hashlib.sha256(text).digest(), "big") for text in texts) % _BITS


def add(content: Content, table: str, rows: Sequence[SqlRow]) -> None:
    """Add rows of a table to the `counts` and `sums` of a content; `ordered` is not updated."""
    content.counts[table] = content.counts.get(table, 0) + len(rows)
    content.sums[table] = (content.sums.get(table, 0) + _sum(_texts(rows))) % _BITS
