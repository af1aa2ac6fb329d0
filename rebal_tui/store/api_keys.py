"""API keys; of each secret only a salted hash is stored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from rebal_tui.domain.api_keys import KeyScope
from rebal_tui.store.codec import from_time, from_time_or_none, to_time
from rebal_tui.store.database import Database, Transaction


@dataclass(frozen=True, slots=True)
class ApiKey:
    """An API key. `digest` is the HMAC-SHA256 of its secret, keyed by `salt`.

    `revoked_at` is None for a key without an end. After a rotation (replacing a key by a new one), the old key's
    `revoked_at` may be in the future; the key is valid until then. `used_at` is the time of its last use, to the
    minute.
    """

    key_id: str
    name: str
    salt: bytes
    digest: bytes
    created_at: datetime
    scope: KeyScope = KeyScope.TRADE
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    used_at: datetime | None = None

    def is_valid(self, at: datetime) -> bool:
        """Whether the key is accepted at a time."""
        return (self.revoked_at is None or at < self.revoked_at) and (self.expires_at is None or at < self.expires_at)


def add(tx: Transaction, key: ApiKey) -> None:
    """Insert a key. Raises `sqlite3.IntegrityError` when a key that is not revoked has the same name."""
    tx.execute(
        "INSERT INTO api_keys (key_id, name, salt, digest, created_at, scope, expires_at) VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            key.key_id, key.name, key.salt.hex(), key.digest.hex(), to_time(key.created_at), key.scope,
            None if key.expires_at is None else to_time(key.expires_at),
        ),
    )  # fmt: skip


def load(database: Database) -> list[ApiKey]:
    """Every key, including revoked keys, oldest first."""
    rows = database.rows(
        "SELECT key_id, name, salt, digest, created_at, scope, expires_at, revoked_at, used_at FROM api_keys "
        "ORDER BY created_at, key_id"
    )
    return [
        ApiKey(
            r[0], r[1], bytes.fromhex(r[2]), bytes.fromhex(r[3]), from_time(r[4]), KeyScope(r[5]),
            from_time_or_none(r[6]), from_time_or_none(r[7]), from_time_or_none(r[8]),
        )
        for r in rows
    ]  # fmt: skip


def revoke(tx: Transaction, key_id: str, at: datetime) -> None:
    """Revoke a key at a time, which may be later than now; an earlier revocation stays."""
    tx.execute(
        "UPDATE api_keys SET revoked_at = ? WHERE key_id = ? AND (revoked_at IS NULL OR revoked_at > ?)",
        (to_time(at), key_id, to_time(at)),
    )


def note_use(tx: Transaction, used: Mapping[str, datetime]) -> None:
    """Store when keys were last used, by their ids."""
    tx.executemany("UPDATE api_keys SET used_at = ? WHERE key_id = ?", [(to_time(at), key) for key, at in used.items()])
