"""The size of the terminal is that of the terminal, not of the environment; a terminal without a cursor is refused."""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import sys
import termios
from pathlib import Path

import pytest

from rebal_tui.cli import demo_command
from rebal_tui.domain.errors import Conflict
from rebal_tui.tui.terminal.driver import TerminalDriver


def test_columns_and_lines_of_the_environment_do_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setenv("LINES", "9")
    ours, theirs = pty.openpty()
    try:
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 110, 0, 0))
        driver = TerminalDriver.__new__(TerminalDriver)
        with open(theirs, "w", closefd=False) as file:
            driver._file = file
            assert driver._get_terminal_size() == (110, 30)
    finally:
        os.close(ours)
        os.close(theirs)


def test_a_terminal_that_cannot_move_its_cursor_gets_no_screens(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "dumb")
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    with pytest.raises(Conflict, match="TERM is dumb"):
        demo_command.open_screens(tmp_path / "book.db")
    assert list(tmp_path.iterdir()) == []
