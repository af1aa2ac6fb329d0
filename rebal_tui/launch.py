"""Opening the screens on a book's file."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from pathlib import Path

from rebal_tui import bootstrap
from rebal_tui.domain.errors import Conflict, Fault, Invalid
from rebal_tui.services.book import Book
from rebal_tui.services.book_thread import BookThread
from rebal_tui.services.market_state import load_clock
from rebal_tui.tui.screens.first_run import FirstSteps

_LARGEST_FILE = 64 * 1024 * 1024


def run(path: Path, prepare: Callable[[], None] | None = None) -> int:
    """Open the screens on a file until they are left; returns the exit code. The caller holds the file's lock.

    `prepare` makes the file first, on the book's thread, while the screens are painted already.
    """
    from rebal_tui.tui.app import RebalApp
    from rebal_tui.tui.book_backend import BookBackend

    log_path = _log_to_file()
    thread = BookThread(lambda: open_book(path, prepare))
    app = RebalApp(BookBackend(thread), first_run=first_steps(thread, path), log_path=log_path)
    try:
        app.run()
    finally:
        thread.close()
    return app.return_code or 0


def open_book(path: Path, prepare: Callable[[], None] | None = None) -> Book:
    """The book of a file; a new file becomes an empty book whose market runs in real time.

    `prepare` makes the file when there is none.
    """
    if prepare is not None and not path.exists():
        prepare()
    database = bootstrap.open_database(path)
    try:
        if load_clock(database) is None:
            bootstrap.found_simulation(
                database, start=bootstrap.real_now(), seed=bootstrap.new_seed(), name=path.stem, speed=1.0
            )
        return bootstrap.open_simulation(database, backup_folder=path.parent / f"{path.stem}-backups")
    except BaseException:
        database.close()
        raise


def first_steps(thread: BookThread, path: Path) -> FirstSteps:
    """What an empty book can begin with."""

    async def open_demo() -> str:
        await thread.reopen(lambda: _found_demo(path))
        return "The demonstration book is open: nothing in it is real."

    async def import_file(source: Path) -> str:
        summary = await thread.reopen(lambda: _import(path, source))
        return f"{summary} came in."

    return FirstSteps(open_demo=open_demo, import_file=import_file)


def _found_demo(path: Path) -> None:
    _put_away(path)
    bootstrap.found_demo(path).close()


def _import(path: Path, source: Path) -> str:
    from rebal_tui.services.book_file import parse_book

    try:
        if source.stat().st_size > _LARGEST_FILE:
            raise Invalid([Fault(str(source), "expected a file of at most 64 MiB")])
        text = source.expanduser().read_bytes()
    except OSError as error:
        raise Conflict(f"{source}: {error.strerror}") from error
    parsed = parse_book(text)
    _put_away(path)
    summary = bootstrap.import_file(path, parsed)
    return f"{summary.accounts:,} accounts and {summary.portfolios:,} portfolios"


def _put_away(path: Path) -> None:
    """Remove an empty book's file, so that another can be founded in its place. Raises `Conflict` when it has any."""
    database = bootstrap.open_database(path)
    try:
        empty = bootstrap.is_empty(database)
    finally:
        database.close()
    if not empty:
        raise Conflict(f"{path} has accounts already")
    for suffix in ("", "-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)


def _log_to_file() -> Path:
    """Warnings and errors go to a file that only its owner can read, never to the screen."""
    folder = bootstrap.log_folder()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / "rebal-tui.log"
    os.close(os.open(path, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600))
    logging.basicConfig(
        filename=path, level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s %(message)s", force=True
    )
    return path
