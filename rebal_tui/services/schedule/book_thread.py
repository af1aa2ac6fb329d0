"""The thread that owns an open book: other threads submit work and get immutable results."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, TypeVar

from rebal_tui.broker.failures import BrokerPending
from rebal_tui.domain.errors import FILE_LOST, Conflict, Halt, ReadOnly, Refusal
from rebal_tui.market.clock import elapsed
from rebal_tui.services.schedule.loading import Stopped
from rebal_tui.services.schedule.turns import Turns

if TYPE_CHECKING:
    from rebal_tui.services.book.book import Book

T = TypeVar("T")
MAX_WAIT_SECONDS = 20.0
"""How long work waits for a response of a real broker."""
RETRY_SECONDS = 0.1


class BookThread:
    """Runs work on the book on a thread of its own, one request at a time, heartbeats before other requests."""

    def __init__(self, open_book: Callable[[], Book], view_book: Callable[[], Book] | None = None) -> None:
        """`view_book` opens the book read-only after another program has become its writer."""
        self._open_book = open_book
        self._view_book = view_book
        self._book: Book | None = None
        self._closed = False
        self.open_error = ""
        """Why the book could not be opened; it is not tried again until `reopen` or `write_again`."""
        self.halted: ReadOnly | None = None
        self._turns = Turns(elapsed)

    async def ask(self, work: Callable[[Book], T], *, heartbeat: bool = False) -> T:
        """Run `work(book)` on the book's thread and return its result; with `heartbeat`, before the other requests.

        Exceptions propagate. After any exception but a `Refusal`, the in-memory state is read from the file again.

        After a disk failure, or when another program has become the writer, nothing more is written: `halted` has the
        reason, and the book shows the state of the file.

        Work that needs a response of a real broker is run again until the response has arrived, for at most
        `MAX_WAIT_SECONDS`; other work runs in between. After that, `Conflict` is raised.
        """
        loop = asyncio.get_running_loop()
        executor = self._turns.heartbeats if heartbeat else self._turns.requests
        until = loop.time() + MAX_WAIT_SECONDS
        while True:
            try:
                response = loop.run_in_executor(executor, self._do, work)
            except RuntimeError:  # The thread has ended.
                raise Conflict("the book is closed") from None
            try:
                return await response
            except BrokerPending:
                if loop.time() >= until:
                    raise Conflict("the broker has not answered yet; nothing was changed. Try again later") from None
                await asyncio.sleep(RETRY_SECONDS)

    def _do(self, work: Callable[[Book], T]) -> T:
        if self._closed:
            raise Conflict("the book is closed")
        if self.open_error:
            raise Conflict(self.open_error)
        if self._book is None:
            try:
                self._book = self._open_book()
            except Stopped:
                raise
            except Exception as error:
                self.open_error = str(error) if isinstance(error, Refusal) else f"{type(error).__name__}: {error}"
                raise
        book, halted = self._book, self._book.database.halted
        try:
            return work(book)
        except (Refusal, BrokerPending):
            raise
        except sqlite3.Error as error:
            book.database.halt_on_error(error)
            if book.database.halted is halted:
                book.reload()
            raise
        except Exception:
            book.reload()
            raise
        finally:
            if book.database.halted is not halted:
                self._stop_writing(book)
            self.halted = self._book.database.halted if self._book is not None else None

    def _stop_writing(self, book: Book) -> None:
        """Make the book show the state of the file, because changes in memory may not have been written."""
        from rebal_tui.services.book.progress import FollowState
        from rebal_tui.services.schedule.follower import follow

        stopped = book.database.halted
        with suppress(sqlite3.Error, Refusal):
            if stopped is not None and stopped.halt is Halt.TAKEN_OVER and self._view_book is not None:
                self._open_book = self._view_book
                self._close_book()
                self._book = self._open_book()
                self._book.database.halted = stopped
            else:
                book.follow_state = FollowState()
                follow(book)

    async def write_again(self) -> None:
        """Close the book and open it for writing again. Raises `Refusal` if the disk does not accept a write."""

        def retry() -> None:
            self.open_error = ""
            if self._book is not None:
                try:
                    self._book.database.resume_writing()
                finally:
                    self.halted = self._book.database.halted
                self._close_book()
            self._do(lambda _book: None)

        await asyncio.get_running_loop().run_in_executor(self._turns.requests, retry)

    async def reopen(
        self,
        between: Callable[[], T],
        open_book: Callable[[], Book] | None = None,
        view_book: Callable[[], Book] | None = None,
    ) -> T:
        """Close the file and run `between`; the next request opens the file again. Returns the result of `between`.

        With `open_book` and `view_book`, another file is opened. When `between` raises, the same file is opened again.
        """

        def closed() -> T:
            self._close_book()
            self.open_error = ""
            result = between()
            if open_book is not None:
                self._open_book, self._view_book = open_book, view_book
            return result

        return await asyncio.get_running_loop().run_in_executor(self._turns.requests, closed)

    def close(self) -> None:
        """Finish pending work and close the file."""
        with suppress(RuntimeError):  # It was closed before.
            self._turns.submit(self._close_for_good).result()
        self._turns.shutdown()

    def require_ended_well(self) -> None:
        """Raise the error with which the program must end, if there is one.

        Raises `ReadOnly` for a file that was lost while it was open, and `Conflict` for a book that could not be
        opened.
        """
        if self.halted is not None and self.halted.halt in FILE_LOST:
            raise self.halted
        if self.open_error:
            raise Conflict(f"the book cannot be opened: {self.open_error}")

    def _close_for_good(self) -> None:
        """Close the file, so that a request that is still waiting does not open it again."""
        self._closed = True
        self._close_book()

    def _close_book(self) -> None:
        if self._book is not None:
            self._book.close()
            self._book = None
