"""A session of the linear mode over a book in this process, with its answers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from rebal_tui.plain import commands
from rebal_tui.plain.console import PROMPT
from rebal_tui.plain.session import Session
from rebal_tui.services.book.book import Book
from rebal_tui.services.schedule.book_thread import BookThread
from rebal_tui.tui.book_backend import BookBackend
from rebal_tui.tui.host import MakeReport

Line = str | Callable[[], object]


class Typed:
    """A console whose lines are given, and which keeps what is written, each answer below its command.

    A function among the lines is called when its turn comes.
    """

    def __init__(self, lines: tuple[Line, ...], *, interactive: bool = False) -> None:
        self.interactive = interactive
        self.written: list[str] = []
        self._lines = iter(lines)

    def write(self, line: str) -> None:
        assert "\n" not in line
        self.written.append(line)

    async def read(self, prompt: str = PROMPT) -> str | None:
        line = next(self._lines, None)
        while callable(line):
            line()
            line = next(self._lines, None)
        if line is not None:
            self.written.append(f"{prompt}{line}")
        return line


def talk(book: Book, *lines: Line, interactive: bool = False) -> list[str]:
    """What a session writes for commands, without its first line."""
    return session(book, *lines, interactive=interactive)[1]


def session(
    book: Book, *lines: Line, interactive: bool = False, make_report: MakeReport | None = None
) -> tuple[Session, list[str]]:
    """The session of commands, after it has ended, and what it wrote."""
    console = Typed(lines, interactive=interactive)
    held = Session(BookBackend(BookThread(lambda: book)), console, make_report)
    asyncio.run(commands.run(held))
    return held, console.written[1:]


def answer(book: Book, *lines: Line) -> list[str]:
    """What a session writes after its last line."""
    written = talk(book, *lines)
    return written[len(written) - 1 - written[::-1].index(f"{PROMPT}{lines[-1]}") + 1 :]
