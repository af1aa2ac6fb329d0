"""An event loop whose time runs ahead whenever nothing else is to be done: no test waits for a timer.

Timers fire in their order and at their times, as ever. While a thread works for the loop (a book's, for example), time
is the real one, so that what takes a thread long still meets the timers that it would meet.
"""

from __future__ import annotations

import asyncio
import selectors
import time
from collections.abc import Callable
from concurrent.futures import Executor
from selectors import SelectorKey
from typing import Any


class Skipping(selectors.DefaultSelector):
    """Waits for what is to be read; where only a timer is to come, it does not wait but moves the time on."""

    def __init__(self) -> None:
        super().__init__()
        self.skipped = 0.0
        self.threads = 0

    def select(self, timeout: float | None = None) -> list[tuple[SelectorKey, int]]:
        if timeout is None or timeout <= 0 or self.threads:
            return super().select(timeout)
        ready = super().select(0)
        if not ready:
            self.skipped += timeout
        return ready


class VirtualTime(asyncio.SelectorEventLoop):
    """The loop over such a selector."""

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

    async def shutdown_default_executor(self, *timeout: Any) -> None:
        self._skipping.threads += 1
        await super().shutdown_default_executor(*timeout)


def now() -> float:
    """The time of the loop that runs here; the real one where none does."""
    try:
        return asyncio.get_running_loop().time()
    except RuntimeError:
        return time.monotonic()
