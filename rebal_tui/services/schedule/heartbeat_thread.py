"""Heartbeats of a book, started from a thread of their own, so that the screens never delay them."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

from rebal_tui.domain.errors import Halt, ReadOnly, Refusal
from rebal_tui.services.schedule.book_thread import BookThread
from rebal_tui.services.schedule.heartbeat import Heartbeat
from rebal_tui.services.schedule.loading import Stopped

if TYPE_CHECKING:
    from rebal_tui.services.book.book import Book

STOP_SECONDS = 2.0
"""How long `stop` waits for the event loop to end."""
log = logging.getLogger(__name__)


class HeartbeatThread:
    """Starts heartbeats at regular times, from an event loop in a thread of its own.

    Their work runs on the book's thread. `trouble` is why the last heartbeat failed, empty if it succeeded; it may be
    read on any thread. While `held` is above 0, no heartbeat runs.
    """

    def __init__(self, thread: BookThread, tick: Callable[[Book], bool]) -> None:
        """`tick` runs one heartbeat or a chunk of it, and returns whether more must follow immediately."""
        self._thread = thread
        self._tick = tick
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop = asyncio.Event()
        self._stopping = False
        self._runner: threading.Thread | None = None
        self._running = False
        self.completed = 0
        self.held = 0
        self.trouble = ""
        self._stopped = ""

    def start(self) -> None:
        """Start the heartbeats; a second call does nothing."""
        if self._runner is None:
            self._runner = threading.Thread(target=lambda: asyncio.run(self._run()), name="heartbeat", daemon=True)
            self._runner.start()

    def stop(self) -> None:
        """Stop the heartbeats and wait at most `STOP_SECONDS` for the one in progress; it is not interrupted."""
        self._stopping = True
        if self._loop is not None:
            with suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._stop.set)
        if self._runner is not None:
            self._runner.join(STOP_SECONDS)

    async def _run(self) -> None:
        self._loop = asyncio.get_running_loop()
        heartbeat = Heartbeat(self._run_heartbeat, self._failed)
        heartbeat.start()
        try:
            if not self._stopping:
                await self._stop.wait()
        finally:
            await heartbeat.stop()

    async def _run_heartbeat(self) -> None:
        if self._running:
            return
        self._running = more = True
        try:
            while more and not self._stopping and not self.held:
                more = await self._chunk()
                self._log_stop()
        finally:
            self._running = False

    async def _chunk(self) -> bool:
        try:
            more = await self._thread.ask(self._tick_unless_held, heartbeat=True)
        except (ReadOnly, Stopped):
            self._failed("")
        except Refusal as refusal:
            # The reason of a book that cannot be opened is shown once, by the screens.
            self._failed("" if self._thread.open_error else str(refusal))
        except Exception as error:
            self._failed(f"{type(error).__name__}: {error}", error)
        else:
            self._failed("")
            self.completed += 1
            return more
        return False

    def _log_stop(self) -> None:
        """Log once why the book is not open or no longer written, and once that it is written again."""
        halted, before = self._thread.halted, self._stopped
        if self._thread.open_error:
            self._stopped = f"the book cannot be opened: {self._thread.open_error}"
        elif halted is None or halted.halt is Halt.VIEWING:
            self._stopped = ""
        else:
            self._stopped = f"{halted.path}: {halted}" if halted.path not in str(halted) else str(halted)
        if self._stopped and self._stopped != before:
            log.error("%s", self._stopped)
        elif before and not self._stopped:
            log.warning("the book is written again")

    def _tick_unless_held(self, book: Book) -> bool:
        return not self.held and self._tick(book)

    def _failed(self, text: str, error: Exception | None = None) -> None:
        """Store the outcome of a heartbeat in `trouble`; `text` is empty after a success.

        An error is logged with its traceback when its text differs from the last one.
        """
        if text and text != self.trouble:
            log.error("heartbeat: %s", text, exc_info=error)
        self.trouble = text
