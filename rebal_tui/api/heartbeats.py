"""Heartbeats of a served book, and what happens when the book can no longer be written (is halted)."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeVar

from rebal_tui.api.responses import LOCKED, BookClient, is_locked
from rebal_tui.domain.errors import FILE_LOST, Halt, ReadOnly, Refusal
from rebal_tui.domain.free_space import FreeSpace
from rebal_tui.services.book import kill_switch
from rebal_tui.services.schedule import scheduler
from rebal_tui.services.schedule.follower import HEARTBEAT_BUDGET_SECONDS
from rebal_tui.services.wire.health import check, free_space

if TYPE_CHECKING:
    from rebal_tui.services.book.book import Book
    from rebal_tui.services.wire.models.server import LastDecision

T = TypeVar("T")
RETRY_SECONDS = 30.0
"""Seconds between attempts to write to a halted book again."""
CHECK_SECONDS = 10.0
"""Seconds between checks that the file can be written."""
LATE_SECONDS = 60.0
"""Seconds without a heartbeat after which the server is no longer healthy."""
_log = logging.getLogger(__name__)


class ServedBook(BookClient, Protocol):
    """Access to a book that may become halted: `halted` is why this process cannot write it, None while it can."""

    @property
    def halted(self) -> ReadOnly | None: ...

    async def ask(self, work: Callable[[Book], T], *, heartbeat: bool = False) -> T:
        """Run `work` on the book's thread and return its result. Raises `Refusal`.

        With `heartbeat`, the work is a heartbeat, which runs before waiting requests.
        """

    async def write_again(self) -> None:
        """Open the book for writing again when it could not be written. Raises `Refusal` or `sqlite3.Error`."""


@dataclass(slots=True)
class HeartbeatRecord:
    """Heartbeats since the start of the server; times are in seconds since 1970, by the real clock.

    `completed` and `failed` are the numbers of heartbeats that ended so; `last_at` is when the last one was completed;
    `error` is why the last one failed, empty if it did not. `halted` is why the book cannot be written, empty while it
    can; `halted_at` is since when, `tried_at` the last attempt to write again. `space` is the free space on the book's
    disk at the last check, `kill_switch` whether it was on at the last heartbeat. `stop_asked_by` is who turned the
    kill switch on while the book could not be written, None once that is stored; only the book's thread sets it to
    None.
    """

    completed: int = 0
    failed: int = 0
    last_at: float | None = None
    error: str = ""
    halted: str = ""
    halted_at: float | None = None
    tried_at: float | None = None
    last_decision: LastDecision | None = None
    space: FreeSpace | None = None
    kill_switch: bool | None = None
    stop_asked_by: str | None = None

    def fault(self, now: float) -> str:
        """What is wrong with the service of the book, as text, empty while nothing is.

        `now` is the real time in seconds since 1970.
        """
        if self.halted or self.error:
            return self.halted or self.error
        if self.last_at is not None and now > self.last_at + LATE_SECONDS:
            return f"no heartbeat for {now - self.last_at:.0f} seconds"
        return ""


class Heartbeats:
    """Runs heartbeats. While the book is halted (cannot be written), it tries to write again every `RETRY_SECONDS`.

    `taken_over` is called when another program has become the book's writer, or when the file was replaced or lost. The
    server must then end without writing again.
    """

    def __init__(
        self, client: ServedBook, record: HeartbeatRecord, now: Callable[[], float], closing: Callable[[], bool],
        taken_over: Callable[[], None],
    ) -> None:  # fmt: skip
        """`now` is the real time in seconds since 1970."""
        self._client = client
        self._record = record
        self._now = now
        self._closing = closing
        self._taken_over = taken_over
        self._checked_at = 0.0
        self._left = False

    async def run(self) -> None:
        """Run one heartbeat to its end. A failure is logged once, until a heartbeat succeeds or fails differently."""
        record = self._record
        if self._left or (record.halted and not await self._write_again()):
            return
        try:
            work_left = True
            while work_left:
                work_left, record.kill_switch = await self._client.ask(self._tick, heartbeat=True)
                if work_left and self._closing():
                    return
            if self._now() >= self._checked_at + CHECK_SECONDS:
                checked = await self._client.ask(check, heartbeat=True)
                record.last_decision, record.space = checked.last_decision, checked.space
                self._checked_at = self._now()
            record.completed, record.last_at, record.error = record.completed + 1, self._now(), ""
        except (Refusal, sqlite3.Error, OSError) as error:
            self._failed(LOCKED if is_locked(error) else str(error))
        except Exception as error:
            self._failed(f"{type(error).__name__}: {error}", trace=True)
        if record.halted:
            await self._look_at_space()

    def _failed(self, text: str, *, trace: bool = False) -> None:
        record, halted = self._record, self._client.halted
        record.failed += 1
        if halted is not None:
            self._halt(halted)
        elif text != record.error:
            record.error = text
            _log.error("heartbeat: %s", text, exc_info=trace)

    def _halt(self, halted: ReadOnly) -> None:
        record = self._record
        known, record.halted = record.halted, str(halted)
        if halted.halt is Halt.TAKEN_OVER or halted.halt in FILE_LOST:
            # The server ends; a heartbeat until then must not write again or report anything.
            self._left = True
            _log.error("%s", halted)
            self._taken_over()
        elif not known:
            record.halted_at = record.tried_at = self._now()
            _log.error("%s; trying again every %.0f seconds", halted, RETRY_SECONDS)

    async def _write_again(self) -> bool:
        """Try to write again if it is time; returns whether the book is written."""
        record, now = self._record, self._now()
        if record.tried_at is not None and now < record.tried_at + RETRY_SECONDS:
            return False
        record.tried_at = now
        try:
            await self._client.write_again()
        except (Refusal, sqlite3.Error, OSError) as error:
            if self._client.halted is not None:
                self._halt(self._client.halted)
            else:
                record.halted = str(error)
            await self._look_at_space()
            return False
        record.halted, record.halted_at = "", None
        _log.warning("the book is written again")
        return True

    async def _look_at_space(self) -> None:
        with suppress(Refusal, sqlite3.Error):
            self._record.space = await self._client.ask(free_space, heartbeat=True)

    def _tick(self, book: Book) -> tuple[bool, bool]:
        """One heartbeat: whether work is left, and whether the kill switch is on."""
        asked_by = self._record.stop_asked_by
        if asked_by is not None:
            with book.acting_as(asked_by):
                turn_kill_switch(book, self._record, True)
        return scheduler.tick(book, HEARTBEAT_BUDGET_SECONDS), kill_switch.halted(book)


def turn_kill_switch(book: Book, record: HeartbeatRecord, on: bool) -> None:
    """Turn the kill switch on or off; no effect if it is in that state already.

    Also clears a stop that the server remembered while the book could not be written (`stop_asked_by`).
    """
    # A stop that could not be stored holds the sending to a broker nevertheless.
    if kill_switch.halted(book) is not on or record.stop_asked_by is not None:
        kill_switch.set_halt(book, on)
    record.stop_asked_by = None
