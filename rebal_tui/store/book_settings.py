"""Settings of a book by name, such as its name, its mode, and the event cursor."""

from __future__ import annotations

import hashlib

from rebal_tui.store.database import Database, Transaction

_STEP = 4_099
"""Odd, so that the prefixes of the first 2^32 ids differ; large enough that neighbors differ in their fifth digit."""
_VARIANT = {f"{digit:x}": "89ab"[digit & 3] for digit in range(16)}
BROKER = "broker"
"""Name of the setting that identifies the book's real broker; absent when the broker is simulated."""


def get(database: Database, name: str, default: str = "") -> str:
    row = database.row("SELECT value FROM meta WHERE name = ?", (name,))
    return row[0] if row else default


def put(tx: Transaction, name: str, value: str) -> None:
    """Store the value of the book's setting `name`."""
    tx.execute("INSERT INTO meta VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value", (name, value))


def next_id(tx: Transaction) -> str:
    """The next UUID of this book, from its seed and a counter stored in the same transaction; never issued twice."""
    return next_ids(tx, 1)[0]


def next_ids(tx: Transaction, count: int) -> list[str]:
    """The next `count` UUIDs of this book, with one update of the counter."""
    first = int(get(tx.database, "id_count", "0")) + 1
    put(tx, "id_count", str(first + count - 1))
    seed = get(tx.database, "id_seed").encode()
    begin = int.from_bytes(hashlib.sha256(seed).digest()[:4], "big")
    return [
        _uuid(begin + number * _STEP & 0xFFFF_FFFF, b"%b:%d" % (seed, number)) for number in range(first, first + count)
    ]


def _uuid(ascending: int, unlike: bytes) -> str:
    """A UUID of version 8 (RFC 9562): an ascending prefix, which keeps indexes compact, and a digest."""
    digits = hashlib.sha256(unlike).hexdigest()
    return f"{ascending:08x}-{digits[:4]}-8{digits[4:7]}-{_VARIANT[digits[7]]}{digits[8:11]}-{digits[11:23]}"
