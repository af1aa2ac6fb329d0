"""What differs between POSIX systems and Windows, each difference with its reason.

Everything else of the program is the same on all systems. The type checker checks `linux`, `darwin` and `win32`.
"""

from __future__ import annotations

import errno
import os
import signal
import sys
from pathlib import Path
from typing import Any

_NO_HARD_LINKS = frozenset({errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EMLINK, errno.ENOSYS, errno.EACCES})
"""Errors of `os.link` on file systems without hard links, such as FAT and some network shares."""

if sys.platform == "win32":
    STOP_SIGNALS: tuple[signal.Signals, ...] = (signal.SIGTERM, signal.SIGBREAK)
    """Signals that ask the program to end. Windows has no SIGHUP; closing its console window sends SIGBREAK."""
else:
    STOP_SIGNALS: tuple[signal.Signals, ...] = (
        *(signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGQUIT),
        *(signal.SIGUSR1, signal.SIGUSR2, signal.SIGALRM),
    )
    """Signals that end a program by default, here after the terminal was given back and the book closed. A terminal
    that goes away sends SIGHUP."""


def exit_on_hangup() -> None:
    """Raise `SystemExit` when the terminal is closed before the screens run, so that temporary files are removed."""
    if sys.platform != "win32":
        signal.signal(signal.SIGHUP, lambda number, _frame: sys.exit(128 + number))


def ignore_hangup() -> None:
    """Keep running when the terminal is closed, for programs without screens. Windows has no such signal."""
    if sys.platform != "win32":
        signal.signal(signal.SIGHUP, signal.SIG_IGN)


_CREATE_NEW_PROCESS_GROUP = 0x200
"""The flag of Windows. Its name is in `subprocess`, which the program does not import: nothing may inherit a key."""


def own_group() -> dict[str, Any]:
    """Arguments for starting a process that ctrl+c in the terminal does not interrupt; its parent process ends it."""
    if sys.platform == "win32":
        return {"creationflags": _CREATE_NEW_PROCESS_GROUP}
    return {"start_new_session": True}


def sync_folder(folder: Path) -> None:
    """Make the names of the files in a folder durable. Windows cannot open a folder, and stores names with files."""
    if sys.platform == "win32":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def move_new(source: Path, target: Path) -> None:
    """Rename a file to a name that must not exist. Raises `FileExistsError`, or `OSError` when it cannot be renamed.

    On POSIX systems a rename would replace an existing file, so the new name is made as a hard link first. Windows
    renames only to new names. On a file system without hard links, the new name is checked first, then the file is
    renamed.
    """
    if sys.platform == "win32":
        os.rename(source, target)
        return
    try:
        os.link(source, target)
    except OSError as error:
        if error.errno not in _NO_HARD_LINKS:
            raise
        if os.path.lexists(target):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(target)) from error
        os.rename(source, target)
        return
    os.unlink(source)


def is_private(mode: int) -> bool:
    """Whether the mode of a file lets only its owner read it. Windows has no modes; its user folders are private."""
    return sys.platform == "win32" or not mode & 0o077


def max_open_files() -> int | None:
    """How many files this process may open; None without a limit, as on Windows, where sockets are no files."""
    if sys.platform == "win32":
        return None
    import resource

    limit: int = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return None if limit == resource.RLIM_INFINITY else limit
