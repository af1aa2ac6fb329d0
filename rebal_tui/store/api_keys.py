"""API keys; of each secret only a salted hash is stored."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from rebal_tui.store.codec import from_time, from_time_or_none, to_time
from rebal_tui.store.database import Database, Transaction


@dataclass(frozen=True, slots=True)
class ApiKey:
    """An API key. `digest` is the HMAC-SHA256 of its secret under `salt`; `revoked_at` is None while it is valid."""

    key_id: str
    name: str
    salt: bytes
    digest: bytes
    created_at: datetime
    revoked_at: datetime | None = None


def add(tx: Transaction, key: ApiKey) -> None:
    """Insert a key. Raises `sqlite3.IntegrityError` when a valid key has the same name."""
    tx.execute(
        "INSERT INTO api_keys (key_id, name, salt, digest, created_at) VALUES (?, ?, ?, ?, ?)",
        (key.key_id, key.name, key.salt.hex(), key.digest.hex(), to_time(key.created_at)),
    )


def load(database: Database) -> list[ApiKey]:
    """Every key, including revoked keys, oldest first."""
    rows = database.rows(
        "SELECT key_id, name, salt, digest, created_at, revoked_at FROM api_keys ORDER BY created_at, key_id"
    )
    return [
        ApiKey(r[0], r[1], bytes.fromhex(r[2]), bytes.fromhex(r[3]), from_time(r[4]), from_time_or_none(r[5]))
        for r in rows
    ]


def revoke(tx: Transaction, key_id: str, at: datetime) -> None:
    """Revoke a key at a time; an earlier revocation stays."""
    tx.execute("UPDATE api_keys SET revoked_at = ? WHERE key_id = ? AND revoked_at IS NULL", (to_time(at), key_id))
