"""The driver of a browser: packets that arrive in pieces, a page that replaces another, and the end."""

from __future__ import annotations

import json
import os
import select
import threading
import time
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
from textual.events import Key, Paste, Resize

from rebal_tui.tui.terminal import browser_driver as drivers
from rebal_tui.tui.terminal.browser_driver import BrowserDriver


class Pipe:
    """The input, with an empty text for each time in which nothing came."""

    def __init__(self, source: int) -> None:
        self._source = source

    def __iter__(self) -> Iterator[bytes]:
        while True:
            if select.select([self._source], [], [], 0.02)[0]:
                if not (data := os.read(self._source, 1024)):
                    return
                yield data
            yield b""


class Driving(BrowserDriver):
    """A driver between two pipes that keeps the events, and is its own app."""

    def __init__(self, source: int, target: int) -> None:
        self.fileno = target
        self.seen: list[str] = []
        self.gone = False
        self._debug = False
        self._host: Any = self
        self._app: Any = self
        self._mouse = True
        self._write = partial(self._write_all)
        self._input_reader: Any = Pipe(source)

    def terminal_gone(self) -> None:
        self.gone = True

    def redraw(self) -> None:
        self.write("everything")

    def post_message(self, message: Any) -> None:
        assert isinstance(message, Resize)
        self.seen.append(f"{message.size.width}x{message.size.height}")

    def process_message(self, message: Any) -> None:
        assert isinstance(message, Key | Paste)
        self.seen.append(message.key if isinstance(message, Key) else repr(message.text))

    def _call_in_app(self, callback: Any) -> None:
        callback()


def packet(kind: bytes, payload: bytes) -> bytes:
    return kind + len(payload).to_bytes(4, "big") + payload


def driven(*pieces: bytes, pause: float = 0.0) -> tuple[list[str], bytes]:
    """The events of bytes that arrive in pieces, until the input ends, and what was drawn."""
    source, sent = os.pipe()
    read, target = os.pipe()
    driver = Driving(source, target)
    thread = threading.Thread(target=driver.run_input_thread)
    thread.start()
    for piece in pieces:
        os.write(sent, piece)
        time.sleep(pause)
    os.close(sent)
    thread.join(10)
    assert driver.gone
    os.close(target)
    drawn = os.read(read, 65_536)
    os.close(source)
    os.close(read)
    return driver.seen, drawn


def test_packets_in_pieces_are_keys() -> None:
    data = packet(b"D", "aé".encode()) + packet(b"D", b"\xf0\x9f") + packet(b"D", b"\x99\x82b")
    assert driven(data[:7], data[7:9], data[9:], pause=0.03)[0] == ["a", "é", "slightly_smiling_face", "b"]


def test_pasted_text_has_no_keys_in_it() -> None:
    pasted = packet(b"D", b"\x1b[200~15\x1b") + packet(b"D", b"q00\x1b[") + packet(b"D", b"201~x")
    assert driven(pasted)[0] == ["'15q00'", "x"]


@pytest.mark.slow
def test_a_paste_whose_end_does_not_come_ends_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drivers, "_MAX_QUIET_POLLS", 0)
    assert driven(packet(b"D", b"\x1b[200~15"), packet(b"D", b"x"), pause=0.15)[0] == ["'15'", "x"]


def test_a_new_page_gets_its_modes_and_everything_in_its_size() -> None:
    attach = packet(b"M", json.dumps({"type": "attach", "width": 100, "height": 30}).encode())
    seen, drawn = driven(attach)
    assert seen == ["100x30"]
    for mode in (b"\x1b[?1049h", b"\x1b[?1000h", b"\x1b[?25l", b"\x1b[?2004h"):
        assert packet(b"D", mode) in drawn
    assert drawn.endswith(packet(b"D", b"everything"))


def test_output_that_nobody_reads_ends_the_screens() -> None:
    read, target = os.pipe()
    source, sent = os.pipe()
    driver = Driving(source, target)
    os.close(read)
    driver.write("text")
    assert driver.gone
    for number in (target, source, sent):
        os.close(number)
