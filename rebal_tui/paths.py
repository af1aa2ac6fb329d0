"""File locations on the user's machine, and the lock on a book's file. Imports little, as it is needed at startup."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

from rebal_tui.domain.errors import Conflict


def default_path() -> Path:
    """The path of the book that is opened when no path is given; it is in the user's data folder."""
    import platformdirs

    return Path(platformdirs.user_data_dir("rebal-tui", appauthor=False)) / "book.db"


def settings_path() -> Path:
    """The path of the screens' settings file, in the user's configuration folder."""
    import platformdirs

    return Path(platformdirs.user_config_dir("rebal-tui", appauthor=False)) / "settings.toml"


def keys_folder() -> Path:
    """The folder of broker keys, in files that only their owner can read."""
    return settings_path().parent / "keys"


def log_folder() -> Path:
    import platformdirs

    return Path(platformdirs.user_log_dir("rebal-tui", appauthor=False))


class BookInUse(Conflict):
    """Another process holds the book's write lock."""


class BookNotWritable(Conflict):
    """The book's folder or file does not accept writes, as on read-only media."""


def backup_folder(path: Path) -> Path:
    """The folder of a book's backups."""
    return path.parent / f"{path.stem}-backups"


def latest_backup(folder: Path) -> Path | None:
    """The newest backup in a folder, None without one. It was verified, as a backup gets its name only after that."""
    found = [path for path in folder.glob("*.db") if path.is_file()]
    return max(found, key=lambda path: path.stat().st_mtime, default=None)


def cannot_open_message(path: Path, error: Exception, *, is_backup: bool = False) -> str:
    """The message for a file that cannot be opened: why and, for a damaged book, which backup can replace it."""
    import sqlite3

    code = getattr(error, "sqlite_errorcode", None)
    damaged = code is not None and code & 0xFF in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
    text = f"{path} cannot be opened as a book: {error}"
    return f"{text}; {restore_advice(path)}" if damaged and not is_backup else text


@contextmanager
def naming_damage(path: Path) -> Iterator[None]:
    """Context manager: if the block raises an SQLite error or finds an invalid stored value, raise a `Conflict`.

    Its message names the file at `path` and, when the file is damaged, the backup that can replace it.
    """
    import sqlite3

    try:
        yield
    except sqlite3.Error as error:
        raise Conflict(cannot_open_message(path, error)) from error
    except (ValueError, TypeError, KeyError, IndexError) as error:
        text = f"{path} cannot be opened as a book: a stored value is damaged: {error}"
        raise Conflict(f"{text}; {restore_advice(path)}") from error


def restore_advice(path: Path) -> str:
    """A sentence that names the last verified backup of the book at `path`, and the command that restores it."""
    latest = latest_backup(backup_folder(path))
    if latest is None:
        return "there is no backup of it"
    import shlex

    command = shlex.join(["rebal-tui", "restore", str(latest), "--db", str(path)])
    return f"the last verified backup is {latest}: {command}"


@contextmanager
def exclusive_lock(path: Path) -> Iterator[None]:
    """Context manager: hold the write lock of a book's file until the block ends. Symbolic links are followed.

    Raises `BookInUse` when another process holds the lock, `BookNotWritable` where no lock or book can be written,
    and `Conflict` for a name that a book cannot have, for a path that is not a file, and for a file with a hard link.
    """
    from filelock import FileLock, Timeout

    from rebal_tui.domain.side_files import require_book_name

    path = path.resolve()
    require_book_name(path)
    if path.exists() and not path.is_file():
        raise Conflict(f"{path} is a folder, a device or a pipe; expected the file of a book")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise BookNotWritable(f"{path.parent}: the folder cannot be created: {error.strerror}") from error
    if path.is_file() and not os.access(path, os.W_OK):
        raise BookNotWritable(f"{path} cannot be written")
    if path.is_file() and path.stat().st_nlink > 1:
        raise Conflict(f"{path} has a second name (a hard link), and two programs could write to it; remove that name")
    lock = FileLock(path.with_name(path.name + ".lock"), timeout=0, mode=0o600)
    try:
        lock.acquire()
    except Timeout:
        raise BookInUse(f"{path} is open in another rebal-tui; close it there first") from None
    except OSError as error:
        raise BookNotWritable(f"{path.parent} cannot be written: {error.strerror or error}") from error
    try:
        yield
    finally:
        lock.release()


@contextmanager
def not_open(path: Path) -> Iterator[None]:
    """Context manager: hold the write lock of a file that is about to be replaced, until the block ends.

    A file that has never been opened as a book has no lock; then nothing is locked. Raises `BookInUse`,
    `BookNotWritable` and `Conflict` as `exclusive_lock` does.
    """
    real = path.resolve()
    with exclusive_lock(real) if real.with_name(real.name + ".lock").exists() else nullcontext():
        yield


def require_book(path: Path, *, is_backup: bool = False) -> bool:
    """Whether a file contains a book; False for a missing file and for one without tables.

    A program that was stopped while it created a book leaves a file without tables. Raises `Conflict` when the file is
    something else; unless it is itself a backup, the message names the backup that can replace a damaged one.
    """
    import sqlite3

    from rebal_tui.store.read_only_files import reading_uri

    if not path.exists() or path.stat().st_size == 0:
        return False
    try:
        connection = sqlite3.connect(reading_uri(path.resolve()), uri=True)
        try:
            tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        finally:
            connection.close()
    except sqlite3.Error as error:
        raise Conflict(cannot_open_message(path, error, is_backup=is_backup)) from error
    if tables and "sim_accounts" not in tables:
        raise Conflict(f"{path} is not a rebal-tui book")
    return bool(tables)
