"""Backend of the screens: runs every service function on the book's thread."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Concatenate, ParamSpec, TypeVar

from rebal_tui.domain.errors import ReadOnly
from rebal_tui.services.schedule.book_thread import BookThread
from rebal_tui.services.schedule.heartbeat_thread import HeartbeatThread
from rebal_tui.tui.book_services import follower

if TYPE_CHECKING:
    from rebal_tui.services.book.book import Book

P = ParamSpec("P")
T = TypeVar("T")


class BookBackend:
    """Implements the protocol `Backend` with a `BookThread`."""

    def __init__(self, thread: BookThread) -> None:
        self._thread = thread
        self.heartbeat = HeartbeatThread(thread, lambda book: bool(follower.heartbeat(book)))

    async def ask(self, service: Callable[Concatenate[Book, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        return await self._thread.ask(lambda book: service(book, *args, **kwargs))

    async def tick(self) -> bool:
        return await self.ask(follower.heartbeat)

    def start_heartbeat(self) -> None:
        self.heartbeat.start()

    @property
    def trouble(self) -> str:
        return self.heartbeat.trouble

    @property
    def open_error(self) -> str:
        return self._thread.open_error

    @contextmanager
    def held(self) -> Iterator[None]:
        self.heartbeat.held += 1
        try:
            yield
        finally:
            self.heartbeat.held -= 1

    @property
    def halted(self) -> ReadOnly | None:
        return self._thread.halted

    async def write_again(self) -> None:
        await self._thread.write_again()
