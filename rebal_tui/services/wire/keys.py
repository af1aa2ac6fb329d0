"""API keys: shown once, stored hashed, compared in constant time."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from rebal_tui.domain.errors import Conflict, Fault, Invalid, NotFound
from rebal_tui.domain.text import name_text
from rebal_tui.store import api_keys as store
from rebal_tui.store import audit
from rebal_tui.store.api_keys import ApiKey
from rebal_tui.store.database import Database


@dataclass(frozen=True, slots=True)
class NewKey:
    """A random new key: its id, its secret, and the salt of its hash (16 bytes or more)."""

    key_id: str
    secret: str
    salt: bytes


def add_key(database: Database, name: str, key: NewKey, at: datetime) -> None:
    """Store a key under a name, with only the hash of its secret. Raises `Invalid`, or `Conflict` for a name in use."""
    try:
        shown = name_text(name)
    except ValueError as error:
        raise Invalid([Fault("name", str(error))]) from error
    with database.write() as tx:
        if any(known.name == shown for known in good_keys(database)):
            raise Conflict(f"key {shown} already exists; revoke it first or choose another name")
        store.add(tx, ApiKey(key.key_id, shown, key.salt, _digest(key.salt, key.secret), at))
        audit.append(tx, at, "advisor", "api_key.added", key.key_id, {"name": shown})


def revoke_key(database: Database, name: str, at: datetime) -> ApiKey:
    """Revoke a valid key by its name or its id. Raises `NotFound`."""
    found = next((key for key in good_keys(database) if name in (key.name, key.key_id)), None)
    if found is None:
        raise NotFound(f"no key {name}")
    with database.write() as tx:
        store.revoke(tx, found.key_id, at)
        audit.append(tx, at, "advisor", "api_key.revoked", found.key_id, {"name": found.name})
    return found


def good_keys(database: Database) -> list[ApiKey]:
    """Every key that is not revoked."""
    return [key for key in store.load(database) if key.revoked_at is None]


class Keyring:
    """The valid keys, in memory for frequent lookups."""

    def __init__(self, keys: Iterable[ApiKey]) -> None:
        self._keys = {key.key_id: key for key in keys}
        self._unknown_key = ApiKey("", "", bytes(16), bytes(32), datetime.min.replace(tzinfo=UTC))

    def name_of(self, key_id: str, secret: str) -> str | None:
        """The name of the key if the secret matches, else None; an unknown key takes as long as a wrong secret."""
        key = self._keys.get(key_id, self._unknown_key)
        same = hmac.compare_digest(key.digest, _digest(key.salt, secret))
        return key.name if same and key.key_id else None


def _digest(salt: bytes, secret: str) -> bytes:
    return hmac.new(salt, secret.encode("utf-8", "surrogatepass"), hashlib.sha256).digest()
