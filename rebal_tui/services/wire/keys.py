"""API keys: added, rotated, revoked. A secret is shown once; only its hash is stored.

The times of keys are real times: the clock of a simulated book may be paused or fast, and a key must still end on time.
`at` is the real time. `audit_at` is the book's time, for the audit entry; None if the two are the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from rebal_tui.domain.api_keys import MAX_OVERLAP_HOURS, KeyScope
from rebal_tui.domain.errors import Conflict, Fault, Invalid, NotFound
from rebal_tui.domain.text import name_text
from rebal_tui.services.wire.keyring import digest
from rebal_tui.services.wire.shapes import time_or_null, time_text
from rebal_tui.store import api_keys as store
from rebal_tui.store import audit
from rebal_tui.store.api_keys import ApiKey
from rebal_tui.store.database import Database

if TYPE_CHECKING:
    from rebal_tui.services.wire.models import server

ADVISOR = "advisor"
"""Actor in the audit trail of a person at this machine."""
_ID_FORM = re.compile(r"PK[A-Z2-7]{16}")
"""The form of the ids of keys; as a name, it would leave open which key a request means."""


@dataclass(frozen=True, slots=True)
class NewKey:
    """A random new key: its id, its secret, and the salt of its hash (16 bytes or more)."""

    key_id: str
    secret: str
    salt: bytes


def add_key(
    database: Database, name: str, key: NewKey, at: datetime, *, scope: KeyScope = KeyScope.TRADE,
    expires_at: datetime | None = None, actor: str = ADVISOR, audit_at: datetime | None = None,
) -> ApiKey:  # fmt: skip
    """Store a key under a name, with only the hash of its secret.

    Raises `Invalid` for a name that cannot be shown or has the form of an id, or an expiry that is not after `at`,
    `Conflict` for a name in use.
    """
    try:
        shown = name_text(name)
    except ValueError as error:
        raise Invalid([Fault("name", str(error))]) from error
    if _ID_FORM.fullmatch(shown):
        raise Invalid([Fault("name", "expected a name that does not look like the id of a key")])
    _require_later(expires_at, at)
    with database.write() as tx:
        if any(known.name == shown and known.revoked_at is None for known in store.load(database)):
            raise Conflict(f"key {shown} already exists; rotate or revoke it, or choose another name")
        made = ApiKey(key.key_id, shown, key.salt, digest(key.salt, key.secret), at, scope, expires_at)
        store.add(tx, made)
        detail = {"name": shown, "scope": scope, "expires_at": time_or_null(expires_at)}
        audit.append(tx, audit_at or at, actor, "api_key.added", key.key_id, detail)
    return made


def rotate_key(
    database: Database, name: str, key: NewKey, at: datetime, *, overlap: timedelta = timedelta(0),
    expires_at: datetime | None = None, actor: str = ADVISOR, audit_at: datetime | None = None,
) -> ApiKey:  # fmt: skip
    """Replace a key, by name or id, with a new one of the same name and scope; the old one ends after `overlap`.

    Without `expires_at`, the new key is valid for as long as the old one was. Raises `NotFound`, or `Invalid` for an
    overlap outside 0 to `MAX_OVERLAP_HOURS` or an expiry that is not after `at`.
    """
    if not timedelta(0) <= overlap <= timedelta(hours=MAX_OVERLAP_HOURS):
        raise Invalid([Fault("keep_old_hours", f"expected 0 to {MAX_OVERLAP_HOURS} hours")])
    _require_later(expires_at, at)
    with database.write() as tx:
        old = next(iter(_named(name, (key for key in store.load(database) if key.revoked_at is None))), None)
        if old is None:
            raise NotFound(f"no key {name}")
        if expires_at is None and old.expires_at is not None:
            expires_at = at + (old.expires_at - old.created_at)
        store.revoke(tx, old.key_id, at + overlap)
        made = ApiKey(key.key_id, old.name, key.salt, digest(key.salt, key.secret), at, old.scope, expires_at)
        store.add(tx, made)
        detail = {"name": old.name, "replaces": old.key_id, "replaced_until": time_text(at + overlap)}
        audit.append(tx, audit_at or at, actor, "api_key.rotated", key.key_id, detail)
    return made


def revoke_key(
    database: Database, name: str, at: datetime, actor: str = ADVISOR, *, audit_at: datetime | None = None
) -> list[ApiKey]:
    """Revoke the key with the id `name`, else every key of that name that is not revoked yet.

    Returns the revoked keys. Raises `NotFound` when there is none.
    """
    with database.write() as tx:
        found = _named(name, good_keys(database, at))
        if not found:
            raise NotFound(f"no key {name}")
        for key in found:
            store.revoke(tx, key.key_id, at)
            audit.append(tx, audit_at or at, actor, "api_key.revoked", key.key_id, {"name": key.name})
    return found


def good_keys(database: Database, at: datetime) -> list[ApiKey]:
    """Every key that is not revoked at `at`.

    Expired keys are included: requests with them are refused, but they can be rotated.
    """
    return [key for key in store.load(database) if key.revoked_at is None or at < key.revoked_at]


def note_use(database: Database, used: Mapping[str, datetime]) -> None:
    """Store when keys were last used, without an audit entry."""
    if used:
        with database.write() as tx:
            store.note_use(tx, used)


def key_json(key: ApiKey) -> server.ApiKey:
    """A key without its secret."""
    return {
        "name": key.name,
        "key": key.key_id,
        "scope": key.scope,
        "created_at": time_text(key.created_at),
        "expires_at": time_or_null(key.expires_at),
        "revoked_at": time_or_null(key.revoked_at),
        "last_used_at": time_or_null(key.used_at),
    }


def new_key_json(key: ApiKey, secret: str) -> server.NewApiKey:
    """A new key with its secret, which is shown only here."""
    return {**key_json(key), "secret": secret}


def local_key(key: NewKey) -> ApiKey:
    """A key without a name, with which a person at this machine manages the book of a server; it is never stored."""
    return ApiKey(
        key.key_id, "", key.salt, digest(key.salt, key.secret), datetime.min.replace(tzinfo=UTC), KeyScope.ADMIN
    )


def _named(name: str, keys: Iterable[ApiKey]) -> list[ApiKey]:
    """The key with the id `name`, else the keys of that name."""
    known = list(keys)
    return [key for key in known if key.key_id == name] or [key for key in known if key.name == name]


def _require_later(expires_at: datetime | None, at: datetime) -> None:
    if expires_at is not None and expires_at <= at:
        raise Invalid([Fault("expires_at", f"expected a time after {time_text(at)}")])
