"""Output to a terminal is written at once as far as the terminal takes it, in order and without waiting."""

from __future__ import annotations

import os
import pty
import select
import tty
from collections.abc import Iterator

import pytest

from rebal_tui.tui.terminal.writer import TerminalWriter


@pytest.fixture
def terminal() -> Iterator[tuple[int, int]]:
    """The two ends of a terminal: that of a person, and that of the program."""
    own, other = pty.openpty()
    tty.setraw(other)
    yield own, other
    os.close(own)
    os.close(other)


def unexpected() -> None:
    raise AssertionError("nothing was dropped, and the terminal is there")


def read(fd: int, count: int) -> bytes:
    found = b""
    while len(found) < count and select.select([fd], [], [], 2)[0]:
        found += os.read(fd, 65_536)
    return found


def test_a_frame_is_written_without_the_thread(terminal: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(TerminalWriter, "_run", lambda _: None)
    writer = TerminalWriter(terminal[1], unexpected, unexpected)
    writer.write("before ")
    writer.start()
    writer.write("the start")
    assert not select.select([terminal[0]], [], [], 0)[0], "no text overtakes another"

    writer = TerminalWriter(terminal[1], unexpected, unexpected)
    writer.start()
    writer.write("▲ frame")
    assert read(terminal[0], 9).decode() == "▲ frame"


def test_what_a_terminal_does_not_take_at_once_follows_in_order(terminal: tuple[int, int]) -> None:
    writer = TerminalWriter(terminal[1], unexpected, unexpected)
    writer.start()
    texts = [f"{number:06}." * 2_000 for number in range(20)]
    for text in texts:
        writer.write(text)
    assert read(terminal[0], 280_000) == "".join(texts).encode()
    writer.write("and then")
    assert read(terminal[0], 8) == b"and then"
    writer.stop()
