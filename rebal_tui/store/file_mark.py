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


def file_mark(path: str, known: FileMark | None = None) -> FileMark | None:
    """The mark of a file; `known` itself while size and time are the same. None for a file that cannot be read."""
    try:
        with open(path, "rb") as file:
            found = os.fstat(file.fileno())
            if known is not None and (known.size, known.changed_at) == (found.st_size, found.st_mtime_ns):
                return known
            digest = hashlib.blake2b()
            for n in range(_SAMPLES):
                file.seek(found.st_size * n // _SAMPLES // _SAMPLE_BYTES * _SAMPLE_BYTES)
                digest.update(file.read(_SAMPLE_BYTES))
    except OSError:
        return None
    return FileMark(found.st_size, found.st_mtime_ns, digest.digest())


def same_content(one: FileMark | None, other: FileMark | None) -> bool:
    """Whether two marks differ at most in the time, as after `touch`."""
    return (one and (one.size, one.digest)) == (other and (other.size, other.digest))
