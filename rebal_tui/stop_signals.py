"""Signals that ask the screens to end. A handler only records the signal and wakes the event loop."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType

from rebal_tui.systems import STOP_SIGNALS

log = logging.getLogger(__name__)
GRACE_SECONDS = 5.0
"""How long the screens have to end after a signal; then the book is closed without them."""


class StopRequest:
    """A request to end: `number` is that of the first stop signal that the process received, 0 if there was none.

    A signal that arrives before the screens run ends them as soon as they start.
    """

    def __init__(self, close: Callable[[], None]) -> None:
        """`close` closes the book when the screens do not end in time."""
        self.number = 0
        self._close = close
        self._wake: Callable[[], object] | None = None
        self._ended = threading.Event()

    def attach(self, leave: Callable[[], None]) -> None:
        """Call `leave` on the running event loop when a signal is received; at once if one was received before."""
        loop = asyncio.get_running_loop()
        self._wake = lambda: loop.call_soon_threadsafe(leave)
        if self.number:
            self._wake()

    def received(self, number: int) -> None:
        """Record a signal and wake the event loop. A signal may interrupt any code, so this never raises or waits."""
        first, self.number = not self.number, self.number or number
        if self._wake is not None:
            with suppress(RuntimeError):  # The loop has ended.
                self._wake()
        if first:
            threading.Thread(target=self._end_in_time, name="stop", daemon=True).start()

    def ended(self) -> None:
        """Record that the screens have ended; otherwise the process is ended by force some seconds after a signal."""
        self._ended.set()

    def _end_in_time(self) -> None:
        if not self._ended.wait(GRACE_SECONDS):
            name = signal.Signals(self.number).name
            log.warning("%s received; the screens did not end in %.0f seconds", name, GRACE_SECONDS)
            self._close()
            os._exit(128 + self.number)


@contextmanager
def listening(close: Callable[[], None]) -> Iterator[StopRequest]:
    """Context manager: handle the stop signals until the block ends, also before and after an event loop runs.

    `close` is called before the process is ended by force, if the screens do not end in time.
    """
    request = StopRequest(close)

    def handle(number: int, _frame: FrameType | None) -> None:
        request.received(number)

    before = {number: signal.signal(number, handle) for number in STOP_SIGNALS}
    try:
        yield request
    finally:
        request.ended()
        if request.number:
            log.warning("%s received; the screens have ended", signal.Signals(request.number).name)
        for number, handler in before.items():
            # After a first signal the rest of the cleaning up must not be cut short by a second one.
            signal.signal(number, signal.SIG_IGN if request.number else handler)
