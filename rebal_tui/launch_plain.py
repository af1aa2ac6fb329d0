"""Starting the linear mode: the book and its heartbeats as with the screens, commands from a terminal or a pipe."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from rebal_tui import opening, paths, reporting, stop_signals
from rebal_tui.domain.errors import Refusal
from rebal_tui.log_file import log_to_file
from rebal_tui.plain import commands
from rebal_tui.plain.console import Console, StreamConsole
from rebal_tui.plain.session import Session
from rebal_tui.services.schedule.book_thread import BookThread
from rebal_tui.stop_signals import StopRequest
from rebal_tui.tui.book_backend import BookBackend
from rebal_tui.tui.book_services import account_queries

if TYPE_CHECKING:
    from rebal_tui.services.book.book import Book
    from rebal_tui.services.view_models.report_subject import ReportSubject

EMPTY = (
    "This book is empty. Leave with quit; then 'rebal-tui import FILE' fills it, and 'rebal-tui demo --plain' opens a "
    "demonstration."
)


def run(path: Path, prepare: Callable[[], None] | None = None, *, viewing: str = "") -> int:
    """Run the linear mode on a book's file; returns the exit code. The caller holds the file's lock.

    The linear mode ends with the command to quit, or when the input ends. `viewing` is the reason why this process
    cannot write, empty when it can. `prepare` creates the file first. The exit code is 1 when a command was refused
    and commands did not come from a terminal.
    """
    log_to_file(paths.log_folder())

    def open_book() -> Book:
        return opening.open_book(path, prepare)

    def view_book() -> Book:
        return opening.view_book(path, viewing)

    def make_report(subject: ReportSubject, fmt: str) -> bytes:
        return reporting.report_file(path, subject, fmt)

    thread = BookThread(view_book if viewing else open_book, view_book)
    backend = BookBackend(thread)
    console = StreamConsole(sys.stdin, sys.stdout)

    def close() -> None:
        backend.heartbeat.stop()
        thread.close()

    with stop_signals.listening(close) as stop:
        try:
            session = asyncio.run(_run(Session(backend, console, make_report), backend, console, stop, viewing))
        finally:
            stop.ended()
            close()
    thread.require_ended_well()
    return int(session.refused and not console.interactive)


async def _run(
    session: Session, backend: BookBackend, console: StreamConsole, stop: StopRequest, viewing: str
) -> Session:
    console.start()
    stop.attach(console.end)
    if await _opened(backend, console, viewing):
        backend.start_heartbeat()
        await commands.run(session)
    return session


async def _opened(backend: BookBackend, console: Console, viewing: str) -> bool:
    """Open the book and name it; False when it cannot be opened."""
    console.write("Opening the book.")
    try:
        empty = await backend.ask(account_queries.is_empty)
        name = await backend.ask(_name)
    except Refusal:
        if backend.open_error:
            return False
        raise
    console.write(f"The book {name} is open{f', read-only: {viewing}' if viewing else ''}.")
    if empty:
        console.write(EMPTY)
    return True


def _name(book: Book) -> str:
    return book.settings.name
