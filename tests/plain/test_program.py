"""The linear mode as a program: a pipe, a terminal, a book that another program writes, and the command line."""

from __future__ import annotations

import asyncio
import io
import os
import pty
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner

from rebal_tui import bootstrap, paths
from rebal_tui.cli.program import program
from rebal_tui.plain.console import StreamConsole


def started(path: Path, home: Path, stdin: int, stdout: int) -> subprocess.Popen[bytes]:
    arguments = [sys.executable, "-m", "rebal_tui", "--db", str(path), "--plain"]
    return subprocess.Popen(
        arguments, env={**os.environ, "HOME": str(home), "TERM": "dumb"}, stdin=stdin, stdout=stdout, stderr=stdout
    )


@pytest.fixture
def book(tmp_path: Path) -> Path:
    path = tmp_path / "small.db"
    bootstrap.create_demo(path, accounts=3).close()
    return path


@pytest.mark.slow
def test_commands_from_a_pipe(book: Path, tmp_path: Path) -> None:
    process = started(book, tmp_path, subprocess.PIPE, subprocess.PIPE)
    file = tmp_path / "book.md"
    output, _ = process.communicate(f"status\nreport book\n\n\n{file}\nnonsense\n".encode(), timeout=60)
    lines = output.decode().splitlines()
    assert lines[:3] == [
        "Opening the book.",
        "The book demonstration is open.",
        "Type help for the commands, quit to leave.",
    ]
    assert lines[3:5] == ["> status", "Book: demonstration"]
    assert lines[-1] == "There is no command nonsense. Type help for the commands."
    assert f"Wrote the report of the whole book to {file}." in lines
    assert file.stat().st_size > 1_000
    assert process.returncode == 1
    with paths.exclusive_lock(book):
        bootstrap.open_database(book, read_only=True).close()
    assert not book.with_name("small.db-wal").exists()


@pytest.mark.slow
def test_a_terminal_gets_plain_lines_and_time_goes_on(book: Path, tmp_path: Path) -> None:
    primary, terminal = pty.openpty()
    process = started(book, tmp_path, terminal, terminal)
    os.close(terminal)

    def until(text: bytes, seen: bytes = b"") -> bytes:
        while text not in seen:
            seen += os.read(primary, 4096)
        return seen

    seen = until(b"\n> ")
    os.write(primary, b"status\n")
    first = until(b"Traded today")
    time.sleep(0.6)
    os.write(primary, b"status\n")
    second = until(b"Traded today", until(b"Book: "))
    assert b"\x1b" not in seen + first + second
    assert [line for line in first.splitlines() if b"Time: " in line] != [
        line for line in second.splitlines() if b"Time: " in line
    ]
    process.send_signal(signal.SIGINT)
    assert process.wait(20) == 0
    os.close(primary)
    with paths.exclusive_lock(book):
        pass


def test_lines_in_pieces_and_the_end_of_the_input_again_and_again() -> None:
    async def check(source: int, target: int) -> None:
        with os.fdopen(source) as stream:
            console = StreamConsole(stream, io.StringIO())
            console.start()
            os.write(target, "one\n  twö".encode()[:-1])
            assert await console.read() == "one"
            os.write(target, b"\xb6  \nthree")
            os.close(target)
            assert [await console.read() for _ in range(4)] == ["twö", "three", None, None]

    asyncio.run(check(*os.pipe()))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--plain", "--web"], "cannot be combined"),
        (["demo", "--plain", "--web"], "cannot be combined"),
        (["demo", "--plain", "--headless", "3"], "cannot be combined"),
        (["--plain", "check"], "use it without a command, or after demo"),
    ],
)
def test_options_that_do_not_go_together(arguments: list[str], message: str) -> None:
    result = CliRunner().invoke(program, arguments)
    assert result.exit_code == 2
    assert message in result.output
