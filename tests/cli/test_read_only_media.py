"""A book in a folder where nothing can be written is read by every command that only reads; the log is bounded."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.books import book, call, written

ROOT = Path(__file__).parents[2]
LOG_SCRIPT = """
import logging, sys
from pathlib import Path
from rebal_tui import log_file
path = log_file.log_to_file(Path(sys.argv[1]))
for number in range(4_000):
    logging.getLogger("x").error("%d %s", number, "y" * 900)
print(path)
"""

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="modes of folders mean something else on Windows")


READ_ONLY = 'mount --bind "$0" "$0" && mount -o remount,ro,bind "$0" && exec "$@"'
"""Mounts a folder read-only for one command, in a mount namespace of its own, for root, whom no mode stops."""


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A folder with a book; the commands below cannot write in it."""
    made = tmp_path / "media"
    made.mkdir()
    assert call("import", written(tmp_path, book()), "--db", made / "clients.db").code == 0
    (made / "clients.db.lock").unlink(missing_ok=True)
    made.chmod(0o555)
    yield made
    made.chmod(0o755)


COMMANDS = """
import json, sys
from rebal_tui.cli.program import run
for arguments in json.loads(sys.argv[1]):
    code = run(arguments)
    print(end=f"\\0{code}\\0", file=sys.stderr)
"""
"""Runs commands one after the other; the errors of each are followed by its exit code between two null characters."""


def run(folder: Path, *commands: tuple[str, ...]) -> list[tuple[str, int]]:
    """Run commands on the book, all in one process; return the errors and the exit code of each."""
    given = json.dumps([[*command, "--db", str(folder / "clients.db")] for command in commands])
    command = [sys.executable, "-c", COMMANDS, given]
    if os.getuid() == 0:
        command = ["unshare", "-m", "sh", "-c", READ_ONLY, str(folder), *command]
    home = {"HOME": str(folder), "PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=ROOT, env=home, text=True, capture_output=True, timeout=60, check=False)
    if "unshare:" in done.stderr or "mount:" in done.stderr:
        pytest.skip(f"root may not mount here: {done.stderr.strip()}")
    assert done.returncode == 0, done.stderr
    parts = done.stderr.split("\0")
    return [(errors, int(code)) for errors, code in zip(parts[:-1:2], parts[1::2], strict=True)]


@pytest.mark.slow
def test_commands_that_read_work_and_those_that_write_are_refused(folder: Path) -> None:
    with tempfile.TemporaryDirectory() as other:
        export, backup = ("export", "accounts", "--format", "csv"), ("backup", str(Path(other) / "copy.db"))
        writings = (("evaluate",), ("keys", "add", "x"), ("restore", str(folder / "clients.db")))
        done = run(folder, ("check",), export, ("evaluate", "--dry-run"), backup, *writings)
    assert [code for _, code in done] == [0] * 4 + [1] * 3, done
    for errors, _ in done[-3:]:
        assert ("cannot be written" in errors, "Traceback" in errors) == (True, False), errors
    assert [path.name for path in folder.iterdir()] == ["clients.db"]


@pytest.mark.slow
def test_the_log_is_bounded_and_private_and_may_be_missing(tmp_path: Path) -> None:
    """In a process of its own, because logging belongs to the whole process."""

    def log_into(folder: Path) -> str:
        done = subprocess.run(
            [sys.executable, "-c", LOG_SCRIPT, str(folder)], env={"PYTHONPATH": str(ROOT)}, text=True,
            capture_output=True, check=True,
        )  # fmt: skip
        assert done.stderr == ""
        return done.stdout.strip()

    assert log_into(tmp_path / "logs") == str(tmp_path / "logs" / "rebal-tui.log")
    files = sorted((tmp_path / "logs").iterdir())
    assert [path.name for path in files] == ["rebal-tui.log", "rebal-tui.log.1", "rebal-tui.log.2"]
    assert all(path.stat().st_size <= 1_000_000 and path.stat().st_mode & 0o777 == 0o600 for path in files)
    (blocked := tmp_path / "blocked").touch()
    assert log_into(blocked / "logs") == "None"
