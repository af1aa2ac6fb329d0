"""Texts shared by many rows (weights, prices, assets, portfolios), each stored once under its digest."""

from __future__ import annotations

import hashlib
import zlib

from rebal_tui.domain.errors import BrokenInvariant
from rebal_tui.store.database import Database, Transaction


def put(tx: Transaction, value: str) -> int:
    """Store a text, unless it is stored already, and return its integer key."""
    content = value.encode()
    digest = hashlib.sha256(content).digest()
    found = tx.row("SELECT key FROM parts WHERE digest = ?", (digest,))
    if found is None:
        found = tx.row(
            "INSERT INTO parts (digest, content) VALUES (?, ?) RETURNING key", (digest, zlib.compress(content, 1))
        )
    if found is None:
        raise BrokenInvariant("an inserted blob has no key")
    return int(found[0])


def text(database: Database, key: int) -> str:
    """A text by its key. Raises `ValueError` when it is missing or does not match its digest."""
    row = database.row("SELECT digest, content FROM parts WHERE key = ?", (key,))
    if row is None:
        raise ValueError(f"blob {key} is missing")
    return _read(key, *row)


def faults(database: Database) -> list[str]:
    """Shared texts that cannot be read or do not match their digest, one message each."""
    found = []
    for key, digest, content in database.connection.execute("SELECT key, digest, content FROM parts"):
        try:
            _read(key, digest, content)
        except ValueError as error:
            found.append(str(error))
    return found


def _read(key: int, digest: bytes, content: bytes) -> str:
    try:
        found = zlib.decompress(content)
    except zlib.error as error:
        raise ValueError(f"blob {key} cannot be read: {error}") from error
    if hashlib.sha256(found).digest() != digest:
        raise ValueError(f"blob {key} does not match its digest")
    return found.decode()
