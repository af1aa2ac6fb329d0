"""Named values of a book: its name, its mode, where the broker's events have been read to."""

from __future__ import annotations

import hashlib

from rebal_tui.store.database import Database

BROKER = "broker"
"""The name under which a book keeps which real broker it has; nothing where the broker is simulated."""


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
    return next_ids(database, 1)[0]


def next_ids(database: Database, count: int) -> list[str]:
    """The next UUIDs of this book, their numbers taken at once. Must be called inside `database.write()`."""
    first = int(get(database, "id_count", "0")) + 1
    put(database, "id_count", str(first + count - 1))
    seed = hashlib.sha256(f"{get(database, 'id_seed')}:".encode())
    return [_uuid(seed, number) for number in range(first, first + count)]


def _uuid(seed: hashlib._Hash, number: int) -> str:
    """A UUID of version 4 made of the digest of the seed and a number."""
    total = seed.copy()
    total.update(b"%d" % number)
    digits = total.hexdigest()
    variant = "89ab"[int(digits[16], 16) & 3]
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:32]}"
