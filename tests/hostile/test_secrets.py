"""A key given to the program is not found in any file afterward, and the program's files are private to their owner."""

from __future__ import annotations

import ast
import json
import os
import re
import signal
import stat
import subprocess
import sys
import urllib.error
import urllib.request
from base64 import b64encode
from collections.abc import Sequence
from pathlib import Path

import pytest

import rebal_tui
from tests.cli.books import book, call, written

pytestmark = pytest.mark.slow

KEY, SECRET = "CANARYKEY0123456789", "CANARY-SECRET-abcdefghijklmnopqrstuvwxyz"
EXPORTS = ("runs", "orders", "decisions", "accounts", "portfolios", "assets", "cash", "audit")


def forms(key: str, secret: str) -> list[bytes]:
    """A key pair in plain form and as HTTP Basic encodes it."""
    return [
        key.encode(),
        secret.encode(),
        b64encode(f"{key}:{secret}".encode()).rstrip(b"=")[:-2],
        b64encode(secret.encode())[:-4],
    ]


def at_home(home: Path, **more: str) -> dict[str, str]:
    """An environment with every user folder under `home`; the folders exist as on any machine."""
    for name in ("data", "config", "state", "cache"):
        (home / name).mkdir(mode=0o700, exist_ok=True)
    folders = {f"XDG_{name}_HOME": str(home / name.lower()) for name in ("DATA", "CONFIG", "STATE", "CACHE")}
    return {
        **os.environ,
        "HOME": str(home),
        "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring",
        **folders,
        **more,
    }


def program(home: Path, *arguments: str | Path, code: str = "", **more: str) -> subprocess.CompletedProcess[bytes]:
    """Run the program with the canary in its environment and without a umask."""
    start = ["-c", code] if code else ["-m", "rebal_tui"]
    keys = {"REBAL_TUI_BROKER_KEY": KEY, "REBAL_TUI_BROKER_SECRET": SECRET}
    return subprocess.run(
        [sys.executable, *start, *map(str, arguments)],
        capture_output=True, timeout=120, check=False, umask=0, cwd=home, env=at_home(home, **keys, **more),
    )  # fmt: skip


def found_in(folder: Path, needles: list[bytes]) -> list[str]:
    """Every file under a folder that contains one of them in its content or name."""
    found = []
    for path in folder.rglob("*"):
        content = str(path).encode() + (path.read_bytes() if path.is_file() else b"")
        found += [f"{path}: {needle!r}" for needle in needles if needle in content]
    return found


def open_to_others(folder: Path, mine: set[Path]) -> list[str]:
    """The program's files that other users can access."""
    made = [path for path in folder.rglob("*") if path not in mine]
    assert made
    return [f"{path}: {stat.filemode(path.stat().st_mode)}" for path in made if path.stat().st_mode & 0o077]


def test_keys_of_the_environment_are_in_no_file_and_no_output(tmp_path: Path) -> None:
    source = written(tmp_path, book(last=None))
    mine = {source}
    commands: list[tuple[str | Path, ...]] = [
        ("import", source),
        ("evaluate", "--at", "2026-11-24T17:15:00Z"),
        ("evaluate", "--dry-run", "--json"),
        *(("export", what, "--format", "csv", "--output", tmp_path / f"{what}.csv") for what in EXPORTS[:2]),
        ("export", "audit", "--format", "json"),
        ("backup", tmp_path / "copy.db"),
        ("check", "--json"),
        ("connect", "--paper", "--url", "http://127.0.0.1:1", "--db", tmp_path / "live.db"),
    ]
    done = program_of(tmp_path, commands)
    *succeeded, connected = done.stdout.split(b"\0")[1::2]
    assert (set(succeeded), len(succeeded), connected) == ({b"0"}, len(commands) - 1, b"1"), done.stderr
    assert not any(needle in done.stdout + done.stderr for needle in forms(KEY, SECRET))
    assert found_in(tmp_path, forms(KEY, SECRET)) == []
    assert open_to_others(tmp_path, mine) == []


ALL = """
import json, sys
from rebal_tui.cli.program import run
for arguments in json.loads(sys.argv[1]):
    print(end=f"\\0{run(arguments)}\\0", flush=True)
"""
"""Runs commands one after the other and prints the exit code of each between two null characters."""


def program_of(home: Path, commands: Sequence[Sequence[str | Path]]) -> subprocess.CompletedProcess[bytes]:
    """Run commands as `program` does, all in one process."""
    done = program(home, json.dumps([[str(one) for one in command] for command in commands]), code=ALL)
    assert done.returncode == 0, done.stderr
    return done


def outputs(home: Path, *commands: Sequence[str | Path]) -> list[bytes]:
    """The output of each command; all must succeed."""
    parts = program_of(home, commands).stdout.split(b"\0")
    assert set(parts[1::2]) == {b"0"}
    return parts[:-1:2]


CRASH = """
import os, sys
from rebal_tui.cli import main
from rebal_tui.services.maintenance import check as checks
def check(*_):
    secret = os.environ["REBAL_TUI_BROKER_SECRET"]
    raise RuntimeError("broken on purpose") if secret else SystemExit(9)
checks.check_book = check
main(sys.argv[1:])
"""


def test_a_crash_report_contains_no_variables(tmp_path: Path) -> None:
    path = tmp_path / "book.db"
    assert call("import", written(tmp_path, book()), "--db", path).code == 0
    done = program(tmp_path, "check", "--db", path, code=CRASH)
    assert done.returncode != 0
    assert b"broken on purpose" in done.stderr
    assert not any(needle in done.stdout + done.stderr for needle in forms(KEY, SECRET))
    assert found_in(tmp_path, forms(KEY, SECRET)) == []


def test_an_api_key_is_shown_once_and_stored_nowhere(tmp_path: Path) -> None:
    path = tmp_path / "api.db"
    source = written(tmp_path, book())
    _, added = outputs(tmp_path, ("import", source, "--db", path), ("keys", "add", "office", "--db", path, "--json"))
    made = json.loads(added)
    key, secret = made["key"], made["secret"]
    process = subprocess.Popen(
        [sys.executable, "-m", "rebal_tui", "serve", "--db", str(path), "--port", "0", "--json"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, umask=0, env=at_home(tmp_path),
    )  # fmt: skip
    try:
        assert process.stdout is not None
        url = json.loads(process.stdout.readline())["url"]
        answers = [
            request_status(f"{url}/v1/accounts", key, secret),
            request_status(f"{url}/v1/accounts", key, secret[:-1] + ("y" if secret.endswith("x") else "x")),
        ]
        arguments = Path(f"/proc/{process.pid}/cmdline")
        assert not arguments.exists() or secret.encode() not in arguments.read_bytes()
        needles = [secret.encode(), *forms(key, secret)[2:]]
        assert found_in(tmp_path, needles) == [], "while it runs, in the log of what is not yet in the file as well"
    finally:
        process.send_signal(signal.SIGTERM)
        output, complaints = process.communicate(timeout=30)
    assert answers == [200, 401]
    assert secret.encode() not in output + complaints
    for listing in (("keys", "list", "--json"), ("export", "audit", "--format", "json")):
        listed = call(*listing, "--db", path)
        assert listed.code == 0
        assert secret not in listed.out + listed.err
    assert found_in(tmp_path, needles) == []
    assert open_to_others(tmp_path, {source}) == []


def request_status(url: str, key: str, secret: str) -> int:
    """The response status of a request with a key."""
    basic = b64encode(f"{key}:{secret}".encode()).decode()
    request = urllib.request.Request(url, headers={"Authorization": f"Basic {basic}"})  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


STARTERS = re.compile(r"(asyncio\.)?subprocess|multiprocessing|pty|concurrent\.futures\.process")
STARTS = re.compile(r"\b(?:os|subprocess|multiprocessing|pty|concurrent)\b")
"""A file without any of these words is not parsed."""
SAME_PROGRAM = Path("web", "program.py")
"""Starts the screens in a process of their own, which reads the keys as the first process does."""
CALLS = {"system", "popen", "fork", "forkpty", "execv", "execve", "spawnv", "posix_spawn", "startfile"}


def test_the_program_starts_no_child_that_could_inherit_a_key() -> None:
    root = Path(rebal_tui.__file__).parent
    for path in root.rglob("*.py"):
        if path.relative_to(root) == SAME_PROGRAM:
            continue
        text = path.read_text("utf-8")
        for node in ast.walk(ast.parse(text)) if STARTS.search(text) else ():
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not any(STARTERS.fullmatch(name) for name in names), path
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "os":
                assert node.attr not in CALLS, path
