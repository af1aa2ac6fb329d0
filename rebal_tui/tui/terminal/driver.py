"""Driver for POSIX terminals, derived from Textual's.

It neither blocks nor fails when the terminal stops reading or is closed.
"""

from __future__ import annotations

import asyncio
import os
import select
import signal
import sys
from codecs import getincrementaldecoder
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TextIO

from textual._parser import ParseError
from textual._xterm_parser import XTermParser
from textual.drivers import linux_driver
from textual.drivers.linux_driver import LinuxDriver

from rebal_tui.tui.terminal.encoding import terminal_encoding
from rebal_tui.tui.terminal.pastes import PasteFilter
from rebal_tui.tui.terminal.writer import TerminalWriter

if sys.platform == "win32":
    raise ImportError("Windows has its own driver in Textual")

READ_BYTES = 4_096
_POLL_MILLISECONDS = 100
_MAX_QUIET_POLLS = 20
"""Polls without input after which pasted text counts as complete, even without the mark of its end."""


class TerminalDriver(LinuxDriver):
    """A driver whose output never blocks. It suspends (ctrl+z) and resumes the app on the event loop.

    Textual's own driver does both inside a signal handler. The app must have the methods `terminal_gone` and `redraw`.
    """

    def __init__(self, app: Any, **options: Any) -> None:
        super().__init__(app, **options)
        self._host = app
        self._suspended = False
        loop = asyncio.get_running_loop()
        # Textual's handlers write to the terminal wherever Python happens to be.
        for number, handle in ((signal.SIGTSTP, self._suspend), (signal.SIGCONT, self._continue)):
            signal.signal(number, signal.SIG_DFL)
            with suppress(RuntimeError, ValueError):
                loop.add_signal_handler(number, handle)

    def start_application_mode(self) -> None:
        # The base class creates its writer by this name of its module.
        setattr(linux_driver, "WriterThread", self._new_writer)  # noqa: B010 - the module does not export the name
        start: Callable[[], None] = super().start_application_mode
        start()

    def _new_writer(self, file: TextIO) -> TerminalWriter:
        return TerminalWriter(
            file.fileno(),
            drawn_again=lambda: self._call_in_app(self._host.redraw),
            gone=lambda: self._call_in_app(self._host.terminal_gone),
        )

    def _get_terminal_size(self) -> tuple[int, int]:
        """Columns and lines of the terminal itself. The environment variables COLUMNS and LINES may describe another
        terminal.
        """
        for stream in (self._file, sys.__stdin__, sys.__stdout__):
            if stream is None:
                continue
            with suppress(OSError, ValueError):
                columns, lines = os.get_terminal_size(stream.fileno())
                if columns > 0 and lines > 0:
                    return columns, lines
        size: tuple[int, int] = super()._get_terminal_size()
        return size

    def _call_in_app(self, callback: Callable[[], None]) -> None:
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(callback)

    def _suspend(self) -> None:
        """Restore the terminal for the shell and stop the process; `_continue` runs when the shell continues it."""
        self._suspended = True
        self.suspend_application_mode()
        os.kill(os.getpid(), signal.SIGSTOP)

    def _continue(self) -> None:
        """Set up the terminal for the screens again and draw everything, also if the process was stopped without
        `_suspend`.
        """
        if not self._suspended:
            self.suspend_application_mode()
        self._suspended = False
        self.resume_application_mode()
        self._host.redraw()

    def _run_input_thread(self) -> None:
        """Read input until the terminal is gone; an error while reading means that it is gone."""
        try:
            self.run_input_thread()
        except OSError:
            self._call_in_app(self._host.terminal_gone)

    def run_input_thread(self) -> None:
        """Turn input into events until the input ends, then exit the app; Textual's own driver would keep reading
        forever.
        """
        parser = XTermParser(self._debug)
        decode = getincrementaldecoder(terminal_encoding())(errors="replace").decode
        pastes, quiet = PasteFilter(), 0
        poll = select.poll()
        poll.register(self.fileno, select.POLLIN)
        while not self.exit_event.is_set():
            ready = poll.poll(_POLL_MILLISECONDS)
            quiet = 0 if ready else quiet + 1
            for _, events in ready:
                data = os.read(self.fileno, READ_BYTES) if events & select.POLLIN else b""
                if not data:
                    self._call_in_app(self._host.terminal_gone)
                    return
                self._handle_input(parser, pastes.feed(decode(data)))
            if quiet > _MAX_QUIET_POLLS:
                self._handle_input(parser, pastes.end())
            if not pastes.starting or quiet > _MAX_QUIET_POLLS:
                for event in parser.tick():
                    self.process_message(event)
        with suppress(EOFError, ParseError):
            for _ in parser.feed(""):
                pass

    def _handle_input(self, parser: XTermParser, text: str) -> None:
        """Turn text into events. Empty text, which results from the first bytes of a character, is skipped: to the
        parser it means the end of input.
        """
        if text:
            for event in parser.feed(text):
                self.process_message(event)
