"""The archive of a book: its file, and what of the book can move into it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class ArchiveFile:
    """The file of a book's archive, with the years up to and including `through`; it was verified when it was written.

    `problem` is why the file cannot be read, empty when it can. Until `finished`, the book may still have rows that are
    in the file, too. `counts` are the kinds of rows in the file, each with its number. `digest` is a hash that
    identifies the content.
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
    """The number of runs and of decisions that a book has of one year; a `past` year can be archived."""

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
    """What archiving all years up to and including `through` would move, and the file to which it would write.

    `continues` is whether archiving was interrupted and would now be completed; its rows are in the file already.
    """

    through: str
    runs: int
    decisions: int
    path: str
    continues: bool = False
