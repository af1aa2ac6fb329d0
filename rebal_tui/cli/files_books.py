"""Opening a files book for one command."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rebal_tui.domain.errors import Conflict
from rebal_tui.domain.side_files import SQLITE_SUFFIXES

if TYPE_CHECKING:
    from rebal_tui.services.book.book import Book

decimal_option = click.option(
    "--decimal", type=click.Choice((".", ",")), help="The decimal mark, where the file leaves it open as in 1.250."
)
"""The option for a file whose decimal mark is ambiguous."""


def is_replaceable(path: Path) -> bool:
    """Whether a file is the empty book of a simulated market that the screens create when they are first opened.

    A new files book may replace it. False where there is no file, and for a book of another version of the program.
    Raises `Conflict` for a file that is not a book.
    """
    import sqlite3

    from rebal_tui import bootstrap, files_book, paths

    if not path.exists() or not paths.require_book(path):
        return False
    database = bootstrap.open_database(path, read_only=True)
    try:
        return not files_book.is_files(database) and bootstrap.is_empty(database) and not bootstrap.is_live(database)
    except sqlite3.OperationalError:
        return False
    finally:
        database.close()


@contextmanager
def opened(path: Path, *, create: bool = False, custodian: str = "") -> Iterator[Book]:
    """Context manager: open a files book, with the book's write lock held until the block ends.

    With `create`, a files book is created if there is no file, or if the file is an empty book of another kind, which
    is replaced. If the block raises, a new file and its lock are removed, and an empty book that was to be replaced
    stays. Raises `Conflict` if the file is not a files book.
    """
    from rebal_tui import bootstrap, files_book, opening, paths

    if not create and not path.is_file():
        raise Conflict(f"there is no book at {path}; create one with 'rebal-tui import positions.csv'")
    with paths.exclusive_lock(path), ExitStack() as stack:
        replaced = create and is_replaceable(path)
        new = not path.exists()
        if not new:
            paths.require_book(path)
        made = path
        if replaced:
            folder = tempfile.TemporaryDirectory(dir=path.resolve().parent, prefix=f".{path.name}-")
            made = Path(stack.enter_context(folder)) / path.name
        database = bootstrap.open_database(made)
        try:
            if not files_book.is_files(database):
                if not create or not bootstrap.is_empty(database) or bootstrap.is_live(database):
                    raise Conflict(f"{path} is not a files book; positions files need a book of their own")
                with database.write():
                    files_book.create_files(
                        database,
                        name=path.stem,
                        now=bootstrap.real_now(),
                        seed=bootstrap.new_seed(),
                        custodian=custodian,
                    )
            yield files_book.open_files(database)
        except BaseException:
            database.close()
            if new:
                for suffix in ("", *SQLITE_SUFFIXES):
                    path.with_name(path.name + suffix).unlink(missing_ok=True)
                # While it is held, so that nobody else can have it; where an open file cannot be removed, it stays.
                with suppress(OSError):
                    path.with_name(path.name + ".lock").unlink()
            raise
        database.close()
        if replaced:
            opening.remove_empty_book(path)
            made.replace(path.resolve())
