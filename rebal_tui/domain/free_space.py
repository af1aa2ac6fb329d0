"""Free space on the disk of a book's file."""

from __future__ import annotations

from dataclasses import dataclass

MAX_NEEDED_BYTES = 16 * 1024 * 1024
NEEDED_PART = 16
"""1/16 of a disk must be free, but never more than `MAX_NEEDED_BYTES`, so that a small disk can be used at all."""


@dataclass(frozen=True, slots=True)
class FreeSpace:
    """Free bytes of a disk, and the bytes that must be free.

    New work stops while fewer than `needed` bytes are free. After the disk was full, writing resumes when `needed`
    bytes are free again.
    """

    free: int
    needed: int

    @property
    def is_enough(self) -> bool:
        return self.free >= self.needed

    def __str__(self) -> str:
        return f"{self.free:,} bytes free, {self.needed:,} needed"


def free_space(free: int, total: int) -> FreeSpace:
    """The free space of a file system with `free` of `total` bytes free.

    `needed` is a sixteenth of `total`, but at most `MAX_NEEDED_BYTES`.
    """
    return FreeSpace(free, min(MAX_NEEDED_BYTES, total // NEEDED_PART))
