"""A note in a file next to a book that is open for writing: which file its write-ahead log belongs to.

SQLite assumes that a log belongs to the file of the same name. After a crash, or while a program still has the book
open, another file may be moved or copied to the book's name: SQLite would then mix the pages of the log into it.
"""

from __future__ import annotations

import json
import os
import sqlite3
from contextlib import suppress
from pathlib import Path

from rebal_tui.domain.side_files import NOTE_SUFFIX
from rebal_tui.store.file_mark import FileMark, FileWatch, same_content
from rebal_tui.systems import sync_folder


class ForeignLog(sqlite3.DatabaseError):
    """The write-ahead log next to a file belongs to another file."""


class LogOwner:
    """Writes a note next to a book that is open for writing: which file the book's write-ahead log belongs to."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._log = f"{path}-wal"
        self._log_id = _number(self._log)

    def note(self, mark: FileMark | None, before: FileMark | None) -> None:
        """Write the note, unless the file's mark equals `before`.

        The note (in a file next to the book) has the file's mark, and the inode numbers of the book's file and its
        write-ahead log. A note that replaces another is synced to the disk: after a power failure the older note would
        contradict the file. When a note cannot be written, none is left.
        """
        if mark is None or same_content(mark, before):
            return
        durable = before is not None or _exists(self._path)
        note = Path(self._path + NOTE_SUFFIX)
        partial = note.with_name(note.name + ".partial")
        digests = [digest.hex() for digest in mark.digests]
        content = {"file": _number(self._path), "log": _number(self._log), "size": mark.size, "digests": digests}
        try:
            with open(partial, "w", encoding="ascii", opener=_private) as file:
                json.dump(content, file)
                if durable:
                    file.flush()
                    os.fsync(file.fileno())
            os.replace(partial, note)
            if durable:
                sync_folder(note.parent)
        except OSError:
            with suppress(OSError):
                partial.unlink(missing_ok=True)
                note.unlink(missing_ok=True)

    def withdraw(self, connection: sqlite3.Connection) -> None:
        """Move the write-ahead log into the open file, wherever that file is now, and delete the log and its note.

        Otherwise SQLite would take the log for that of the file that has the book's name now or later. Where the log
        cannot be moved, the note stays.
        """
        if self._log_id is None or _number(self._log) != self._log_id:
            return
        with suppress(sqlite3.Error, OSError):
            (busy, *_) = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            if not busy:
                os.unlink(self._log)
                os.unlink(f"{self._path}-shm")
                _remove(self._path)

    def discard(self) -> None:
        """Empty the write-ahead log before the connection is closed, after another program wrote over the file.

        Otherwise SQLite would write the log's pages into that program's file. Without the earlier file they are of no
        use.
        """
        with suppress(OSError):
            if _number(self._log) == self._log_id:
                os.truncate(self._log, 0)

    def closed(self) -> None:
        """Remove the note of a book that was closed, unless another program still uses the book's log."""
        if not _has_log(self._path):
            _remove(self._path)


def watch_own_log(path: str) -> FileWatch | None:
    """Check, before SQLite opens a file for writing, that the write-ahead log next to the file is its own.

    The note that an earlier writer left next to the file shows it; a log without a note is accepted. Returns the
    `FileWatch` that read the file, which must stay open as long as SQLite has the file open. Returns None when there is
    no file, or no log with content. Raises `ForeignLog`.
    """
    if not _exists(path):
        return None
    if not _has_log(path):
        # The note of a program that was killed does not apply to a log that begins now.
        _remove(path)
        return None
    watch = FileWatch(path)
    try:
        require_own_log(path, watch)
    except BaseException:
        watch.close()
        raise
    return watch


def require_own_log(path: str, watch: FileWatch | None = None) -> None:
    """Raise `ForeignLog` when the note next to a file shows that the write-ahead log there belongs to another file.

    `watch` reads a file that is about to be opened for writing: its content must be as noted, apart from pages that the
    log has. A file that was copied together with its log is accepted.
    """
    log = f"{path}-wal"
    try:
        if not _has_log(path):
            return
        with open(path + NOTE_SUFFIX, encoding="ascii") as file:
            note = json.load(file)
        known = FileMark(note["size"], 0, tuple(map(bytes.fromhex, note["digests"])))
        same_log, same_file = _number(log) == note["log"], _number(path) == note["file"]
    except (OSError, ValueError, KeyError, TypeError):
        return
    if same_log and (not same_file or (watch is not None and not _continues(watch, known))):
        name = os.path.basename(path)
        raise ForeignLog(
            f"another file was put in place of {name} while it was open, and {name}-wal, which holds the last changes "
            f"of the earlier file, would be mixed into it. To open the new file, move {name}-wal and {name}-shm to "
            f"another folder first; to open the earlier one, put it back"
        )


def _continues(watch: FileWatch, known: FileMark) -> bool:
    """Whether a file is as noted, apart from pages that its log has."""
    return same_content(watch.mark(), known) or watch.is_checkpointed(known)


def _private(name: str, flags: int) -> int:
    return os.open(name, flags, 0o600)


def _number(path: str) -> int | None:
    """The inode number of a file, None for a missing one."""
    try:
        return os.stat(path).st_ino
    except OSError:
        return None


def _has_log(path: str) -> bool:
    """Whether there is a log with content next to a file."""
    try:
        return os.stat(f"{path}-wal").st_size > 0
    except OSError:
        return False


def _exists(path: str) -> bool:
    return os.path.exists(path + NOTE_SUFFIX)


def _remove(path: str) -> None:
    with suppress(OSError):
        os.unlink(path + NOTE_SUFFIX)
