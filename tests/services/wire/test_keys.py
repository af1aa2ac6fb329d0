"""Secrets of the API are compared in constant time, whether the key is known or not."""

from __future__ import annotations

import hmac
from datetime import UTC, datetime

import pytest

from rebal_tui.services.wire.keyring import Keyring
from rebal_tui.services.wire.keys import NewKey, add_key, good_keys
from tests.store.books import new_file

KEY = NewKey("KEYID", "a secret", bytes(range(16)))
AT = datetime(2026, 3, 2, tzinfo=UTC)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("key_id", "secret", "name"),
    [("KEYID", "a secret", "desk"), ("KEYID", "another", None), ("NOKEY", "a secret", None), ("", "", None)],
)
def test_every_answer_is_by_one_comparison_in_constant_time(
    monkeypatch: pytest.MonkeyPatch, key_id: str, secret: str, name: str | None
) -> None:
    database = new_file()
    add_key(database, "desk", KEY, AT)
    keyring = Keyring(good_keys(database, AT))
    compared: list[tuple[bytes, bytes]] = []
    compare = hmac.compare_digest

    def noted(a: bytes, b: bytes) -> bool:
        compared.append((bytes(a), bytes(b)))
        return compare(a, b)

    monkeypatch.setattr(hmac, "compare_digest", noted)
    found = keyring.find(key_id, secret, AT)
    assert (found.name if found else None) == name
    ((known, given),) = compared
    assert len(known) == len(given) == 32
    assert (known == given) is (name is not None)
