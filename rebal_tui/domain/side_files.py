"""Names that no book can have, because SQLite or this program gives them to files that belong to a book."""

from __future__ import annotations

from pathlib import Path

from rebal_tui.domain.errors import Conflict

SQLITE_SUFFIXES = ("-wal", "-shm", "-journal")
"""Endings of files that SQLite writes next to a database; they must never be read with another database file."""
NOTE_SUFFIX = ".open"
"""Ending of the note of which file the log of an open book belongs to."""
SIDE_SUFFIXES = (*SQLITE_SUFFIXES, NOTE_SUFFIX, ".lock", ".serve")
"""Endings of the files that belong to an open book."""
_UNFINISHED_SUFFIXES = (".partial", ".restoring")
"""Endings of an unfinished new book, backup or restore, which are deleted."""


def require_book_name(path: Path) -> None:
    """Raise `Conflict` if the file name ends like those of the files that belong to a book, such as `-wal`.

    If a book had the name of another book's file, opening that other book would empty or delete it.
    """
    for suffix in (*SIDE_SUFFIXES, *_UNFINISHED_SUFFIXES):
        if path.name.endswith(suffix):
            raise Conflict(f"{path}: no book can have this name, because files of other books end with {suffix}")
