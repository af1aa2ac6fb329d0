"""Keys while the server runs: scopes, expiry, rotation, last use, failed log-ins; and the kill switch."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from rebal_tui.api.failed_logins import ALERT_FAILURES, FailedLogins
from rebal_tui.cli.program import run
from tests.api.servers import BALANCED, OPEN, Json, Server, running

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("keys") / "book.db"


@pytest.fixture(scope="module")
def sandbox(path: Path) -> Iterator[Server]:
    with running("--sandbox", "--at", OPEN, "--db", str(path)) as one:
        yield one


def status(server: Server, key: Json, method: str = "GET", path: str = "/v1/clock", body: Json = None) -> int:
    """The status of a request with a key."""
    with httpx.Client(base_url=server.url, auth=(key["key"], key["secret"])) as http:
        return http.request(method, path, json=body).status_code


def test_a_scope_allows_what_it_says(sandbox: Server) -> None:
    keys = {
        scope: sandbox.post("/v1/api_keys", {"name": f"scope {scope}", "scope": scope})
        for scope in ("read", "trade", "admin")
    }
    tries = {
        "reading": ("GET", "/v1/accounts", None),
        "trading": ("POST", "/v1/rebalancing/portfolios", BALANCED),
        "the kill switch": ("DELETE", "/v1/kill_switch", None),
        "listing keys": ("GET", "/v1/api_keys", None),
        "adding keys": ("POST", "/v1/beta/api_keys", {"name": "scope more", "scope": "read"}),
    }
    answers = {scope: [status(sandbox, key, *one) for one in tries.values()] for scope, key in keys.items()}
    assert answers == {"read": [200, 403, 403, 403, 403], "trade": [200, 200, 200, 403, 403], "admin": [200] * 5}
    for path, needed in (("kill_switch", "trade"), ("api_keys", "admin"), ("beta/api_keys/x/rotate", "admin")):
        refused = httpx.post(f"{sandbox.url}/v1/{path}", auth=(keys["read"]["key"], keys["read"]["secret"]))
        assert refused.json() == {
            "code": 40310000,
            "message": f"insufficient permission: the key has the scope read, this request needs {needed}",
        }


def test_a_key_of_a_command_is_accepted_while_the_server_runs(
    sandbox: Server, path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def command(*arguments: str) -> tuple[int, str]:
        code = run(["keys", *arguments, "--db", str(path)])
        printed = capsys.readouterr()
        return code, printed.out or printed.err

    assert path.with_name("book.db.serve").stat().st_mode & 0o077 == 0
    code, output = command("add", "a/b ?", "--scope", "read", "--json")
    made = json.loads(output)
    assert (code, made["scope"], status(sandbox, made)) == (0, "read", 200)
    assert command("add", "a/b ?")[0] == 1
    code, output = command("rotate", "a/b ?", "--keep-old", "1", "--json")
    rotated = json.loads(output)
    assert (code, rotated["scope"], status(sandbox, made), status(sandbox, rotated)) == (0, "read", 200, 200)
    assert command("revoke", "a/b ?")[0] == 0
    assert (status(sandbox, made), status(sandbox, rotated)) == (401, 401)
    assert "no key a/b ?" in command("revoke", "a/b ?")[1]
    assert run(["export", "audit", "--db", str(path), "--format", "json"]) == 0
    trail = [e for e in json.loads(capsys.readouterr().out)["audit"] if e["subject"] in (made["key"], rotated["key"])]
    assert [(e["action"], e["actor"]) for e in trail] == [
        ("api_key.added", "advisor"), ("api_key.rotated", "advisor"), ("api_key.revoked", "advisor"),
        ("api_key.revoked", "advisor"),
    ]  # fmt: skip
    assert made["secret"] not in json.dumps(trail)


def test_an_open_stream_ends_when_its_key_is_revoked_or_expires(sandbox: Server) -> None:
    late = (datetime.now(UTC) + timedelta(seconds=0.7)).isoformat()
    revoked = sandbox.post("/v1/api_keys", {"name": "revoked stream", "scope": "read"})
    expired = sandbox.post("/v1/api_keys", {"name": "expired stream", "scope": "read", "expires_at": late})
    for key, end in (
        (revoked, lambda: sandbox.http.delete("/v1/api_keys/revoked%20stream")),
        (expired, lambda: None),
    ):
        with (
            httpx.Client(base_url=sandbox.url, auth=(key["key"], key["secret"]), timeout=10) as http,
            http.stream("GET", "/v2/events/rebalancer") as answer,
        ):
            lines = answer.iter_lines()
            assert (answer.status_code, next(lines)) == (200, ": begin")
            end()
            assert [line for line in lines if line] == []


def test_a_key_that_is_revoked_before_the_body_has_arrived_changes_nothing(sandbox: Server) -> None:
    made = sandbox.post("/v1/api_keys", {"name": "revoked midway"})
    before = sandbox.get("/v1/rebalancing/portfolios")

    def body() -> Iterator[bytes]:
        text = json.dumps(BALANCED).encode()
        yield text[:9]
        # The server reads this request before that of another connection, and checks its key at once.
        assert sandbox.http.delete("/v1/api_keys/revoked%20midway").status_code == 204
        yield text[9:]

    answer = httpx.post(
        f"{sandbox.url}/v1/rebalancing/portfolios", content=body(), auth=(made["key"], made["secret"]),
        headers={"Content-Type": "application/json"},
    )  # fmt: skip
    assert (answer.status_code, answer.json()["code"]) == (401, 40110000)
    assert sandbox.get("/v1/rebalancing/portfolios") == before


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Sec-Fetch-Site": "cross-site"}, 403), ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Origin": "http://evil.example"}, 403), ({"Origin": "null"}, 403),
        ({"Origin": "http://evil.example", "Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-origin"}, 200), ({}, 200),
    ],
)  # fmt: skip
def test_a_page_of_another_site_changes_nothing(sandbox: Server, headers: dict[str, str], status: int) -> None:
    answer = sandbox.http.post("/v1/kill_switch", headers={**headers, "Content-Type": "text/plain"})
    on = sandbox.get("/v1/kill_switch")["on"]
    sandbox.http.delete("/v1/kill_switch")
    assert (answer.status_code, on) == (status, status == 200)


def test_a_rotated_key_is_refused_at_once_without_an_overlap(sandbox: Server) -> None:
    made = sandbox.post("/v1/api_keys", {"name": "rotated"})
    rotated = sandbox.post("/v1/api_keys/rotated/rotate", {})
    assert (status(sandbox, made), status(sandbox, rotated)) == (401, 200)
    assert sandbox.post("/v1/api_keys/rotated/rotate", {"keep_old_hours": "1e9"}, 400)
    assert sandbox.post("/v1/api_keys/nobody/rotate", {}, 404)


def test_the_kill_switch_is_turned_and_released(sandbox: Server) -> None:
    assert sandbox.get("/v1/kill_switch") == {"on": False}
    for _ in range(2):
        assert sandbox.post("/v1/kill_switch", None) == {"on": True}
    assert sandbox.get("/v1/kill_switch") == {"on": True}
    assert sandbox.get("/v1/health")["kill_switch"] is True
    assert sandbox.http.delete("/v1/kill_switch").json() == {"on": False}
    assert sandbox.get("/v1/kill_switch") == {"on": False}
    assert sandbox.get("/v1/health")["kill_switch"] is False
    for body, message in (
        ({"on": False}, "on: expected true; DELETE releases the kill switch, got false"),
        ({"onn": True}, 'unknown field "onn"; did you mean on?'),
        ({"color": 1}, 'unknown field "color"'),
        ([], "expected a kill switch that is on, got a list"),
    ):
        assert message in sandbox.post("/v1/kill_switch", body, 400)["message"]
    assert sandbox.http.post("/v1/kill_switch", content="on=1").status_code == 415
    assert sandbox.get("/v1/kill_switch") == {"on": False}
    assert sandbox.post("/v1/kill_switch", {"on": True}) == {"on": True}
    sandbox.http.delete("/v1/kill_switch")


def test_failed_log_ins_are_reported_by_address_and_key_without_what_was_given() -> None:
    failed = FailedLogins()
    assert failed.take_report() is None
    for number in range(ALERT_FAILURES):
        failed.note(f"10.0.0.{number % 7}", "desk" if number == 3 else "")
    report = failed.take_report()
    assert report is not None
    assert report.count == ALERT_FAILURES
    assert "5 from 10.0.0.0" in report.text
    assert "8 from elsewhere; with the id of desk" in report.text
    assert failed.take_report() is None
    assert failed.total == ALERT_FAILURES
