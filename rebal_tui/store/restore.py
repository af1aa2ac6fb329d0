"""Restore of a book from a backup: all or nothing, and the replaced file is preserved."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from rebal_tui.domain.errors import Conflict, ReadOnly
from rebal_tui.store.database import Database

SIDE_FILE_SUFFIXES = ("-wal", "-shm", "-journal")
"""Files that SQLite writes next to a database; they must never be read with another database file."""


def restore(backup: Path, path: Path, previous: Path, make_ready: Callable[[Path], None]) -> bool:
    """Copy `backup` to `path`; an existing file is moved to `previous`. False when there was none.

    `make_ready` migrates the copy and raises a `Refusal` when it is damaged: `path` is then unchanged. The caller holds
    the book's lock. Raises `Conflict` when `path` is the backup itself, when `previous` exists, or when a file cannot
    be read or written.
    """
    partial = path.with_name(path.name + ".restoring")
    there = path.exists()
    if there and path.samefile(backup):
        raise Conflict(f"{backup} is the book itself; name a backup")
    if previous.exists():
        raise Conflict(f"{previous} already exists")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _remove(partial)
        _copy(backup, partial)
        make_ready(partial)
        _settle(partial)
        if there:
            _checkpoint(path)
            os.link(path, previous)
            for side in SIDE_FILE_SUFFIXES:
                with suppress(FileNotFoundError):
                    os.rename(path.with_name(path.name + side), previous.with_name(previous.name + side))
        os.replace(partial, path)
        _sync(path)
    except (OSError, sqlite3.Error) as error:
        raise Conflict(f"{backup} could not be restored to {path}: {error}") from error
    finally:
        with suppress(OSError):
            _remove(partial)
    return there


def _copy(backup: Path, partial: Path) -> None:
    source = Database(backup, read_only=True)
    try:
        os.close(os.open(partial, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
        copy = sqlite3.connect(partial, isolation_level=None)
        try:
            source.connection.backup(copy, pages=-1)
        finally:
            copy.close()
    finally:
        source.close()


def _settle(partial: Path) -> None:
    """Merge the copy into one file and sync it to the disk."""
    connection = sqlite3.connect(partial, isolation_level=None)
    try:
        connection.execute("PRAGMA journal_mode = DELETE")
    finally:
        connection.close()
    _sync(partial)


def _checkpoint(path: Path) -> None:
    """Move the log of the replaced file into it, so that it is one file; a damaged file is left unchanged."""
    with suppress(sqlite3.Error, ReadOnly):
        Database(path).close()


def _sync(path: Path) -> None:
    for target in (path, path.parent):
        handle = os.open(target, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _remove(path: Path) -> None:
    for side in ("", *SIDE_FILE_SUFFIXES):
        path.with_name(path.name + side).unlink(missing_ok=True)
