"""Restore of a book from a backup: all or nothing, and the replaced file is preserved."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from rebal_tui.domain.errors import Conflict, Fault, Refusal
from rebal_tui.domain.side_files import NOTE_SUFFIX, SQLITE_SUFFIXES
from rebal_tui.store.database import Database
from rebal_tui.store.open_note import ForeignLog
from rebal_tui.systems import sync_folder


def restore(backup: Path, path: Path, previous: Path, make_ready: Callable[[Path], None]) -> bool:
    """Copy `backup` to `path`; an existing file there is copied to `previous` first. Returns whether there was one.

    `make_ready` migrates the copy of the backup and raises a `Refusal` when it is damaged: `path` is then unchanged.
    The caller holds the book's lock. Raises `Conflict` when `path` is the backup itself, when `previous` exists, or
    when a file cannot be read or written.
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
        try:
            make_ready(partial)
        except Refusal as refusal:
            raise _about(backup, partial, refusal) from refusal
        _settle(partial)
        if there:
            _keep(path, previous)
            for side in (*SQLITE_SUFFIXES, NOTE_SUFFIX):
                path.with_name(path.name + side).unlink(missing_ok=True)
        os.replace(partial, path)
        _sync(path)
    except (OSError, sqlite3.Error) as error:
        raise Conflict(f"{backup} could not be restored to {path}: {error}") from error
    finally:
        with suppress(OSError):
            _remove(partial)
    return there


def _about(backup: Path, partial: Path, refusal: Refusal) -> Conflict:
    """The refusal of a damaged copy, as a `Conflict` that names the backup instead of the copy."""
    copy, original = str(partial), str(backup)
    return Conflict(
        Fault(fault.location.replace(copy, original), fault.message.replace(copy, original)) for fault in refusal.faults
    )


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
    """Merge the copy and its log into one file, and sync the file to the disk."""
    connection = sqlite3.connect(partial, isolation_level=None)
    try:
        connection.execute("PRAGMA journal_mode = DELETE")
    finally:
        connection.close()
    _sync(partial)


def _keep(path: Path, previous: Path) -> None:
    """Copy the file that is replaced to `previous`, after its log was merged into it, and sync the copy to the disk.

    As the file then has no log, it is complete whenever this is interrupted. A damaged file is copied byte by byte
    together with its log. If the log next to the file belongs to another file, it is copied under another name. Raises
    `Conflict` when another program has the file open, even if only for reading.
    """
    try:
        database = Database(path)
    except ForeignLog:
        # Next to the copy, this log must not have the name of the copy's own log.
        for side, ending in (("", ""), ("-wal", "-log")):
            _copy_bytes(path.with_name(path.name + side), previous.with_name(previous.name + ending))
        return
    except sqlite3.Error as error:
        _require_unused(path, error)
        _keep_damaged(path, previous)
        return
    try:
        # Needs every other connection to be closed, merges the log and deletes it.
        mode = database.row("PRAGMA journal_mode = DELETE")
        if mode is None or mode[0] != "delete":
            raise Conflict(_in_use(path))
        os.close(os.open(previous, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
        copy = sqlite3.connect(previous, isolation_level=None)
        try:
            database.connection.backup(copy, pages=-1)
        finally:
            copy.close()
    except sqlite3.Error as error:
        _require_unused(path, error)
        _remove(previous)
        _keep_damaged(path, previous)
    finally:
        database.close()
    _sync(previous)


def _require_unused(path: Path, error: sqlite3.Error) -> None:
    """Raise `Conflict` when an error means that another program has the file open."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        raise Conflict(_in_use(path)) from error


def _in_use(path: Path) -> str:
    return f"{path} is open in another program; close it there first"


def _keep_damaged(path: Path, previous: Path) -> None:
    for side in ("", *SQLITE_SUFFIXES):
        with suppress(FileNotFoundError):
            _copy_bytes(path.with_name(path.name + side), previous.with_name(previous.name + side))


def _copy_bytes(source: Path, target: Path) -> None:
    shutil.copyfile(source, target)
    target.chmod(0o600)
    _sync(target)


def _sync(path: Path) -> None:
    """Sync a file and its name in the folder to the disk."""
    handle = os.open(path, os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
    sync_folder(path.parent)


def _remove(path: Path) -> None:
    for side in ("", *SQLITE_SUFFIXES):
        path.with_name(path.name + side).unlink(missing_ok=True)
