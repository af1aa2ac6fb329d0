"""Output to a terminal that never blocks.

What the terminal does not take at once is written later by a thread, or dropped.
"""

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

MAX_PENDING_BYTES = 1_000_000
"""If more output waits, all of it is dropped; the screen is drawn in full once the terminal reads again."""
DRAIN_SECONDS = 0.4
"""How long `stop` tries to write the remaining output to a terminal that does not read."""
_POLL_MILLISECONDS = 100


class TerminalWriter:
    """Writes texts in order. `write` never blocks.

    The terminal is opened a second time in non-blocking mode, so that the mode in which the shell uses it stays the
    same. The terminal usually takes a whole screen update at once, so `write` first tries it itself: if only the thread
    wrote, the effect of a key would be shown later, after the interpreter has switched threads.
    """

    def __init__(self, fd: int, drawn_again: Callable[[], None], gone: Callable[[], None]) -> None:
        """`drawn_again` is called when the terminal reads again after output was dropped, `gone` when writing fails.

        Both are called on the writer's thread.
        """
        self._drawn_again = drawn_again
        self._gone = gone
        self._fd = _open_again(fd)
        self._encoding = terminal_encoding()
        self._waiting: deque[bytes] = deque()
        self._pending = 0
        self._writing = False
        """Whether the thread has taken bytes that it has not written in full."""
        self._takes_at_once = False
        self._dropped = False
        self._changed = threading.Condition()
        self._stop_at: float | None = None
        self._thread = threading.Thread(target=self._run, name="terminal-output", daemon=True)

    def start(self) -> None:
        """Start the thread that writes the output that has to wait."""
        self._takes_at_once = not os.get_blocking(self._fd)
        self._thread.start()

    def write(self, text: str) -> None:
        """Write as much of a text as the terminal takes now, and queue the rest.

        If more than `MAX_PENDING_BYTES` are queued already, the queued output is dropped first.
        """
        data = encode(text, self._encoding)
        with self._changed:
            if self._takes_at_once and not self._waiting and not self._writing:
                data = data[self._written_now(data) :]
                if not data:
                    return
            if self._pending > MAX_PENDING_BYTES:
                self._waiting.clear()
                self._pending, self._dropped = 0, True
            self._waiting.append(data)
            self._pending += len(data)
            self._changed.notify()

    def _written_now(self, data: bytes) -> int:
        """Write as many bytes as the terminal takes now, and return their number.

        Returns 0 on an error: the thread then tries again, and reports the error.
        """
        with suppress(OSError):
            return os.write(self._fd, data)
        return 0

    def stop(self) -> None:
        """Write what is queued, for at most `DRAIN_SECONDS`, and end the thread."""
        with self._changed:
            self._stop_at = time.monotonic() + DRAIN_SECONDS
            self._takes_at_once = False
            self._changed.notify()
        self._thread.join(2 * DRAIN_SECONDS)
        if not self._thread.is_alive():
            with suppress(OSError):
                os.close(self._fd)

    def _run(self) -> None:
        while (data := self._next()) is not None:
            try:
                if not self._write_all(data):
                    return
            except OSError:
                self._gone()
                return
            with self._changed:
                self._writing = False
                again = self._dropped and not self._waiting and self._stop_at is None
                self._dropped = self._dropped and not again
            if again:
                self._drawn_again()

    def _next(self) -> bytes | None:
        """Wait for output, and return all that is queued, joined; None when nothing is left after `stop`."""
        with self._changed:
            while not self._waiting:
                if self._stop_at is not None:
                    return None
                self._changed.wait()
            data = b"".join(self._waiting)
            self._waiting.clear()
            self._pending, self._writing = 0, True
            return data

    def _write_all(self, data: bytes) -> bool:
        """Write all bytes; returns False if the time limit of `stop` has passed first."""
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
    """A non-blocking file descriptor of the same terminal. If none can be opened, a copy of `fd`; writing to it may
    block.
    """
    with suppress(OSError):
        return os.open(os.ttyname(fd), os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    with suppress(OSError):
        return os.open("/dev/tty", os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    return os.dup(fd)
