"""What a book's file looks like from outside, to notice that another program wrote over it."""

from __future__ import annotations

import hashlib
import os
import struct
from dataclasses import dataclass

_SAMPLES = 16
_PAGE_BYTES = 4_096
_LOG_HEADER = struct.Struct(">IIII16s")
"""Of a write-ahead log: magic number, version, bytes of a page, number of checkpoints, salts and a checksum."""
_FRAME_HEADER = struct.Struct(">II8s8s")
"""Of a page in the log: its number, pages of the file after the commit that it ends or 0, salts, a checksum."""


@dataclass(frozen=True)
class FileMark:
    """Size in bytes, time of the last change in nanoseconds, and the digests of 16 evenly spaced pages of a file.

    If the mark differs, the file has changed. A commit alone does not change the file: it goes to the write-ahead log,
    whose pages the connection that writes moves to the file later, at a checkpoint.
    """

    size: int
    changed_at: int
    digests: tuple[bytes, ...]


class FileWatch:
    """Reads the marks of a file that SQLite has open in this process.

    It keeps the file open until `close`, which must come after SQLite's own close. Where locks are POSIX locks, closing
    any handle of a file ends every lock that the process has on it; another program could then delete the book's
    write-ahead log.
    """

    def __init__(self, path: str) -> None:
        """Raises `OSError` when the file cannot be read."""
        self._file = open(path, "rb", buffering=0)  # noqa: SIM115 - open until `close`
        self._log = f"{path}-wal"

    def mark(self, known: FileMark | None = None) -> FileMark | None:
        """The present mark of the file; `known` itself if size and time are unchanged. None if it cannot be read."""
        try:
            found = os.fstat(self._file.fileno())
            if known is not None and (known.size, known.changed_at) == (found.st_size, found.st_mtime_ns):
                return known
            digests = tuple(_digest(self._page(number)) for number in _sampled(found.st_size))
        except OSError:
            return None
        return FileMark(found.st_size, found.st_mtime_ns, digests)

    def is_checkpointed(self, known: FileMark) -> bool:
        """Whether the file differs from `known` only by pages that its write-ahead log has too.

        That is so after another program's checkpoint: SQLite lets each program that has the file open move the log's
        pages to the file, and the pages stay in the log until the next commit. A checkpoint that was interrupted, or
        that had to leave pages out because of a reader, has written only some of them.
        """
        try:
            size = os.fstat(self._file.fileno()).st_size
            with open(self._log, "rb") as log:
                logged, logged_size = _logged_pages(log.read())
            for number, digest in zip(_sampled(known.size), known.digests, strict=True):
                page = self._page(number)
                if (found := _digest(page)) != digest and found not in logged.get(number, ()):
                    return False
        except (OSError, struct.error):
            return False
        return min(known.size, logged_size) <= size <= max(known.size, logged_size)

    def _page(self, number: int) -> bytes:
        self._file.seek((number - 1) * _PAGE_BYTES)
        return self._file.read(_PAGE_BYTES)

    def close(self) -> None:
        self._file.close()


def same_content(one: FileMark | None, other: FileMark | None) -> bool:
    """Whether two marks have the same size and digests; the times of the last change may differ, as after `touch`."""
    return (one and (one.size, one.digests)) == (other and (other.size, other.digests))


def _sampled(size: int) -> list[int]:
    """The numbers, from 1, of the pages of a file of a given size whose digests are in its mark."""
    return [size * n // _SAMPLES // _PAGE_BYTES + 1 for n in range(_SAMPLES)]


def _digest(page: bytes) -> bytes:
    return hashlib.blake2b(page, digest_size=16).digest()


def _logged_pages(log: bytes) -> tuple[dict[int, set[bytes]], int]:
    """The digests of each committed page in a log, by number, and the size of the file after the last commit.

    Raises `struct.error` for a log without header.
    """
    _magic, _version, page_bytes, _checkpoints, salts = _LOG_HEADER.unpack_from(log)
    committed: dict[int, set[bytes]] = {}
    if page_bytes != _PAGE_BYTES:
        return committed, 0
    pages, size = list[tuple[int, bytes]](), 0
    frame_bytes = _FRAME_HEADER.size + _PAGE_BYTES
    for start in range(_LOG_HEADER.size, len(log) - frame_bytes + 1, frame_bytes):
        number, pages_after, frame_salts, _checksum = _FRAME_HEADER.unpack_from(log, start)
        if frame_salts != salts[:8]:
            break
        content = start + _FRAME_HEADER.size
        pages.append((number, _digest(log[content : content + _PAGE_BYTES])))
        if pages_after:
            for committed_number, digest in pages:
                committed.setdefault(committed_number, set()).add(digest)
            pages, size = [], pages_after * _PAGE_BYTES
    return committed, size
