"""Authentication and rate limits."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from datetime import UTC, datetime

import httpx
import pytest

from rebal_tui.api.access import WINDOW_SECONDS, Limiter
from rebal_tui.domain.errors import Conflict, Invalid, NotFound
from rebal_tui.services.wire.keys import Keyring, NewKey, add_key, good_keys, revoke_key
from rebal_tui.store import audit
from tests.api.servers import OPEN, Server, running
from tests.store.books import new_file

AT = datetime(2026, 3, 2, 15, tzinfo=UTC)
RATE = 40


@pytest.fixture(scope="module")
def limited() -> Iterator[Server]:
    with running("--sandbox", "--at", OPEN, "--rate", str(RATE)) as one:
        yield one


def _basic(text: bytes) -> dict[str, str]:
    return {"Authorization": f"Basic {base64.b64encode(text).decode()}"}


def test_only_a_valid_key_with_its_secret_is_accepted(limited: Server) -> None:
    wrong = [
        {},
        {"Authorization": "Bearer x"},
        {"Authorization": "Basic %%%"},
        _basic(b"no colon"),
        _basic(b"\xff:\xff"),
        _basic(f"{limited.key}:".encode()),
        _basic(f"{limited.key}:{limited.secret}x".encode()),
        _basic(f"{limited.key}x:{limited.secret}".encode()),
        _basic(f"{limited.secret}:{limited.key}".encode()),
        _basic(b":" + b"x" * 5_000),
    ]
    for headers in wrong:
        answer = httpx.get(f"{limited.url}/v1/clock", headers=headers)
        assert (answer.status_code, answer.json()) == (
            401, {"code": 40110000, "message": "request is not authorized"},
        )  # fmt: skip
        assert answer.headers["WWW-Authenticate"].startswith("Basic")
    good = _basic(f"{limited.key}:{limited.secret}".encode())
    assert httpx.get(f"{limited.url}/v1/clock", headers=good).status_code == 200


def test_unknown_paths_are_not_revealed_without_a_key(limited: Server) -> None:
    assert httpx.get(f"{limited.url}/v1/nowhere").status_code == 401


def test_the_document_and_its_page_are_public(limited: Server) -> None:
    document = httpx.get(f"{limited.url}/openapi.json").json()
    assert document["components"]["securitySchemes"] == {"basic": {"type": "http", "scheme": "basic"}}
    assert {"/v1/rebalancing/portfolios", "/v1/rebalancing/runs/{run_id}", "/sandbox/step"} <= set(document["paths"])
    assert "swagger" in httpx.get(f"{limited.url}/docs").text


def test_the_remaining_percent_is_shown_until_it_is_zero(limited: Server) -> None:
    left = []
    for _ in range(RATE + 5):
        answer = limited.http.get("/v1/clock")
        if answer.status_code == 429:
            break
        left.append(int(answer.headers["X-RateLimit-Remaining"]))
    assert left == sorted(left, reverse=True)
    assert left[-1] == 0
    assert answer.json() == {"code": 42910000, "message": "rate limit exceeded"}
    assert answer.headers["X-RateLimit-Limit"] == str(RATE)
    assert 0 < int(answer.headers["X-RateLimit-Reset"]) - datetime.now(UTC).timestamp() <= WINDOW_SECONDS + 2


def test_a_window_ends_and_callers_do_not_share_it() -> None:
    now = 0.0
    limiter = Limiter(2, lambda: now)
    assert [limiter.acquire("a").granted for _ in range(3)] == [True, True, False]
    assert limiter.acquire("b").granted
    assert limiter.acquire("a", count=False).remaining == 0
    now = WINDOW_SECONDS
    assert limiter.acquire("a").remaining == 1


def test_a_secret_is_never_stored(limited: Server) -> None:
    database = new_file()
    add_key(database, "backoffice", NewKey("PK1", "a-secret", bytes(16)), AT)
    stored = json.dumps(database.rows("SELECT * FROM api_keys")) + json.dumps(database.rows("SELECT * FROM audit"))
    assert "a-secret" not in stored
    assert "a-secret" not in "\n".join(str(line) for line in database.connection.iterdump())
    keyring = Keyring(good_keys(database))
    assert keyring.name_of("PK1", "a-secret") == "backoffice"
    assert keyring.name_of("PK1", "a-secret ") is None
    assert keyring.name_of("", "") is None
    assert audit.verify(database) == []


def test_the_same_secret_under_another_salt_has_another_hash() -> None:
    database = new_file()
    add_key(database, "one", NewKey("PK1", "same", bytes(16)), AT)
    add_key(database, "two", NewKey("PK2", "same", bytes(15) + b"x"), AT)
    first, second = good_keys(database)
    assert first.digest != second.digest


def test_a_revoked_key_is_invalid_and_its_name_can_be_reused() -> None:
    database = new_file()
    add_key(database, "one", NewKey("PK1", "same", bytes(16)), AT)
    with pytest.raises(Conflict, match="key one already exists"):
        add_key(database, "one", NewKey("PK2", "other", bytes(16)), AT)
    assert revoke_key(database, "PK1", AT).name == "one"
    assert good_keys(database) == []
    with pytest.raises(NotFound):
        revoke_key(database, "one", AT)
    add_key(database, "one", NewKey("PK2", "other", bytes(16)), AT)
    with pytest.raises(Invalid):
        add_key(database, "\x07", NewKey("PK3", "other", bytes(16)), AT)
