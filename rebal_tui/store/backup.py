"""Online backup with verification, and integrity checks of a file."""

from __future__ import annotations

import os
import sqlite3
from contextlib import suppress
from pathlib import Path

from rebal_tui.domain.errors import Conflict
from rebal_tui.domain.side_files import SQLITE_SUFFIXES
from rebal_tui.store import audit
from rebal_tui.store.database import MEMORY, Database
from rebal_tui.store.stored_values import unknown_values


def back_up(database: Database, target: Path) -> None:
    """Write a verified copy of the book to a partial file, then move it to `target` atomically.

    A symbolic link at `target` is followed. Raises `Conflict` when `target` is the book itself, or when the copy
    cannot be written or does not verify; an older file at `target` is then unchanged.
    """
    target = target.resolve()
    partial = target.with_name(target.name + ".partial")
    if database.path != MEMORY and target == Path(database.path).resolve():
        raise Conflict(f"{target} is the book itself; name another file for the backup")
    try:
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _remove(partial)
        os.close(os.open(partial, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
        copy = sqlite3.connect(partial, isolation_level=None)
        try:
            database.connection.backup(copy, pages=-1)
            copy.execute("PRAGMA journal_mode = DELETE")
            faults = integrity_faults(copy)
        finally:
            copy.close()
        faults = faults or _trail_faults(partial)
        if faults:
            raise Conflict(f"the backup failed verification: {faults[0]}")
        os.replace(partial, target)
    except (OSError, sqlite3.Error) as error:
        raise Conflict(f"the backup could not be written to {target}: {error}") from error
    finally:
        with suppress(OSError):
            _remove(partial)


def _remove(partial: Path) -> None:
    """Delete an unfinished copy with its log files, which must never be read together with another copy."""
    for suffix in (*SQLITE_SUFFIXES, ""):
        partial.with_name(partial.name + suffix).unlink(missing_ok=True)


def _trail_faults(path: Path) -> list[str]:
    written = Database(path, read_only=True)
    try:
        return audit.verify(written)
    finally:
        written.close()


QUICK_CHECK_MAX_BYTES = 32 * 1024 * 1024
"""Files up to this size in bytes are checked each time they are opened for writing: pages, references, ledger."""


def require_whole(database: Database) -> None:
    """Raise `sqlite3.DatabaseError` (SQLITE_CORRUPT) when a file is damaged.

    That is when pages are damaged, when a row refers to a missing one, or when a stored text is not a value of its
    column's enum. Files above `QUICK_CHECK_MAX_BYTES` are not checked here; `rebal-tui check` and every backup check
    them.
    """
    if not is_small(database):
        return
    found = database.row("PRAGMA quick_check(1)")
    fault = str(found[0]) if found is not None and found[0] != "ok" else ""
    fault = fault or next(iter(_reference_faults(database.connection)), "") or next(unknown_values(database), "")
    if fault:
        error = sqlite3.DatabaseError(fault.replace("\n", " "))
        error.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
        raise error


def is_small(database: Database) -> bool:
    """Whether a file is small enough to be checked each time it is opened (`QUICK_CHECK_MAX_BYTES`)."""
    return database.path != MEMORY and Path(database.path).stat().st_size <= QUICK_CHECK_MAX_BYTES


def integrity_faults(connection: sqlite3.Connection) -> list[str]:
    """Faults that SQLite finds in the file: structure and foreign keys."""
    faults = [row[0] for row in connection.execute("PRAGMA integrity_check(20)") if row[0] != "ok"]
    return [*faults, *_reference_faults(connection)]


def _reference_faults(connection: sqlite3.Connection) -> list[str]:
    return [
        f"{table} row {rowid} refers to a missing row of {parent}"
        for table, rowid, parent, _ in connection.execute("PRAGMA foreign_key_check")
    ]
