"""Opening a files book for one command."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rebal_tui.domain.errors import Conflict

if TYPE_CHECKING:
    from rebal_tui.services.book.book import Book

decimal_option = click.option(
    "--decimal", type=click.Choice((".", ",")), help="The decimal mark, where the file leaves it open as in 1.250."
)
"""The option for a file whose decimal mark is ambiguous."""


@contextmanager
def opened(path: Path, *, create: bool = False, custodian: str = "") -> Iterator[Book]:
    """A files book, locked while it is open; `create` makes one where there is no file or an empty one.

    A file that did not exist before does not exist after a refusal. Raises `Conflict` for a book of another kind.
    """
    from rebal_tui import bootstrap, files_book, paths

    if not create and not path.is_file():
        raise Conflict(f"{path}: no such book; create one with 'rebal-tui import positions.csv'")
    with paths.exclusive_lock(path):
        new = not path.exists()
        if not new:
            paths.require_book(path)
        database = bootstrap.open_database(path)
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
                for suffix in ("", "-wal", "-shm"):
                    path.with_name(path.name + suffix).unlink(missing_ok=True)
            raise
        database.close()
