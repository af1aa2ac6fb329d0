"""Output to a terminal from its own thread: output that the terminal does not read is dropped."""

from __future__ import annotations

import os
import select
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress

from rebal_tui.tui.terminal.encoding import encode, terminal_encoding

if sys.platform == "win32":
    raise ImportError("Windows has its own driver in Textual")

MAX_PENDING_CHARACTERS = 1_000_000
"""Above this, output that waits is dropped; the screen is drawn in full once the terminal reads again."""
DRAIN_SECONDS = 0.4
"""How long `stop` waits for a terminal that does not read."""
_POLL_MILLISECONDS = 100


class TerminalWriter:
    """Writes texts in order. `write` never blocks.

    The terminal is opened a second time in non-blocking mode, so that the mode does not change for the shell.
    """

    def __init__(self, fd: int, drawn_again: Callable[[], None], gone: Callable[[], None]) -> None:
        """`drawn_again` is called when the terminal reads again after a drop, `gone` when it no longer exists; both on
        the writer's thread."""
        self._drawn_again = drawn_again
        self._gone = gone
        self._fd = _open_again(fd)
        self._encoding = terminal_encoding()
        self._texts: deque[str] = deque()
        self._pending = 0
        self._dropped = False
        self._changed = threading.Condition()
        self._stop_at: float | None = None
        self._thread = threading.Thread(target=self._run, name="terminal-output", daemon=True)

    def start(self) -> None:
        """Start the thread that writes."""
        self._thread.start()

    def write(self, text: str) -> None:
        """Queue a text; when the terminal does not read, drop everything queued."""
        with self._changed:
            if self._pending > MAX_PENDING_CHARACTERS:
                self._texts.clear()
                self._pending, self._dropped = 0, True
            self._texts.append(text)
            self._pending += len(text)
            self._changed.notify()

    def stop(self) -> None:
        """Write what is queued, for at most `DRAIN_SECONDS`, and end the thread."""
        with self._changed:
            self._stop_at = time.monotonic() + DRAIN_SECONDS
            self._changed.notify()
        self._thread.join(2 * DRAIN_SECONDS)
        if not self._thread.is_alive():
            with suppress(OSError):
                os.close(self._fd)

    def _run(self) -> None:
        while (text := self._next()) is not None:
            try:
                if not self._write_all(encode(text, self._encoding)):
                    return
            except OSError:
                self._gone()
                return
            with self._changed:
                again = self._dropped and not self._texts and self._stop_at is None
                self._dropped = self._dropped and not again
            if again:
                self._drawn_again()

    def _next(self) -> str | None:
        """All that waits, joined; None when there is nothing left after `stop`."""
        with self._changed:
            while not self._texts:
                if self._stop_at is not None:
                    return None
                self._changed.wait()
            text = "".join(self._texts)
            self._texts.clear()
            self._pending = 0
            return text

    def _write_all(self, data: bytes) -> bool:
        """Write in full; returns False when the time after `stop` is over."""
        poll = select.poll()
        poll.register(self._fd, select.POLLOUT)
        left = memoryview(data)
        while left:
            try:
                left = left[os.write(self._fd, left[:65_536]) :]
            except BlockingIOError:
                if self._stop_at is not None and time.monotonic() >= self._stop_at:
                    return False
                poll.poll(_POLL_MILLISECONDS)
        return True


def _open_again(fd: int) -> int:
    """A descriptor of the same terminal that does not block; without one, a copy that may block its thread."""
    with suppress(OSError):
        return os.open(os.ttyname(fd), os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    with suppress(OSError):
        return os.open("/dev/tty", os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    return os.dup(fd)
