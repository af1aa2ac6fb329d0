"""The one thread that owns an open book: everyone else hands it work and gets a frozen result."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

from rebal_tui.domain.errors import Refusal

if TYPE_CHECKING:
    from rebal_tui.services.book import Book

T = TypeVar("T")


class BookThread:
    """Runs work on the book one piece after the other, on a thread of its own."""

    def __init__(self, open_book: Callable[[], Book]) -> None:
        self._open_book = open_book
        self._book: Book | None = None
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="book")

    async def ask(self, work: Callable[[Book], T]) -> T:
        """The result of `work(book)`. What it raises is raised here; memory then follows the file again."""
        return await asyncio.get_running_loop().run_in_executor(self._executor, self._do, work)

    def _do(self, work: Callable[[Book], T]) -> T:
        if self._book is None:
            self._book = self._open_book()
        try:
            return work(self._book)
        except Refusal:
            raise
        except Exception:
            self._book.reload()
            raise

    async def reopen(self, between: Callable[[], T]) -> T:
        """Close the file, let `between` work on it, and open it again with the next request."""

        def closed() -> T:
            self._close_book()
            return between()

        return await asyncio.get_running_loop().run_in_executor(self._executor, closed)

    def close(self) -> None:
        """Finish what is under way and close the file."""
        self._executor.submit(self._close_book).result()
        self._executor.shutdown()

    def _close_book(self) -> None:
        if self._book is not None:
            self._book.database.close()
            self._book = None
