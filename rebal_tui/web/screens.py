"""The one program that runs a book's screens, and the page that shows it.

There is never a second program, because a book has one writer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from enum import Enum
from typing import Protocol

from rebal_tui.web.program import Program

GRACE_SECONDS = 3.0
"""How long the program runs without a page. A page that is loaded again finds it as it was."""
SEND_SECONDS = 20.0
"""How long a page may read nothing before it is let go; until then the program waits to draw."""


class Reason(Enum):
    """Why the server ends a page's connection: the websocket's close code; `page/page.js` has a text for each."""

    LEFT = 4000
    ELSEWHERE = 4001
    FAILED = 4002
    STOPPED = 4003


class Page(Protocol):
    """The websocket of an open page."""

    async def send_bytes(self, data: bytes) -> None:
        """Send output of the program to the page."""

    async def close(self, *, code: int) -> bool:
        """End the connection with `code`, the close code of the websocket."""


class Screens:
    """The one program that draws a book's screens: started for the first page, ended when no page is left.

    Only the newest page shows it.
    """

    def __init__(self, arguments: list[str], report: Callable[[str], None]) -> None:
        """`arguments` is the command line of the program; `report` is called with texts for the server's terminal."""
        self._arguments = arguments
        self._report = report
        self._lock = asyncio.Lock()
        self._program: Program | None = None
        self._page: Page | None = None
        self._rest: asyncio.Task[None] | None = None

    async def attach(self, page: Page, width: int, height: int) -> Program:
        """Show the program in `page` from now on, and end the connection of any earlier page. Returns the program."""
        async with self._lock:
            before, self._page = self._page, page
            self._keep()
            if before is not None:
                await before.close(code=Reason.ELSEWHERE.value)
            if self._program is None:
                program = Program(self._arguments, self._show, self._ended)
                await program.start(width, height)
                self._program = program
                self._report("The screens are open.")
            else:
                await self._program.attach(width, height)
            return self._program

    def detach(self, page: Page) -> None:
        """Record that a page is gone; the program ends after `GRACE_SECONDS` unless another page comes."""
        if self._page is page:
            self._page = None
            self._keep()
            self._rest = asyncio.create_task(self._end_without_page())

    async def close(self) -> None:
        """End the program, wait until it has closed the book, and end the page's connection."""
        self._keep()
        page, self._page = self._page, None
        async with self._lock:
            if self._program is not None:
                await self._program.stop()
        if page is not None:
            await page.close(code=Reason.STOPPED.value)

    def _keep(self) -> None:
        """Cancel the end of the program that `detach` planned."""
        if self._rest is not None:
            self._rest.cancel()
            self._rest = None

    async def _end_without_page(self) -> None:
        await asyncio.sleep(GRACE_SECONDS)
        async with self._lock:
            # A page that comes now waits until the program has ended, and gets a new one.
            self._rest = None
            if self._program is not None and self._page is None:
                await self._program.stop()

    async def _show(self, data: bytes) -> None:
        page = self._page
        if page is None:
            return
        try:
            async with asyncio.timeout(SEND_SECONDS):
                await page.send_bytes(data)
        except (ConnectionError, RuntimeError, TimeoutError):
            # Its end is noticed where its messages are read.
            if self._page is page:
                self.detach(page)

    async def _ended(self, code: int) -> None:
        """Note that the program has ended by itself or was stopped."""
        self._program = None
        self._report("The screens are closed." if code == 0 else f"The screens ended with exit code {code}.")
        page, self._page = self._page, None
        if page is not None:
            await page.close(code=(Reason.FAILED if code else Reason.LEFT).value)
