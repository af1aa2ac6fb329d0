"""Driver for browsers, derived from Textual's.

The app exits when the input ends; a newly opened page is drawn in full.
"""

from __future__ import annotations

import asyncio
import os
import signal
from codecs import getincrementaldecoder
from contextlib import suppress
from functools import partial
from typing import Any

from textual._xterm_parser import XTermParser
from textual.drivers._byte_stream import ByteStream
from textual.drivers.web_driver import WebDriver
from textual.geometry import Size

from rebal_tui.tui.terminal.pastes import PasteFilter

_HANDLED = (signal.SIGINT, signal.SIGTERM)
_MAX_QUIET_POLLS = 20
"""Polls of 0.1 s without input after which pasted text counts as complete, even without the mark of its end."""


class BrowserDriver(WebDriver):
    """Reads packets from textual-serve: input, sizes, and `attach`, which is sent when a new browser page replaces the
    old one.

    The app must have the methods `terminal_gone` and `redraw`.
    """

    def __init__(self, app: Any, **options: Any) -> None:
        super().__init__(app, **options)
        self._host = app
        self._loop = asyncio.get_running_loop()
        self._write = partial(self._write_all)

    def start_application_mode(self) -> None:
        # Textual's handlers only post a message; the program's own also end screens that do not read it.
        before = {number: signal.getsignal(number) for number in _HANDLED}
        super().start_application_mode()
        for number, handler in before.items():
            with suppress(NotImplementedError):  # On Windows.
                self._loop.remove_signal_handler(number)
            signal.signal(number, handler)

    def _write_all(self, data: bytes) -> int:
        """Write all bytes, and return their number. If writing fails, nobody reads the screens any more, and the app
        exits.
        """
        left = memoryview(data)
        try:
            while left:
                left = left[os.write(self.fileno, left) :]
        except OSError:
            self._call_in_app(self._host.terminal_gone)
        return len(data)

    def run_input_thread(self) -> None:
        """Turn packets into events until the input ends; then exit the app."""
        parser, pastes, packets = XTermParser(debug=self._debug), PasteFilter(), ByteStream()
        decode, quiet = getincrementaldecoder("utf-8")(errors="replace").decode, 0
        try:
            for data in self._input_reader:
                quiet = 0 if data else quiet + 1
                for kind, payload in packets.feed(data) if data else ():
                    if kind != "D":
                        self._on_meta(kind, payload)
                    elif text := pastes.feed(decode(payload)):
                        for event in parser.feed(text):
                            self.process_message(event)
                if quiet > _MAX_QUIET_POLLS and (text := pastes.end()):
                    for event in parser.feed(text):
                        self.process_message(event)
                if not pastes.starting or quiet > _MAX_QUIET_POLLS:
                    for event in parser.tick():
                        self.process_message(event)
        finally:
            self._call_in_app(self._host.terminal_gone)

    def on_meta(self, packet_type: str, payload: dict[str, Any]) -> None:
        """Process a control packet from the server, such as a new size."""
        if packet_type == "attach":
            self._call_in_app(lambda: self._attach(Size(payload["width"], payload["height"])))
        else:
            super().on_meta(packet_type, payload)

    def _attach(self, size: Size) -> None:
        """Set up the terminal of a new browser page as at the start of the app, and draw everything in the size of the
        new page.
        """
        self.write("\x1b[?1049h")
        self._enable_mouse_support()
        self.write("\x1b[?25l")
        self._request_terminal_sync_mode_support()
        self._enable_bracketed_paste()
        super().on_meta("resize", {"width": size.width, "height": size.height})
        self._host.redraw()

    def _call_in_app(self, callback: Any) -> None:
        with suppress(RuntimeError):  # The loop has ended.
            self._loop.call_soon_threadsafe(callback)
