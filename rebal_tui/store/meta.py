"""Named values of a book: its name, its mode, where the broker's events have been read to."""

from __future__ import annotations

import hashlib
import uuid

from rebal_tui.store.database import Database


def get(database: Database, name: str, default: str = "") -> str:
    row = database.row("SELECT value FROM meta WHERE name = ?", (name,))
    return row[0] if row else default


def put(database: Database, name: str, value: str) -> None:
    """Must be called inside `database.write()`."""
    database.connection.execute(
        "INSERT INTO meta VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value", (name, value)
    )


def next_id(database: Database) -> str:
    """The next UUID of this book, from its seed and a counter kept in the same transaction; never given twice."""
    count = int(get(database, "id_count", "0")) + 1
    put(database, "id_count", str(count))
    digest = hashlib.sha256(f"{get(database, 'id_seed')}:{count}".encode()).digest()
    return str(uuid.UUID(bytes=digest[:16], version=4))
