"""Where things are on the user's machine, and who may write to a book's file. Light: it is imported at once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rebal_tui.domain.errors import Conflict


def default_path() -> Path:
    """Where a book lives when no file is named: the user's data folder."""
    import platformdirs

    return Path(platformdirs.user_data_dir("rebal-tui", appauthor=False)) / "book.db"


def settings_path() -> Path:
    """Where the settings of the screens are kept: the user's configuration folder."""
    import platformdirs

    return Path(platformdirs.user_config_dir("rebal-tui", appauthor=False)) / "settings.toml"


def keys_folder() -> Path:
    """Where keys of brokers are kept in files of their owner's alone."""
    return settings_path().parent / "keys"


def log_folder() -> Path:
    import platformdirs

    return Path(platformdirs.user_log_dir("rebal-tui", appauthor=False))


class BookInUse(Conflict):
    """Another process is the one writer of the book."""


def backup_folder(path: Path) -> Path:
    """Where the backups of a book are kept."""
    return path.parent / f"{path.stem}-backups"


def latest_backup(folder: Path) -> Path | None:
    """The newest backup in a folder, None without one; each was verified before it took its name."""
    found = [path for path in folder.glob("*.db") if path.is_file()]
    return max(found, key=lambda path: path.stat().st_mtime, default=None)


def cannot_open_message(path: Path, error: Exception) -> str:
    """Why a file is not opened and, where it is damaged, what can be put in its place."""
    import sqlite3

    code = getattr(error, "sqlite_errorcode", None)
    damaged = code is not None and code & 0xFF in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
    text = f"{path} cannot be opened as a book: {error}"
    return f"{text}; {restore_advice(path)}" if damaged else text


def restore_advice(path: Path) -> str:
    """The last verified backup of a book and how to put it in its place, in a sentence."""
    latest = latest_backup(backup_folder(path))
    if latest is None:
        return "there is no backup of it"
    import shlex

    command = shlex.join(["rebal-tui", "restore", str(latest), "--db", str(path)])
    return f"the last verified backup is {latest}: {command}"


@contextmanager
def exclusive_lock(path: Path) -> Iterator[None]:
    """Be the one writer of a book's file. Raises `BookInUse` when another process is."""
    from filelock import FileLock, Timeout

    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = FileLock(path.with_name(path.name + ".lock"), timeout=0, mode=0o600)
    try:
        lock.acquire()
    except Timeout:
        raise BookInUse(f"{path} is open in another rebal-tui; close it there first") from None
    try:
        yield
    finally:
        lock.release()


def require_book(path: Path) -> None:
    """Raise `Conflict` when there is a file and it is not a book's; an empty or missing one may become one."""
    import sqlite3

    if not path.exists() or path.stat().st_size == 0:
        return
    try:
        connection = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)
        try:
            known = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'sim_accounts'").fetchone()
        finally:
            connection.close()
    except sqlite3.Error as error:
        raise Conflict(cannot_open_message(path, error)) from error
    if known is None:
        raise Conflict(f"{path} is no book of this program")
