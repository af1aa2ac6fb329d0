"""`rebal-tui connect`: keys are verified and stored only where their owner can read them."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from time import monotonic, sleep
from typing import TypeVar

import pytest

from rebal_tui import credentials, live_book, opening
from rebal_tui.bootstrap import open_database
from rebal_tui.broker.failures import BrokerPending
from rebal_tui.cli.program import run
from rebal_tui.credentials import KEY_VARIABLE, SECRET_VARIABLE, KeyLocation, Keys
from rebal_tui.domain.errors import Conflict, Invalid
from rebal_tui.services.evaluation.review_rule import needs_review
from rebal_tui.services.queries.status import status_line
from rebal_tui.store import book_settings
from tests.cli.books import book as cli_book
from tests.forked_program import ForkedProgram
from tests.live.factories import START
from tests.live.servers import Server, serving
from tests.services.factories import balanced

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]
T = TypeVar("T")


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving(START) as started:
        yield started


def connect(home: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """The program in an empty home."""
    filtered = {name: value for name, value in os.environ.items() if name not in (KEY_VARIABLE, SECRET_VARIABLE)}
    homes = {name: str(home / name) for name in ("HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME")}
    nothing = {"PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring"}
    program = ForkedProgram("connect", *arguments, env={**filtered, **homes, **nothing, **variables}, cwd=str(ROOT))
    output, errors = program.communicate(timeout=60)
    return subprocess.CompletedProcess(program.args, program.returncode, output, errors)


def answered(read: Callable[[], T]) -> T:
    """The answer to a read that the gateway sends."""
    until = monotonic() + 10
    while True:
        try:
            return read()
        except BrokerPending:
            assert monotonic() < until
            sleep(0.02)


def written(folder: Path) -> bytes:
    """The content of every file in a folder."""
    return b"".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())


def test_a_book_is_created_and_the_keys_are_in_their_own_file(server: Server, tmp_path: Path) -> None:
    given = tmp_path / "given.json"
    given.write_text(json.dumps({"key": server.key, "secret": server.secret}))
    given.chmod(0o600)
    home, book = tmp_path / "home", tmp_path / "books" / "paper.db"

    done = connect(
        home, "--paper", "--url", server.url, "--keys-file", str(given), "--firm-account", server.firm_account,
        "--db", str(book),
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    assert "a PAPER book" in done.stdout
    filtered = [path for path in home.rglob("*.json") if "keys" in path.parts]
    assert len(filtered) == 1
    assert (filtered[0].stat().st_mode & 0o777, filtered[0].parent.stat().st_mode & 0o777) == (0o600, 0o700)
    assert json.loads(filtered[0].read_text()) == [server.key, server.secret]
    assert str(filtered[0]) in done.stdout
    for secret in (server.key, server.secret):
        assert secret not in done.stdout + done.stderr
        assert secret.encode() not in written(book.parent)
    again = connect(home, "--paper", "--url", server.url, "--keys-file", str(given), "--db", str(book))
    assert (again.returncode, "already contains a book" in again.stderr) == (1, True)


def test_a_connected_book_opens_as_paper_under_review_and_reads_the_broker(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = server.post("/sandbox/accounts", {"name": "Ann Li", "cash": "1234.56"})["id"]
    path = tmp_path / "paper.db"
    done = connect(
        tmp_path / "home", "--paper", "--url", server.url, "--db", str(path),
        REBAL_TUI_BROKER_KEY=server.key, REBAL_TUI_BROKER_SECRET=server.secret,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    monkeypatch.setenv(KEY_VARIABLE, server.key)
    monkeypatch.setenv(SECRET_VARIABLE, server.secret)

    book = opening.open_book(path)

    try:
        assert status_line(book).mode == "PAPER"
        assert needs_review(book, balanced())
        assert book.sandbox is None
        assert not book.accounts
        assert answered(lambda: book.broker.account(account)).name == "Ann Li"
    finally:
        book.close()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--paper", "--url", "http://broker.example"], "not sent unencrypted"),
        (["--paper", "--url", "https://broker-api.alpaca.markets"], "connect with --live"),
        (["--live", "--url", "http://127.0.0.1:1"], "connects to https://broker-api.alpaca.markets only"),
        (["--paper", "--url", "ftp://x"], "expected an address"),
        (["--paper"], "no keys: set REBAL_TUI_BROKER_KEY"),
    ],
)
@pytest.mark.samples(2)
def test_invalid_arguments_are_refused_before_any_request(arguments: list[str], words: str, tmp_path: Path) -> None:
    done = connect(tmp_path / "home", *arguments, "--db", str(tmp_path / "x.db"))
    assert (done.returncode, words in done.stderr) == (1, True), done.stderr
    assert not (tmp_path / "x.db").exists()


def test_wrong_keys_are_reported_and_no_book_is_created(server: Server, tmp_path: Path) -> None:
    done = connect(
        tmp_path / "home", "--paper", "--url", server.url, "--db", str(tmp_path / "x.db"),
        **{KEY_VARIABLE: "CANARYKEY", SECRET_VARIABLE: "CANARY-SECRET"},
    )  # fmt: skip
    assert (done.returncode, "does not accept the API key" in done.stderr) == (1, True)
    assert "CANARY" not in done.stdout + done.stderr
    assert not (tmp_path / "x.db").exists()


def test_a_keys_file_that_others_can_read_is_refused(tmp_path: Path) -> None:
    Keys("KEY", "SECRET").store("mine-1", KeyLocation.FILE, tmp_path)
    (tmp_path / "mine-1.json").chmod(0o640)
    with pytest.raises(Conflict, match="chmod 600"):
        credentials.find("mine-1", KeyLocation.FILE, tmp_path)


def test_the_environment_takes_precedence_over_stored_keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Conflict, match="no longer in the file"):
        credentials.find("mine-1", KeyLocation.FILE, tmp_path)
    monkeypatch.setenv(KEY_VARIABLE, "KEY")
    with pytest.raises(Invalid, match="expected both"):
        credentials.find("mine-1", KeyLocation.FILE, tmp_path)
    monkeypatch.setenv(SECRET_VARIABLE, "SECRET")
    assert credentials.find("mine-1", KeyLocation.FILE, tmp_path)


def test_a_malformed_key_is_refused_without_being_shown() -> None:
    with pytest.raises(Invalid) as refused:
        Keys("CANARY:KEY", "CANARY SECRET\n")
    assert "CANARY" not in str(refused.value)


def test_a_live_book_is_never_treated_as_empty(tmp_path: Path) -> None:
    path = tmp_path / "live.db"
    database = open_database(path)
    live_book.create_live(
        database, environment="LIVE", url="", firm_account="", keys_name="mine-1", keys_location=KeyLocation.FILE,
        name="live", now=balanced().created_at,
    )  # fmt: skip
    assert book_settings.get(database, "review") == "1"
    database.close()
    source = tmp_path / "book.json"
    source.write_text(json.dumps(cli_book()))
    with pytest.raises(Conflict, match="connected to a broker"):
        opening.replace_with_import(path, source)
    assert sqlite3.connect(path).execute("SELECT value FROM meta WHERE name = 'environment'").fetchone() == ("LIVE",)


def test_commands_read_a_live_book_and_start_nothing(tmp_path: Path) -> None:
    path = tmp_path / "live.db"
    database = open_database(path)
    live_book.create_live(
        database, environment="PAPER", url="", firm_account="", keys_name="mine-1", keys_location=KeyLocation.FILE,
        name="live", now=balanced().created_at,
    )  # fmt: skip
    database.close()
    assert run(["check", "--db", str(path)]) == 0
    assert run(["export", "accounts", "--format", "csv", "--db", str(path)]) == 0
    assert run(["evaluate", "--dry-run", "--db", str(path)]) == 0
    assert run(["evaluate", "--db", str(path)]) == 1
    view = opening.view_book(path)
    assert (status_line(view).mode, view.live) == ("PAPER", None)
    view.close()
