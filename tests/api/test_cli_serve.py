"""`rebal-tui serve` and `rebal-tui keys` from the command line."""

from __future__ import annotations

import json
import re
import signal
import sys
import time
from pathlib import Path

import httpx
import pytest

from rebal_tui import bootstrap
from rebal_tui.api.server import BindAddress
from rebal_tui.cli import serve_command
from rebal_tui.cli.program import run
from rebal_tui.services.wire.contract import HEADER
from tests.api.servers import BALANCED, OPEN, started

pytestmark = pytest.mark.slow

ANYWHERE = "0.0.0.0"  # noqa: S104


def ended(*arguments: str) -> tuple[int, str, str]:
    """Run the program to its end; return exit code, stdout and stderr."""
    with started(arguments) as process:
        output, complaints = process.communicate(timeout=60)
    return process.returncode, output, complaints


@pytest.fixture
def book(tmp_path: Path) -> Path:
    path = tmp_path / "book.db"
    bootstrap.create_demo(path, accounts=3).close()
    return path


def test_a_book_is_served_with_a_key_created_for_it(book: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["serve", "--db", str(book), "--port", "0"]) == 1
    assert "rebal-tui keys add" in capsys.readouterr().err
    assert run(["keys", "add", "backoffice", "--db", str(book), "--json"]) == 0
    made = json.loads(capsys.readouterr().out)
    assert made["secret"].encode() not in book.read_bytes()
    assert run(["keys", "add", "backoffice", "--db", str(book)]) == 1
    assert "key backoffice already exists" in capsys.readouterr().err
    with started(("serve", "--db", str(book), "--port", "0", "--json")) as process:
        assert process.stdout is not None
        announced = json.loads(process.stdout.readline())
        assert (announced["key_id"], announced["secret"]) == (None, None)
        with httpx.Client(base_url=announced["url"], auth=(made["key"], made["secret"])) as http:
            assert len(http.get("/v1/accounts").json()) == 3
            assert http.post("/sandbox/step", json={"minutes": 1}).status_code == 404
            assert http.post("/v1/rebalancing/portfolios", json=BALANCED).status_code == 200
            started_at = http.get("/v1/clock").json()["timestamp"]
            while http.get("/v1/clock").json()["timestamp"] == started_at:
                time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        output, complaints = process.communicate(timeout=30)
    assert (process.returncode, output, complaints) == (0, "", "")
    assert run(["check", "--db", str(book)]) == 0
    capsys.readouterr()
    assert run(["export", "audit", "--db", str(book), "--format", "json"]) == 0
    trail = json.loads(capsys.readouterr().out)["audit"]
    assert [e["actor"] for e in trail if e["action"] == "portfolio.created"] == ["api backoffice"]
    assert run(["keys", "revoke", "backoffice", "--db", str(book)]) == 0
    assert run(["keys", "list", "--db", str(book), "--json"]) == 0
    (listed,) = json.loads(capsys.readouterr().out.partition("\n")[2])
    assert (listed["name"], listed["revoked_at"] is None, "secret" in listed) == ("backoffice", False, False)


def test_a_sandbox_resumes_where_it_stopped(tmp_path: Path) -> None:
    path = tmp_path / "sandbox.db"
    with started(("serve", "--sandbox", "--at", OPEN, "--db", str(path), "--port", "0")) as process:
        assert process.stdout is not None
        announced = "".join(process.stdout.readline() for _ in range(3))
        url, key, secret = re.search(r"(http://\S+),.*key (\S+), secret (\S+)", announced, re.DOTALL).groups()  # type: ignore[union-attr]
        with httpx.Client(base_url=url, auth=(key, secret)) as http:
            http.post("/sandbox/prices", json={"SPY": "123.456"})
            moved = http.post("/sandbox/step", json={"sessions": 2}).json()["now"]
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
    assert moved == "2026-03-04T09:35:00-05:00"
    with started(("serve", "--sandbox", "--db", str(path), "--port", "0", "--json")) as process:
        assert process.stdout is not None
        second_announcement = json.loads(process.stdout.readline())
        with httpx.Client(base_url=second_announcement["url"], auth=(key, secret)) as http:
            assert http.get("/sandbox").json()["now"] == moved
            assert http.get("/v1/assets/SPY", headers={HEADER: "1"}).json()["price"] == "123.456"
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
    code, _, complaints = ended("serve", "--sandbox", "--at", OPEN, "--db", str(path))
    assert (code, "is already a sandbox" in complaints) == (1, True)


def test_ids_that_the_client_refuses_are_reported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source, path = tmp_path / "book.json", tmp_path / "book.db"
    source.write_text(json.dumps({"assets": [], "accounts": [{"id": "a1", "name": "Ann", "cash": "5"}]}))
    assert run(["import", str(source), "--db", str(path)]) == 0, capsys.readouterr().err
    assert run(["keys", "add", "x", "--db", str(path)]) == 0
    with started(("serve", "--db", str(path), "--port", "0", "--json")) as process:
        assert process.stdout is not None
        assert json.loads(process.stdout.readline())["odd_ids"] == 1
        process.send_signal(signal.SIGTERM)
        assert "whose id is not a UUID: 1." in process.communicate(timeout=30)[1]


def test_invalid_serve_options_are_refused_in_one_line(book: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["serve", "--sandbox", "--db", str(book)]) == 1
    assert capsys.readouterr().err.endswith("use a new file for --sandbox\n")
    assert run(["serve", "--at", OPEN, "--db", str(book)]) == 2
    for option, expected in (("--host", "expected an address or a name"), ("--behind-proxy", "expected an IP address")):
        capsys.readouterr()
        assert run(["serve", "--db", str(book), option, ""]) == 2
        assert capsys.readouterr().err.endswith(f"{expected}, found ''\n")
    assert run(["keys", "list", "--db", str(book.with_name("none.db"))]) == 1
    assert "there is no book at" in capsys.readouterr().err


def test_a_missing_extra_is_reported_with_its_install_command(
    book: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    assert run(["serve", "--db", str(book)]) == 1
    assert capsys.readouterr().err == "serve needs additional packages: pip install 'rebal-tui[api]'\n"


def test_a_bind_address_beyond_this_machine_is_warned_about(
    book: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    served: list[BindAddress] = []

    def serve(_path: Path, _prepare: object, bind_address: BindAddress, _ready: object) -> int:
        served.append(bind_address)
        return 0

    monkeypatch.setattr("rebal_tui.serving.run", serve)
    assert run(["serve", "--db", str(book), "--host", ANYWHERE]) == 0
    assert capsys.readouterr().err.count("WARNING") == 2
    assert run(["serve", "--db", str(book)]) == 0
    assert run(["serve", "--db", str(book), "--host", "::1"]) == 0
    assert capsys.readouterr().err == ""
    assert [bind_address.host for bind_address in served] == [ANYWHERE, "127.0.0.1", "::1"]
    assert served[0].port == serve_command.PORT
