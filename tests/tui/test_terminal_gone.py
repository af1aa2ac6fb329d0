"""The real program under an interactive shell whose terminal goes away, stops reading or is suspended.

`LONG=1 TERMINAL_TRIES=50` repeats the first, `UNREAD_SECONDS=60` lengthens the second.
"""

from __future__ import annotations

import itertools
import os
import pty
import random
import select
import signal
import sqlite3
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from rebal_tui import bootstrap
from tests.tui.test_hostile_pty import Terminal, environment, program

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc"),
]

TRIES = int(os.environ.get("TERMINAL_TRIES", "2"))
UNREAD_SECONDS = float(os.environ.get("UNREAD_SECONDS", "3"))
END_SECONDS = 20.0
"""Generous, because the machine may be busy."""


def running(path: Path) -> list[int]:
    """The programs whose command line names a file."""
    found = []
    for one in Path("/proc").iterdir():
        if one.name.isdecimal() and int(one.name) != os.getpid():
            with suppress(OSError):
                line = (one / "cmdline").read_bytes()
                if str(path).encode() in line and b"rebal_tui" in line and not line.startswith(b"bash"):
                    found.append(int(one.name))
    return found


def wait_until_gone(path: Path) -> float:
    started = time.monotonic()
    while running(path):
        if time.monotonic() > started + END_SECONDS:
            left = running(path)
            for number in left:
                os.kill(number, signal.SIGKILL)
            raise AssertionError(f"still running: {left}")
        time.sleep(0.05)
    return time.monotonic() - started


def shell_with(command: list[str], env: dict[str, str]) -> tuple[int, int]:
    """An interactive shell in a pseudo-terminal that runs a command as a job; its process and the terminal."""
    quoted = " ".join("'" + part.replace("'", "'\\''") + "'" for part in command)
    process, terminal = pty.fork()
    if process == 0:
        os.execve("/bin/bash", ["bash", "--norc", "-i"], env)  # noqa: S606
    os.write(terminal, quoted.encode() + b"\n")
    return process, terminal


def read_for(terminal: int, seconds: float) -> None:
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        if select.select([terminal], [], [], left)[0]:
            os.read(terminal, 65_536)


def demo(path: Path) -> Path:
    bootstrap.create_demo(path, accounts=20).close()
    return path


def whole(path: Path) -> bool:
    """Whether the book is one closed file without damage."""
    with sqlite3.connect(path) as connection:
        return bool(connection.execute("PRAGMA integrity_check").fetchone()[0] == "ok")


@pytest.mark.parametrize("attempt", range(TRIES))
@pytest.mark.samples(1)
def test_a_terminal_that_goes_away_leaves_no_process_and_a_closed_book(attempt: int, tmp_path: Path) -> None:
    path = demo(tmp_path / "book.db")
    dice = random.Random(attempt)
    shell, terminal = shell_with(program("--db", str(path)), environment(tmp_path))
    if attempt:
        read_for(terminal, dice.uniform(0.8, 6.0))
    else:
        read_until(terminal, b"Worst", 20)
        read_for(terminal, 1)
    os.close(terminal)
    wait_until_gone(path)
    with suppress(ChildProcessError):
        os.waitpid(shell, 0)
    log = path.with_name("book.db-wal")
    assert not log.exists() or log.stat().st_size == 0, "a book that was closed has no log"
    assert whole(path)


def test_a_terminal_that_is_not_read_costs_no_heartbeat_and_no_signal(tmp_path: Path) -> None:
    path = demo(tmp_path / "book.db")
    terminal = Terminal(program("--db", str(path)), environment(tmp_path))
    terminal.read(20, b"Desk")
    terminal.read(2)

    def beat() -> str:
        """The stored time of the market, which only heartbeats advance."""
        with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as connection:
            return str(connection.execute("SELECT value FROM meta WHERE name = 'clock'").fetchone()[0])

    first, end = beat(), time.monotonic() + 30
    while beat() == first:
        assert time.monotonic() < end
        terminal.read(0.3)
    os.write(terminal._fd, b"123456781234567812345678" * 4)
    seen = []
    end = time.monotonic() + UNREAD_SECONDS
    while time.monotonic() < end:
        os.write(terminal._fd, b"1\x0c2\x0c3\x0c")
        seen.append(beat())
        time.sleep(1)
    missed = [second for second, (earlier, later) in enumerate(itertools.pairwise(seen)) if later <= earlier]
    assert not missed, f"no heartbeat in these of {len(seen)} seconds: {missed}"
    os.kill(terminal._pid, signal.SIGTERM)
    assert wait_until_gone_child(terminal._pid) == 0, "the screens ended by themselves"
    assert whole(path)


def wait_until_gone_child(process: int) -> int:
    end = time.monotonic() + END_SECONDS
    while (ended := os.waitpid(process, os.WNOHANG))[0] == 0:
        assert time.monotonic() < end, "the program does not end"
        time.sleep(0.05)
    return os.waitstatus_to_exitcode(ended[1])


def test_ctrl_z_and_fg_draw_the_whole_screen_again(tmp_path: Path) -> None:
    path = demo(tmp_path / "book.db")
    shell, terminal = shell_with(program("--db", str(path)), environment(tmp_path))
    read_until(terminal, b"Worst", 20)
    read_for(terminal, 1)
    os.write(terminal, b"\x1a")
    read_until(terminal, b"Stopped", 10)
    os.write(terminal, b"fg\n")
    assert b"Worst" in read_until(terminal, b"Worst", 10)
    read_for(terminal, 1)
    os.write(terminal, b"\x0c")
    assert b"Worst" in read_until(terminal, b"Worst", 10)
    os.write(terminal, b"q")
    wait_until_gone(path)
    os.close(terminal)
    with suppress(ChildProcessError):
        os.waitpid(shell, 0)


def read_until(terminal: int, expected: bytes, seconds: float) -> bytes:
    seen, end = b"", time.monotonic() + seconds
    while expected not in seen:
        left = end - time.monotonic()
        assert left > 0, seen[-500:]
        if select.select([terminal], [], [], left)[0]:
            seen += os.read(terminal, 65_536)
    return seen
