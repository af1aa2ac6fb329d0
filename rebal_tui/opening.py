"""Opening a book for the screens, and replacing an empty one with an import."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from rebal_tui import bootstrap, files_book, live_book, paths
from rebal_tui.domain.errors import Conflict, Fault, Halt, Invalid
from rebal_tui.market.clock import elapsed
from rebal_tui.services.book.book import Book
from rebal_tui.services.book.market_state import load_clock
from rebal_tui.services.maintenance.archiving import report_problem
from rebal_tui.store.database import Database

_MAX_FILE_BYTES = 64 * 1024 * 1024


def view_book(path: Path, why: str = "") -> Book:
    """Open a book read-only. `why` is the reason shown to users; by default, that another process writes the book."""
    book = bootstrap.open_view(path)
    book.database.halt(Halt.VIEWING, why or "another rebal-tui is writing to it")
    return book


def open_to_read(database: Database, path: Path) -> Book:
    """Open a book of any kind from a copy of its file, for a command that only reads.

    `path` is the original file, which errors name. A simulated clock stays at its stored time. Raises `Conflict` when
    the book is damaged.
    """
    with paths.naming_damage(path):
        if files_book.is_files(database):
            return files_book.open_files(database)
        if bootstrap.is_live(database):
            return bootstrap.open_offline(database)
        state = load_clock(database)
        return bootstrap.open_simulation(database, at=state.at if state else None)


def open_book(
    path: Path,
    prepare: Callable[[], None] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Book:
    """Open a book of any kind; a new file becomes an empty book with a simulated market that runs in real time.

    `prepare` creates the file when there is none. `progress` is called with the number of accounts read and their
    total.
    """
    if prepare is not None and not path.exists():
        prepare()
    database = bootstrap.open_database(path)
    try:
        with paths.naming_damage(path):
            book = _open(database, path, progress)
            report_problem(book)
            return book
    except BaseException:
        database.close()
        raise


def _open(database: Database, path: Path, progress: Callable[[int, int], None] | None) -> Book:
    backups = paths.backup_folder(path)
    if files_book.is_files(database):
        return files_book.open_files(database, backup_folder=backups, monotonic=elapsed)
    if bootstrap.is_live(database):
        return live_book.open_live(database, backup_folder=backups, monotonic=elapsed)
    if load_clock(database) is None:
        bootstrap.create_simulation(
            database, start=bootstrap.real_now(), seed=bootstrap.new_seed(), name=path.stem, speed=1.0
        )
    return bootstrap.open_simulation(database, backup_folder=backups, progress=progress)


def replace_with_import(path: Path, source: Path) -> str:
    """Replace an empty book by importing the JSON file at `source`; returns a sentence on what was imported.

    Raises a `Refusal` with every fault of the file.
    """
    from rebal_tui.services.parsing.book_file import parse_book

    try:
        if source.stat().st_size > _MAX_FILE_BYTES:
            raise Invalid([Fault(str(source), "expected a file of at most 64 MiB")])
        text = source.read_bytes()
    except OSError as error:
        raise Conflict(f"{source}: {error.strerror}") from error
    parsed = parse_book(text)
    remove_empty_book(path)
    summary = bootstrap.import_file(path, parsed)
    accounts = f"{summary.accounts:,} account{'' if summary.accounts == 1 else 's'}"
    return f"Imported {accounts} and {summary.portfolios:,} portfolio{'' if summary.portfolios == 1 else 's'}."


def replace_with_files_book(path: Path) -> str:
    """Replace an empty book with an empty files book; returns a sentence on it.

    A files book stays as it is. Raises `Conflict` for a book that has accounts or a broker.
    """
    database = bootstrap.open_database(path)
    try:
        files = files_book.is_files(database)
    finally:
        database.close()
    if not files:
        remove_empty_book(path)
        database = bootstrap.open_database(path)
        try:
            with database.write():
                files_book.create_files(database, name=path.stem, now=bootstrap.real_now(), seed=bootstrap.new_seed())
        finally:
            database.close()
    return f"{path} is a files book: nothing is traded or priced by itself. E in Accounts (3) enters data."


def remove_empty_book(path: Path) -> None:
    """Delete the file of an empty book, so that another book can have its name.

    Raises `Conflict` for a book that has accounts or is connected to a broker.
    """
    database = bootstrap.open_database(path)
    try:
        empty = bootstrap.is_empty(database) and not bootstrap.is_live(database)
    finally:
        database.close()
    if not empty:
        raise Conflict(f"{path} already has accounts, or is connected to a broker")
    real = path.resolve()  # The file that a link names is removed, not the link.
    for suffix in ("", "-wal", "-shm"):
        real.with_name(real.name + suffix).unlink(missing_ok=True)
