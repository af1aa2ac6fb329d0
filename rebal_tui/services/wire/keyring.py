"""The API keys in memory, against which every request is checked."""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from rebal_tui.store.api_keys import ApiKey


class Keyring:
    """The API keys of a book, and when each was last used. After a change of the stored keys, call `replace`."""

    def __init__(self, keys: Iterable[ApiKey] = ()) -> None:
        self._own: tuple[ApiKey, ...] = ()
        self._keys: dict[str, ApiKey] = {}
        self._used: dict[str, datetime] = {}
        self._unknown_key = ApiKey("", "", bytes(16), bytes(32), datetime.min.replace(tzinfo=UTC))
        self.replace(keys)

    def replace(self, keys: Iterable[ApiKey]) -> None:
        """Accept from now on these keys and those given to `keep`, but no others."""
        self._keys = {key.key_id: key for key in (*keys, *self._own)}

    def keep(self, key: ApiKey) -> None:
        """Accept a key that is not stored in a file, as long as this keyring exists."""
        self._own = (*self._own, key)
        self._keys = {**self._keys, key.key_id: key}

    def find(self, key_id: str, secret: str, at: datetime) -> ApiKey | None:
        """The key if it is valid and the secret matches, else None; an unknown key takes as long as a wrong secret."""
        key = self._keys.get(key_id, self._unknown_key)
        same = hmac.compare_digest(key.digest, digest(key.salt, secret))
        if not same or not key.key_id or not key.is_valid(at):
            return None
        self._used[key_id] = at
        return key

    def accepts(self, key_id: str, at: datetime) -> bool:
        """Whether a key whose secret was checked before is still accepted at `at`: not revoked and not expired."""
        return self._keys.get(key_id, self._unknown_key).key_id == key_id and self._keys[key_id].is_valid(at)

    def name_of(self, key_id: str) -> str:
        """The name of a key, empty for an unknown id."""
        return self._keys.get(key_id, self._unknown_key).name

    def take_used(self) -> dict[str, datetime]:
        """When each stored key that was used since the previous call was last used, by key id."""
        used, self._used = self._used, {}
        return {key_id: at for key_id, at in used.items() if all(key_id != own.key_id for own in self._own)}

    def return_used(self, used: Mapping[str, datetime]) -> None:
        """Give back the result of `take_used`, because it could not be stored; the next call includes it."""
        self._used = {**used, **self._used}


def digest(salt: bytes, secret: str) -> bytes:
    """The hash of a secret with its salt, as stored."""
    return hmac.digest(salt, secret.encode("utf-8", "surrogatepass"), "sha256")
