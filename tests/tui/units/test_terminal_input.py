"""The thread that reads the terminal: characters and pasted text that arrive in pieces."""

from __future__ import annotations

import os
import threading
import time
from typing import Any

import pytest
from textual.events import Key, Paste

from rebal_tui.tui.terminal import driver as drivers
from rebal_tui.tui.terminal.driver import TerminalDriver


class Reading(TerminalDriver):
    """A driver that reads a pipe and keeps the events."""

    def __init__(self, number: int) -> None:
        self.fileno = number
        self.exit_event = threading.Event()
        self.seen: list[str] = []
        self.gone = False
        self._debug = False
        self._host = self

    def terminal_gone(self) -> None:
        self.gone = True

    def _call_in_app(self, callback: Any) -> None:
        callback()

    def process_message(self, message: Any) -> None:
        assert isinstance(message, Key | Paste)
        self.seen.append(message.key if isinstance(message, Key) else repr(message.text))


def events(*pieces: bytes, pause: float = 0.0) -> list[str]:
    """The events of bytes that arrive in pieces, until the terminal is gone."""
    source, target = os.pipe()
    reading = Reading(source)
    thread = threading.Thread(target=reading.run_input_thread)
    thread.start()
    for piece in pieces:
        os.write(target, piece)
        time.sleep(pause)
    os.close(target)
    thread.join(10)
    os.close(source)
    assert reading.gone
    return reading.seen


def test_a_character_in_pieces_is_one_key_and_the_next_keys_still_count() -> None:
    assert events(b"a", b"\xc3", b"\xa9", b"\xf0\x9f", b"\x99\x82", b"b", pause=0.02) == [
        "a", "é", "slightly_smiling_face", "b",
    ]  # fmt: skip


def test_pasted_text_in_pieces_has_no_keys_in_it() -> None:
    assert events(b"\x1b[200~15\x1b", b"q00\x1b[", b"201~x", pause=0.02) == ["'15q00'", "x"]


@pytest.mark.slow
def test_a_paste_whose_end_does_not_come_ends_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drivers, "_MAX_QUIET_POLLS", 0)
    monkeypatch.setattr(drivers, "_POLL_MILLISECONDS", 20)
    assert events(b"\x1b[200~15", b"x", b"y", pause=0.2) == ["'15'", "x", "y"]
