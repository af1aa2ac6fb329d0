"""Event loop in virtual time: when it is idle, time advances to the next timer, so that no test waits for one.

Timers fire in their order and at their scheduled times. While a thread works for the loop (such as the book's thread),
real time is used, so that timers still fire during long work in a thread.
"""

from __future__ import annotations

import asyncio
import selectors
import time
from collections.abc import Callable
from concurrent.futures import Executor
from selectors import SelectorKey
from typing import Any

BUSY_TURNS = 16
"""Every how many turns: a system call at each of them is some percent of the time of a test of screens."""


class Skipping(selectors.DefaultSelector):
    """Selector that advances time by the timeout instead of waiting, unless input is ready or a thread is working.

    While the loop has work of its own, it asks for input only at every `BUSY_TURNS`th turn.
    """

    def __init__(self) -> None:
        super().__init__()
        self.skipped = 0.0
        self.threads = 0
        self.waiting: list[asyncio.Future[None]] = []
        self._turns = 0

    def select(self, timeout: float | None = None) -> list[tuple[SelectorKey, int]]:
        if timeout == 0:
            self._turns += 1
            return [] if self._turns % BUSY_TURNS else super().select(0)
        if self.waiting:
            ready = super().select(0)
            if not ready:
                self._nothing_left()
            return ready
        if timeout is None or timeout < 0 or self.threads:
            return super().select(timeout)
        ready = super().select(0)
        if not ready:
            self.skipped += timeout
        return ready

    def _nothing_left(self) -> None:
        for future in self.waiting:
            if not future.done():
                future.set_result(None)
        self.waiting.clear()


class VirtualTime(asyncio.SelectorEventLoop):
    """Event loop with a `Skipping` selector."""

    def __init__(self) -> None:
        self._skipping = Skipping()
        super().__init__(self._skipping)

    def time(self) -> float:
        return time.monotonic() + self._skipping.skipped

    def run_in_executor(self, executor: Executor | None, func: Callable[..., Any], *args: Any) -> asyncio.Future[Any]:  # type: ignore[override]
        future = super().run_in_executor(executor, func, *args)
        self._skipping.threads += 1
        future.add_done_callback(self._thread_done)
        return future

    def _thread_done(self, _future: asyncio.Future[Any]) -> None:
        self._skipping.threads -= 1

    async def nothing_left(self) -> None:
        """Wait until nothing is left to do before the next timer, the result of a thread or input."""
        future = self.create_future()
        self._skipping.waiting.append(future)
        await future

    async def shutdown_default_executor(self, *timeout: Any) -> None:
        self._skipping.threads += 1
        await super().shutdown_default_executor(*timeout)


def now() -> float:
    """Return the time of the running loop; the real monotonic time if there is none."""
    try:
        return asyncio.get_running_loop().time()
    except RuntimeError:
        return time.monotonic()
