"""The archive of a book: its file, and what of the book can move into it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class ArchiveFile:
    """The file of a book's archive, with the years up to `through`, verified when it was written.

    `problem` is why it cannot be read, empty when it can. Until `finished`, the book may still have rows that are in
    it. `counts` are its rows by kind.
    """

    path: str
    through: str
    written_at: datetime
    digest: str
    counts: tuple[tuple[str, int], ...]
    finished: bool
    problem: str


@dataclass(frozen=True, slots=True)
class BookYear:
    """The runs and decisions that a book has of one year; `past` years can be archived."""

    year: str
    runs: int
    decisions: int
    past: bool


@dataclass(frozen=True, slots=True)
class ArchiveView:
    """The archive of a book, None when it has none, and the years of the book, newest first."""

    archive: ArchiveFile | None
    years: tuple[BookYear, ...]


@dataclass(frozen=True, slots=True)
class ArchivePreview:
    """What archiving up to a year would move, and the file that it would be written to.

    `continues` is whether it completes an interrupted one, whose rows are in the file already.
    """

    through: str
    runs: int
    decisions: int
    path: str
    continues: bool = False
