"""Reading and checking paths that a person gives, for the screens and the commands."""

from __future__ import annotations

import os
import sqlite3
import sys
import unicodedata
from contextlib import closing, suppress
from pathlib import Path

from rebal_tui.domain.errors import Conflict, Fault, Invalid
from rebal_tui.domain.side_files import SIDE_SUFFIXES, require_book_name

_QUOTES = "\"'"


def read_path(text: str) -> Path:
    """Parse a path as typed or dropped on a terminal, with blanks or quotes around it, `~`, or escaped blanks.

    Raises `Invalid` for a path that cannot be used, as `argument_path` does.
    """
    plain = text.strip()
    if len(plain) > 1 and plain[0] in _QUOTES and plain[-1] == plain[0]:
        plain = plain[1:-1]
    elif sys.platform != "win32" and "\\" in plain and not os.path.lexists(plain):
        # A terminal escapes blanks of a dropped file as a shell does.
        plain = plain.replace("\\ ", " ").replace("\\(", "(").replace("\\)", ")").replace("\\'", "'")
    return argument_path(plain)


def argument_path(text: str) -> Path:
    """Parse a path of a command line, where the shell has handled quotes: only `~` is expanded.

    Raises `Invalid` for an empty text, control characters, characters that no file name can have, the home folder of an
    unknown user, or links in a circle.
    """
    if not text:
        raise Invalid([Fault("", "expected the path of a file, got an empty text")])
    if any(unicodedata.category(char) in ("Cc", "Zl", "Zp") for char in text):
        raise Invalid([Fault("", "expected a path without control characters")])
    try:
        os.fsencode(text)
    except UnicodeEncodeError:
        raise Invalid([Fault("", "expected a path with characters that a file name can have")]) from None
    try:
        path = Path(text).expanduser()
    except RuntimeError:
        raise Invalid([Fault("", f"{text.split('/')[0]}: no such user, expected a path such as ~/file")]) from None
    try:
        with suppress(OSError):  # The start folder was removed; what uses the path reports it.
            path.resolve()
    except RuntimeError:
        # Python 3.11 and 3.12 raise RuntimeError for links in a circle, wherever the path is resolved.
        raise Invalid([Fault("", f"{text}: expected a path whose links lead to a file, not in a circle")]) from None
    return path


def start_folder() -> Path:
    """The folder where the program was started; the home folder when that folder was removed."""
    try:
        return Path.cwd()
    except OSError:
        return Path.home()


def require_output(path: Path) -> bool:
    """Check that a file can be written at a path. Returns whether it would replace an existing file.

    Raises `Conflict` when the path is a folder, too long or not accessible, when its folder is missing or not writable,
    and when it is a book or a file that belongs to an open book, under whatever name.
    """
    exists, owner = _require_place(path)
    if owner is not None:
        what = "a book" if owner == path else f"a file of the book {owner}"
        raise Conflict(f"{path} is {what}; name another file")
    return exists


def require_backup_target(path: Path) -> bool:
    """As `require_output`, but the file may be a book, because a backup is a book and may replace an earlier one."""
    exists, owner = _require_place(path)
    if owner is not None and owner != path:
        raise Conflict(f"{path} is a file of the book {owner}; name another file")
    require_book_name(path)
    return exists


def _require_place(path: Path) -> tuple[bool, Path | None]:
    """Whether there is a file at a path where one is to be written, and the book that it is or belongs to."""
    if path == Path("-"):
        raise Conflict("- stands for standard output; expected the path of a file")
    try:
        if path.is_dir():
            raise Conflict(f"{path} is a folder; expected the path of a file")
        if not path.parent.is_dir():
            raise Conflict(f"folder not found: {path.parent}")
        real = path.resolve()
        if path.is_symlink() and not real.parent.is_dir():
            raise Conflict(f"{path} is a link to {real}; folder not found: {real.parent}")
        exists = os.path.lexists(path)
        if path.exists() and not path.is_file():
            raise Conflict(f"{path} is a device or a pipe; expected the path of a file")
        owner = book_of(path)
    except OSError as error:
        raise Conflict(f"{path}: {error.strerror or error}") from error
    if not os.access(real if path.exists() else real.parent, os.W_OK):
        raise Conflict(f"{path}: no permission to write {'this file' if path.exists() else 'in this folder'}")
    return exists, owner


def require_new(path: Path) -> None:
    """Check that a new file can be written at a path.

    Raises `Conflict` as `require_output` does, and when a file exists there.
    """
    if require_output(path):
        raise Conflict(f"{path} already exists; name another file")


def require_input(path: Path) -> None:
    """Raise `Conflict` when a path is not a file that can be read."""
    try:
        if path.is_dir():
            raise Conflict(f"{path} is a folder; expected a file")
        if not path.exists():
            raise Conflict(f"file not found: {path}")
        if not os.access(path, os.R_OK):
            raise Conflict(f"{path}: no permission to read this file")
    except OSError as error:
        raise Conflict(f"{path}: {error.strerror or error}") from error


def require_input_file(path: Path) -> None:
    """As `require_input`; also raises `Conflict` for a device or a pipe.

    These may never end, and the screens must not wait for one.
    """
    require_input(path)
    if not path.is_file():
        raise Conflict(f"{path} is a device or a pipe; expected a file")


def book_of(path: Path) -> Path | None:
    """The book that a file is or belongs to; None for a file that is no SQLite file and belongs to none.

    A file that belongs to a book is its log, its lock or the like. Links are followed, so a book is found under each of
    its names. Raises `OSError` for an inaccessible path.
    """
    if _is_database(path):
        return path
    real = path.resolve()
    for suffix in SIDE_SUFFIXES:
        if real.name.endswith(suffix):
            owner = real.with_name(real.name.removesuffix(suffix))
            # An empty file is a book that is being created.
            if owner.name and (_is_database(owner) or (owner.is_file() and owner.stat().st_size == 0)):
                return owner
    return None


def _is_database(path: Path) -> bool:
    """Whether a path is a SQLite file with content.

    SQLite reads it, not Python: a book that is open in this process would lose its locks when Python closed the file.
    """
    if not path.is_file() or path.stat().st_size == 0:
        return False
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro&immutable=1", uri=True)) as connection:
            connection.execute("SELECT count(*) FROM sqlite_master")
    except sqlite3.OperationalError:
        return False
    except sqlite3.DatabaseError as error:
        return error.sqlite_errorcode != sqlite3.SQLITE_NOTADB
    return True
