"""Authentication and rate limits."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx
import pytest
from fastapi import FastAPI
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from rebal_tui.api import openapi
from rebal_tui.api.access import MAX_FAILURES, WINDOW_SECONDS, Access, Limiter
from rebal_tui.api.failed_logins import FailedLogins
from rebal_tui.api.key_slots import KeySlots
from rebal_tui.bootstrap import new_api_key
from rebal_tui.domain.errors import Conflict, Invalid, NotFound
from rebal_tui.services.wire.keyring import Keyring
from rebal_tui.services.wire.keys import NewKey, add_key, good_keys, local_key, revoke_key
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


@pytest.mark.slow
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
    document = httpx.get(f"{limited.url}/openapi.json", timeout=60).json()
    assert document["components"]["securitySchemes"] == {"basic": {"type": "http", "scheme": "basic"}}
    assert {"/v1/rebalancing/portfolios", "/v1/rebalancing/runs/{run_id}", "/sandbox/step"} <= set(document["paths"])
    page = httpx.get(f"{limited.url}/docs", timeout=60)
    assert "/v1/rebalancing/portfolios" in page.text
    assert "<script" not in page.text
    assert page.headers["Content-Security-Policy"].startswith("default-src 'none'")


def test_the_document_and_its_page_are_rendered_once(monkeypatch: pytest.MonkeyPatch) -> None:
    rendered: list[str] = []

    def page(_document: object) -> str:
        rendered.append("page")
        return "<html>"

    def document(_content: object) -> Response:
        rendered.append("document")
        return Response("{}")

    monkeypatch.setattr(openapi, "docs_page", page)
    monkeypatch.setattr(openapi, "json_response", document)
    app = FastAPI(openapi_url=None, docs_url=None)
    openapi.describe(app)

    async def ask() -> list[str]:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as http:
            return [(await http.get(path)).text for path in ("/docs", "/openapi.json") * 3]

    assert asyncio.run(ask()) == ["<html>", "{}"] * 3
    assert rendered == ["page", "document"]


def test_responses_are_not_cached_or_interpreted_by_browsers(limited: Server) -> None:
    for path in ("/docs", "/v1/clock", "/openapi.json"):
        headers = httpx.get(limited.url + path).headers
        assert (headers["X-Content-Type-Options"], headers["Cache-Control"]) == ("nosniff", "no-store"), path


@pytest.mark.slow
def test_a_local_server_answers_only_under_a_local_name(limited: Server) -> None:
    port = limited.url.rpartition(":")[2]
    for host in ("rebind.example", f"rebind.example:{port}", ""):
        refused = httpx.get(f"{limited.url}/docs", headers={"Host": host})
        assert (refused.status_code, "Date" in refused.headers) == (400, True), host
    for host in ("localhost", f"LOCALHOST:{port}", "127.0.0.1", "[::1]:80"):
        assert httpx.get(f"{limited.url}/docs", headers={"Host": host}).status_code == 200, host


def test_wrong_passwords_from_an_address_do_not_lock_out_the_right_key() -> None:
    database = new_file()
    add_key(database, "ops", NewKey("K", "S", bytes(16)), AT)

    async def ok(scope: Scope, receive: Receive, send: Send) -> None:
        await Response("ok")(scope, receive, send)

    def clock() -> float:
        return 0.0

    def now() -> float:
        return AT.timestamp()

    keyring, failures = Keyring(good_keys(database, AT)), Limiter(MAX_FAILURES, clock)
    failed = FailedLogins()
    app = Access(ok, keyring, Limiter(1_000, clock), KeySlots(4), failures, failed, now, clock)

    async def statuses(headers: dict[str, str], count: int, client: str = "192.0.2.1") -> list[int]:
        transport = httpx.ASGITransport(app, client=(client, 5))
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as http:
            return [
                # Nobody's word on the address is taken, so a forwarded address does not evade the limit.
                (await http.get("/v1/clock", headers={**headers, "X-Forwarded-For": f"10.0.0.{n}"})).status_code
                for n in range(count)
            ]

    assert asyncio.run(statuses(_basic(b"K:wrong"), MAX_FAILURES + 2)) == [401] * MAX_FAILURES + [429] * 2
    assert asyncio.run(statuses(_basic(b"K:S"), 3)) == [200] * 3
    # One IPv6 caller has many addresses.
    asyncio.run(statuses(_basic(b"K:wrong"), MAX_FAILURES, "2001:db8::1"))
    guess = _basic(b"K:wrong")
    assert [asyncio.run(statuses(guess, 1, f"2001:db8:0:{net}::2")) for net in (0, 1)] == [[429], [401]]
    # A request without a key guesses nothing.
    before = failed.total
    assert asyncio.run(statuses({}, 2)) == [401] * 2
    assert asyncio.run(statuses({"Authorization": ""}, 2)) == [429] * 2
    assert failed.total == before + 2
    database.close()


def test_a_key_whose_requests_do_not_end_leaves_room_for_others_and_can_still_stop() -> None:
    database = new_file()
    for name in ("slow", "other"):
        add_key(database, name, NewKey(name, "S", bytes(16)), AT)
    ended = asyncio.Event()

    async def wait(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == "/v1/journals":
            await ended.wait()
        await Response("ok")(scope, receive, send)

    def now() -> float:
        return AT.timestamp()

    limiter = Limiter(1_000, now)
    app = Access(wait, Keyring(good_keys(database, AT)), limiter, KeySlots(4), limiter, FailedLogins(), now, now)

    async def test() -> None:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as http:

            async def post(key: str, path: str, body: bytes = b"") -> httpx.Response:
                return await http.post(f"/v1/{path}", headers=_basic(f"{key}:S".encode()), content=body)

            slow = [asyncio.create_task(post("slow", "journals")) for _ in range(4)]
            await asyncio.sleep(0.01)
            refused = [task.result() for task in slow if task.done()]
            assert [(one.status_code, one.headers["Retry-After"]) for one in refused] == [(429, "1")] * 2
            assert refused[0].json()["message"] == "too many requests of this key at once"
            assert [(await post("other", path)).status_code for path in ("orders", "orders")] == [200, 200]
            assert (await post("slow", "kill_switch")).status_code == 200
            assert (await post("slow", "kill_switch", b"{}")).status_code == 429
            ended.set()
            assert [(await task).status_code for task in slow].count(200) == 2
            assert (await post("slow", "orders")).status_code == 200

    asyncio.run(test())
    database.close()


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
    stopped = limited.http.post("/v1/kill_switch")
    assert (stopped.status_code, stopped.headers["X-RateLimit-Remaining"]) == (200, "0"), "an emergency stop"
    assert limited.http.delete("/v1/kill_switch").status_code == 429
    date = parsedate_to_datetime(answer.headers["Date"]).timestamp()
    assert 0 < int(answer.headers["X-RateLimit-Reset"]) - date <= WINDOW_SECONDS + 2


def test_a_window_ends_and_callers_do_not_share_it() -> None:
    now = 0.0
    limiter = Limiter(2, lambda: now)
    assert [limiter.acquire("a").granted for _ in range(3)] == [True, True, False]
    assert limiter.acquire("a").remaining == 0
    assert limiter.acquire("b").granted
    now = WINDOW_SECONDS
    assert limiter.acquire("a").remaining == 1


def test_a_secret_is_never_stored(limited: Server) -> None:
    database = new_file()
    add_key(database, "backoffice", NewKey("PK1", "a-secret", bytes(16)), AT)
    stored = json.dumps(database.rows("SELECT * FROM api_keys")) + json.dumps(database.rows("SELECT * FROM audit"))
    assert "a-secret" not in stored
    assert "a-secret" not in "\n".join(str(line) for line in database.connection.iterdump())
    assert audit.verify(database) == []


def test_the_same_secret_under_another_salt_has_another_hash() -> None:
    database = new_file()
    add_key(database, "one", NewKey("PK1", "same", bytes(16)), AT)
    add_key(database, "two", NewKey("PK2", "same", bytes(15) + b"x"), AT)
    first, second = good_keys(database, AT)
    assert first.digest != second.digest


@pytest.mark.slow
def test_a_revoked_key_is_invalid_and_its_name_can_be_reused() -> None:
    database = new_file()
    add_key(database, "one", NewKey("PK1", "same", bytes(16)), AT)
    with pytest.raises(Conflict, match="key one already exists"):
        add_key(database, "one", NewKey("PK2", "other", bytes(16)), AT)
    assert [key.name for key in revoke_key(database, "PK1", AT)] == ["one"]
    assert good_keys(database, AT) == []
    with pytest.raises(NotFound):
        revoke_key(database, "one", AT)
    add_key(database, "one", NewKey("PK2", "other", bytes(16)), AT)
    with pytest.raises(Invalid):
        add_key(database, "\x07", NewKey("PK3", "other", bytes(16)), AT)


def test_an_id_means_its_key_alone_and_is_no_name_of_another() -> None:
    database = new_file()
    add_key(database, "one", NewKey("PK1", "a", bytes(16)), AT)
    add_key(database, "PK1", NewKey("PK2", "b", bytes(16)), AT)
    assert [key.name for key in revoke_key(database, "PK1", AT)] == ["one"]
    assert [key.name for key in revoke_key(database, "PK1", AT)] == ["PK1"]
    with pytest.raises(Invalid, match="id of a key"):
        add_key(database, new_api_key().key_id, NewKey("PK3", "c", bytes(16)), AT)
    database.close()


def test_the_key_beside_the_book_is_accepted_from_this_machine_alone() -> None:
    async def ok(scope: Scope, receive: Receive, send: Send) -> None:
        await Response("ok")(scope, receive, send)

    def zero() -> float:
        return 0.0

    keyring, limiter = Keyring(), Limiter(1_000, zero)
    keyring.keep(local_key(NewKey("K", "S", bytes(16))))
    app = Access(ok, keyring, limiter, KeySlots(4), limiter, FailedLogins(), zero, zero)

    async def status(client: str, server: str) -> int:
        transport = httpx.ASGITransport(app, client=(client, 5))
        async with httpx.AsyncClient(transport=transport, base_url=f"http://{server}", auth=("K", "S")) as http:
            return (await http.get("/v1/api_keys")).status_code

    def statuses(*clients: str, server: str) -> list[int]:
        return [asyncio.run(status(client, server)) for client in clients]

    assert statuses("127.0.0.9", "::1", "::ffff:127.0.0.1", "192.0.2.2", server="192.0.2.2") == [200] * 4
    assert statuses("192.0.2.3", "2001:db8::1", "testclient", "", server="192.0.2.2") == [401] * 4
