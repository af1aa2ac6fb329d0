"""The screens as a program in a process of its own, which speaks textual-serve's protocol over its pipes."""

from __future__ import annotations

import asyncio
import os
from asyncio.subprocess import PIPE, Process
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from textual_serve.app_service import AppService
from textual_serve.download_manager import DownloadManager

import rebal_tui
from rebal_tui.systems import own_group

END_SECONDS = 10.0
"""How long the program has to end by itself, then after SIGTERM; a book makes a backup when it is closed."""
_DRIVER = "rebal_tui.tui.terminal.browser_driver:BrowserDriver"


class Program(AppService):
    """A process that runs the screens. It ends when its standard input does, so also when the server is killed."""

    def __init__(
        self,
        arguments: Sequence[str],
        show: Callable[[bytes], Awaitable[None]],
        ended: Callable[[int], Awaitable[None]],
    ) -> None:
        """`show` is called with what the program draws, `ended` with its exit code."""
        super().__init__("", write_bytes=show, write_str=_ignore, close=_nothing, download_manager=DownloadManager())
        self._arguments = arguments
        self._ended = ended
        self._end: asyncio.Task[None] | None = None

    async def start(self, width: int, height: int) -> None:
        """Start the program on a terminal whose width and height are in characters."""
        await super().start(width, height)
        self._end = asyncio.create_task(self._wait())

    async def _open_app_process(self, width: int = 80, height: int = 24) -> Process:
        """Start without a shell, and outside the group that ctrl+c in the terminal interrupts."""
        root = str(Path(rebal_tui.__file__).parents[1])
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join([root, *filter(None, [os.environ.get("PYTHONPATH")])]),
            "TEXTUAL_DRIVER": _DRIVER,
            "TEXTUAL_COLOR_SYSTEM": "truecolor",
            "TERM_PROGRAM": "textual",
            "COLUMNS": str(width),
            "ROWS": str(height),
        }
        self._process = process = await asyncio.create_subprocess_exec(
            *self._arguments, stdin=PIPE, stdout=PIPE, stderr=PIPE, env=environment, **own_group()
        )
        self._stdin = process.stdin
        return process

    async def on_meta(self, data: bytes) -> None:
        """Ignore the program's messages other than output. One reports its end, which the exit of its process reports
        as well.
        """

    async def attach(self, width: int, height: int) -> None:
        """Make the program draw everything again, for a page that shows nothing yet; its size is in characters."""
        await self.send_meta({"type": "attach", "width": width, "height": height})

    async def _wait(self) -> None:
        if self._task is not None:
            await self._task
        if self._process is not None:
            await self._ended(await self._process.wait())

    async def stop(self) -> None:
        """End the program and wait until it has ended: close its input, then send SIGTERM, then kill it."""
        process, end = self._process, self._end
        if process is None or end is None:
            return
        self.stdin.close()
        for insist in (process.terminate, process.kill):
            done, _ = await asyncio.wait([end], timeout=END_SECONDS)
            if done:
                return
            insist()
        await end


async def _ignore(_text: str) -> None:
    """Drop text for the page."""


async def _nothing() -> None:
    """Do nothing: the owner of the page closes it."""
