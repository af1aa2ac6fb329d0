"""What a book's file looks like from outside, to notice that another program wrote over it."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass

_SAMPLES = 16
_SAMPLE_BYTES = 4_096


@dataclass(frozen=True)
class FileMark:
    """Size in bytes, time of the last change in nanoseconds, and a digest of 16 evenly spaced pages of a file.

    In WAL mode SQLite changes the file only at a checkpoint, which the writer does itself as part of a commit.
    """

    size: int
    changed_at: int
    digest: bytes


class FileWatch:
    """Reads the marks of a file that SQLite has open in this process.

    The file stays open until `close`, which must come after SQLite's: where locks are POSIX locks, closing any handle
    of a file ends every lock that the process has on it, and another program could then delete the log of the book.
    """

    def __init__(self, path: str) -> None:
        """Raises `OSError` when the file cannot be read."""
        self._file = open(path, "rb", buffering=0)  # noqa: SIM115 - open until `close`

    def mark(self, known: FileMark | None = None) -> FileMark | None:
        """The mark of the file; `known` itself while size and time are the same. None when it cannot be read."""
        try:
            found = os.fstat(self._file.fileno())
            if known is not None and (known.size, known.changed_at) == (found.st_size, found.st_mtime_ns):
                return known
            digest = hashlib.blake2b()
            for n in range(_SAMPLES):
                self._file.seek(found.st_size * n // _SAMPLES // _SAMPLE_BYTES * _SAMPLE_BYTES)
                digest.update(self._file.read(_SAMPLE_BYTES))
        except OSError:
            return None
        return FileMark(found.st_size, found.st_mtime_ns, digest.digest())

    def close(self) -> None:
        self._file.close()


def same_content(one: FileMark | None, other: FileMark | None) -> bool:
    """Whether two marks differ at most in the time, as after `touch`."""
    return (one and (one.size, one.digest)) == (other and (other.size, other.digest))
