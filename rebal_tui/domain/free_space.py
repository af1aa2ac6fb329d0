"""Free space on a book's disk."""

from __future__ import annotations

from dataclasses import dataclass

MAX_NEEDED_BYTES = 16 * 1024 * 1024
NEEDED_PART = 16
"""One part in so many of a file system must be free, so that a small one can be written at all."""


@dataclass(frozen=True, slots=True)
class FreeSpace:
    """Free bytes, and the bytes that must be free before new work starts or writing resumes after the disk was full."""

    free: int
    needed: int

    @property
    def is_enough(self) -> bool:
        return self.free >= self.needed

    def __str__(self) -> str:
        return f"{self.free:,} bytes free, {self.needed:,} needed"


def free_space(free: int, total: int) -> FreeSpace:
    """The free space of a file system of `total` bytes, 1/16 of which must be free, at most `MAX_NEEDED_BYTES`."""
    return FreeSpace(free, min(MAX_NEEDED_BYTES, total // NEEDED_PART))
