"""The program: exit codes, imported modules, files, refusals."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import stat
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import click
import pytest

from rebal_tui.cli import demo_command
from rebal_tui.domain.errors import Conflict
from rebal_tui.paths import exclusive_lock
from tests.cli.books import COMMANDS, NOON, book, call, spawn, written

HEAVY = ("textual", "pandas", "rich", "pydantic", "apscheduler")


def db_of(folder: Path) -> Path:
    path = folder / "book.db"
    assert call("import", written(folder, book()), "--db", path).code == 0
    return path


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_every_command_has_help_with_its_exit_codes(command: str) -> None:
    result = call(*filter(None, [command]), "--help")

    assert result.code == 0
    assert "Exit codes:" in result.out
    assert [line for line in result.out.splitlines() if len(line) > 80] == [], "a terminal would wrap inside words"


@pytest.mark.slow
def test_headless_commands_load_neither_screens_nor_data_frames(tmp_path: Path) -> None:
    db = db_of(tmp_path)
    closes = tmp_path / "closes.csv"
    closes.write_text("date,SPY,TLT\n2020-01-02,100,100\n2020-01-03,101,100\n")
    grid = tmp_path / "grid.toml"
    grid.write_text('calendar = ["monthly 15"]\n')
    headless: list[list[str | Path]] = [
        ["--help"],
        ["check", "--db", db],
        ["evaluate", "--db", db, "--dry-run", "--json"],
        ["export", "runs", "--format", "csv", "--db", db],
        ["replay", closes, "--json"],
        ["lab", "--sample", "--bootstrap", "100", "--grid", grid, "--json"],
        ["backup", tmp_path / "copy.db", "--db", db],
    ]
    # A BOOK.json is read by its models, which is all that pydantic is loaded for.
    reading: list[str | Path] = ["evaluate", "--book", tmp_path / "book.json"]
    script = (
        "import json, sys\nfrom rebal_tui.cli.program import run\n"
        "for arguments in json.loads(sys.argv[1]):\n"
        "    code = run(arguments)\n"
        f"    loaded = sorted({{name.partition('.')[0] for name in sys.modules}} & set({HEAVY!r}))\n"
        "    print(json.dumps([code, loaded]), file=sys.stderr)\n"
    )
    given = json.dumps([[str(argument) for argument in arguments] for arguments in (*headless, reading)])
    done = subprocess.run([sys.executable, "-c", script, given], capture_output=True, text=True, check=True)
    outcomes = [json.loads(line) for line in done.stderr.splitlines() if line.startswith("[")]
    assert outcomes == [*([0, []] for _ in headless), [0, ["pydantic"]]]


FORKS = """
import json, os, sys
from rebal_tui import bootstrap
from rebal_tui.cli import main
codes = []
for arguments in json.loads(sys.argv[1]):
    child = os.fork()
    if child == 0:
        sys.argv[1:] = arguments
        sys.exit(main())
    codes.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
print(codes)
"""
"""Runs the program once for each list of arguments, in a copy of a process that has imported it; prints the codes."""


@pytest.mark.slow
def test_exit_codes_of_the_real_program(tmp_path: Path) -> None:
    db, paper = db_of(tmp_path), tmp_path / "paper.db"
    expected: list[tuple[int, list[str | Path]]] = [
        (0, ["check", "--db", db]),
        (2, ["connect", "--db", paper]),
        (1, ["connect", "--paper", "--db", paper]),
        (2, ["no-such-command"]),
        (2, ["evaluate", "--at", "garbage"]),
        (1, ["check", "--db", tmp_path / "none.db"]),
    ]
    given = json.dumps([[str(argument) for argument in arguments] for _, arguments in expected])
    done = subprocess.run([sys.executable, "-c", FORKS, given], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout.splitlines()[-1]) == [code for code, _ in expected]
    assert ("there is no book at" in done.stderr, "Traceback" in done.stderr) == (True, False)


@pytest.mark.parametrize(
    "command",
    [
        ("serve",),
        ("evaluate",),
        ("keys", "list"),
        ("keys", "add", "office"),
        ("import", "--undo"),
        ("approve", "--all"),
        ("trades", "list.csv"),
        ("fills", "fills.csv"),
        ("report", "--book"),
        ("enter", "asset", "SPY"),
    ],
    ids=" ".join,
)
def test_a_mistyped_path_makes_no_book_and_no_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "fills.csv").write_text("{}")
    result = call(*command, "--db", tmp_path / "mistyped" / "book.db")
    assert (result.code, "there is no book at" in result.err) == (1, True), result
    assert [one.name for one in tmp_path.iterdir()] == ["fills.csv"]


def test_the_screens_ask_before_a_typed_path_becomes_a_new_book(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    asked: list[str] = []

    def refuse(text: str, *, err: bool) -> bool:
        assert err, "standard output may be a file"
        asked.append(text)
        return False

    monkeypatch.setattr(click, "confirm", refuse)
    with pytest.raises(Conflict, match="no book was created"):
        demo_command.open_screens(tmp_path / "book.db", typed=True)
    with pytest.raises(Conflict, match=f"folder not found: {tmp_path / 'none'}$"):
        demo_command.open_screens(tmp_path / "none" / "book.db", typed=True)
    assert asked == [f"There is no book at {tmp_path / 'book.db'}. Create a new, empty book there?"]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_ctrl_c_exits_with_130(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "book.json")
    process = subprocess.Popen(
        [sys.executable, "-m", "rebal_tui", "import", str(tmp_path / "book.json"), "--db", str(tmp_path / "x.db")],
        stderr=subprocess.PIPE,
        text=True,
        # A shell starts background jobs with the interrupt ignored, and so would the program be.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    # It is opened when the program opens it, too, and is read until it is closed.
    with (tmp_path / "book.json").open("w"):
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=30)

    assert (process.returncode, "Traceback" in err) == (130, False)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="a locale is chosen by variables on POSIX systems")
def test_output_to_a_pipe_is_utf_8_whatever_the_locale(tmp_path: Path) -> None:
    content = book()
    content["accounts"][0]["name"] = "Zoë Müller 日本"
    db = tmp_path / "clients.db"
    assert call("import", written(tmp_path, content), "--db", db).code == 0
    ascii_only = {**os.environ, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    done = subprocess.run(
        [sys.executable, "-m", "rebal_tui", "export", "accounts", "--format", "json", "--db", str(db)],
        env=ascii_only, capture_output=True, check=True,
    )  # fmt: skip
    assert "Zoë Müller 日本" in done.stdout.decode("utf-8")
    json.loads(done.stdout)


def test_the_screens_need_a_terminal(tmp_path: Path) -> None:
    result = spawn("--db", tmp_path / "new.db", stdin="")

    assert (result.code, "need a terminal" in result.err) == (1, True)


def test_the_screens_name_the_redirection_that_keeps_them_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: False)
    with pytest.raises(Conflict, match="they are drawn on standard error, so it must not be redirected"):
        demo_command.open_screens(tmp_path / "book.db")


def test_the_demo_runs_headless(tmp_path: Path) -> None:
    db = tmp_path / "demo.db"
    result = call("demo", "--accounts", "12", "--headless", "30", "--db", db)

    assert (result.code, "12 accounts, 30 minutes" in result.out) == (0, True)
    assert call("check", "--db", db).code == 0
    assert call("demo", "--db", db).code == 1


@pytest.mark.slow
def test_the_same_seed_gives_the_same_audit_trail(tmp_path: Path) -> None:
    """Independent of the time to open the book, the simulation speed on screens, and the order of sets."""
    told = []
    for speed, hash_seed in (("600", "1"), ("100000", "77")):
        db = tmp_path / f"{hash_seed}.db"
        lived = ("demo", "--accounts", "60", "--headless", "20", "--speed", speed, "--db", db)
        assert spawn(*lived, PYTHONHASHSEED=hash_seed).code == 0
        exported = call("export", "audit", "--format", "json", "--db", db).json
        assert exported["audit"][-1]["at"].endswith(":00.000000Z")
        told.append((exported["audit_head"], call("export", "runs", "--format", "json", "--db", db).json["runs"]))
    assert told[0][0] is not None
    assert told[0] == told[1]


@pytest.mark.slow
def test_the_same_file_imported_gives_the_same_hash(tmp_path: Path) -> None:
    """The book's clock is at the file's timestamp, so that it can be evaluated then."""
    heads = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        db = tmp_path / name / "book.db"
        assert call("import", written(tmp_path, book()), "--db", db).code == 0
        assert call("evaluate", "--db", db, "--at", NOON).code == 0
        heads.append(call("check", "--db", db, "--json").json["audit_head"])
    assert heads[0] == heads[1]


@pytest.mark.slow
@pytest.mark.parametrize("command", [("evaluate",), ("import", "book.json")])
def test_a_second_writer_is_refused_in_one_line(tmp_path: Path, command: tuple[str, ...]) -> None:
    db = db_of(tmp_path)
    arguments = [str(tmp_path / part) if part.endswith(".json") else part for part in command]
    with exclusive_lock(db):
        result = spawn(*arguments, "--db", db)
        assert (result.code, len(result.err.splitlines())) == (1, 1)
        assert "is open in another rebal-tui" in result.err
        for reading in (("check",), ("evaluate", "--dry-run"), ("export", "runs", "--format", "csv")):
            assert call(*reading, "--db", db).code == 0


def test_exports_are_private_and_replace_nothing_unasked(tmp_path: Path) -> None:
    db, target = db_of(tmp_path), tmp_path / "accounts.csv"

    assert call("export", "accounts", "--format", "csv", "--db", db, "-o", target).code == 0
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    before = target.read_text()
    target.write_text("mine")
    refused = call("export", "accounts", "--format", "csv", "--db", db, "-o", target)
    assert (refused.code, target.read_text()) == (1, "mine")
    assert call("export", "accounts", "--format", "csv", "--db", db, "-o", target, "--force").code == 0
    assert target.read_text() == before
    assert sorted(path.name for path in tmp_path.iterdir() if "partial" in path.name) == []


def test_an_export_that_cannot_be_written_names_the_path(tmp_path: Path) -> None:
    result = call("export", "runs", "--format", "csv", "--db", db_of(tmp_path), "-o", tmp_path / "none" / "runs.csv")

    assert result.code == 1
    assert result.err == f"folder not found: {tmp_path / 'none'}\n"


@pytest.mark.parametrize("content", [b"\x00\xff" * 2000, b"plain text that is no database at all" * 50])
def test_a_file_that_is_not_a_book_is_refused_and_unchanged(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "junk.db"
    path.write_bytes(content)
    for command in (("check",), ("evaluate",), ("evaluate", "--dry-run"), ("backup", str(tmp_path / "copy.db"))):
        result = call(*command, "--db", path)
        assert (result.code, len(result.err.splitlines())) == (1, 1), command
    assert path.read_bytes() == content


@pytest.mark.parametrize("kind", ["empty", "without tables"])
def test_a_file_left_by_a_stopped_import_is_a_new_one(tmp_path: Path, kind: str) -> None:
    db = tmp_path / "clients.db"
    db.touch()
    if kind == "without tables":
        with closing(sqlite3.connect(db)) as connection:
            connection.execute("PRAGMA journal_mode = WAL")
        assert db.stat().st_size == 4096
    for command in (
        ("check",),
        ("evaluate",),
        ("export", "accounts", "--format", "csv"),
        ("backup", tmp_path / "b.db"),
    ):
        result = call(*command, "--db", db)
        assert (result.code, "there is no book at" in result.err) == (1, True), command
    assert call("restore", db, "--db", tmp_path / "other.db").code == 1
    assert call("import", written(tmp_path, book()), "--db", db).code == 0
    assert call("check", "--db", db).code == 0


def test_a_refused_import_leaves_no_file(tmp_path: Path) -> None:
    content = book()
    content["as_of"] = "1999-03-01T15:00:00Z"

    result = call("import", written(tmp_path, content), "--db", tmp_path / "new.db")

    assert result.code == 1
    assert not (tmp_path / "new.db").exists()


def test_a_book_is_imported_from_standard_input(tmp_path: Path) -> None:
    result = call("import", "-", "--db", tmp_path / "new.db", stdin=json.dumps(book()))

    assert (result.code, "1 account " in result.out) == (0, True)
    assert stat.S_IMODE((tmp_path / "new.db").stat().st_mode) == 0o600
    assert call("import", "-", "--db", tmp_path / "new.db", stdin=json.dumps(book())).code == 1


def test_a_backup_is_a_complete_book_and_overwrites_nothing(tmp_path: Path) -> None:
    db, copy = db_of(tmp_path), tmp_path / "copy.db"

    assert call("backup", copy, "--db", db).code == 0
    assert call("check", "--db", copy).code == 0
    assert call("backup", copy, "--db", db).code == 1
    assert call("backup", db, "--db", db, "--force").code == 1


def test_check_as_json_lists_counts(tmp_path: Path) -> None:
    result = call("check", "--db", db_of(tmp_path), "--json")

    assert result.json["ok"] is True
    assert result.json["counts"]["accounts"] == 1
