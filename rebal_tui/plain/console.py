"""Reading commands and writing answers line by line, on a terminal or a pipe, without moving the cursor."""

from __future__ import annotations

import asyncio
import os
import threading
from codecs import getincrementaldecoder
from contextlib import suppress
from typing import Protocol, TextIO

PROMPT = "> "
READ_BYTES = 4_096


class Console(Protocol):
    """Where commands are read from and answers are written to."""

    interactive: bool
    """Whether a person types the commands."""

    def write(self, line: str) -> None:
        """Write one line."""

    async def read(self, prompt: str = PROMPT) -> str | None:
        """The next line, None at the end of the input."""


class StreamConsole:
    """A console that reads a stream on a thread of its own, so that the book continues while nobody types.

    If commands come from a pipe or a file, each command is also written, before its answer.
    """

    def __init__(self, source: TextIO, target: TextIO) -> None:
        self.interactive = source.isatty()
        self._source = source
        self._target = target
        self._lines: asyncio.Queue[str | None] = asyncio.Queue()
        self._loop: asyncio.AbstractEventLoop | None = None

    def start(self) -> None:
        """Start to read the stream. Must be called on the running event loop."""
        self._loop = asyncio.get_running_loop()
        threading.Thread(target=self._run, name="plain-input", daemon=True).start()

    def end(self) -> None:
        """End the input as if the stream had ended."""
        self._put(None)

    def write(self, line: str) -> None:
        self._target.write(f"{line}\n")
        self._target.flush()

    async def read(self, prompt: str = PROMPT) -> str | None:
        if self.interactive:
            self._target.write(prompt)
            self._target.flush()
        line = await self._lines.get()
        if line is None:
            self._lines.put_nowait(None)
            return None
        line = line.strip()
        if not self.interactive:
            self.write(f"{prompt}{line}")
        return line

    def _run(self) -> None:
        # Not by the stream itself: a thread that waits in it would hold its lock at the end of the program.
        decode = getincrementaldecoder(self._source.encoding or "utf-8")(errors="replace").decode
        rest = ""
        with suppress(OSError):  # The terminal is gone.
            while data := os.read(self._source.fileno(), READ_BYTES):
                *lines, rest = (rest + decode(data)).split("\n")
                for line in lines:
                    self._put(line)
        if rest:
            self._put(rest)
        self.end()

    def _put(self, line: str | None) -> None:
        if self._loop is not None:
            with suppress(RuntimeError):  # The loop has ended.
                self._loop.call_soon_threadsafe(self._lines.put_nowait, line)
