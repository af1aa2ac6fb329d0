"""The archive of an open book: what it has, what can be moved into it, and moving that in chunks."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from rebal_tui.domain.errors import Conflict
from rebal_tui.domain.runs import RunStatus
from rebal_tui.domain.sessions import new_york_day
from rebal_tui.services.book.book import Book
from rebal_tui.services.book.time_budget import TimeBudget
from rebal_tui.services.maintenance import archiving
from rebal_tui.services.view_models.archives import ArchiveFile, ArchivePreview, ArchiveView, BookYear
from rebal_tui.store import archive_merge, archive_selection, archives

CHUNK_SECONDS = 0.05
SHOWN = ("runs", "orders", "fills", "decisions")
"""Tables of an archive whose numbers of rows are shown."""


def archive_view(book: Book) -> ArchiveView:
    """The archive of a book, and for each year how much of it is still in the book, newest year first."""
    current = str(new_york_day(book.now()).year)
    years = reversed(archive_selection.years(book.database))
    return ArchiveView(
        _file(book), tuple(BookYear(one.year, one.runs, one.decisions, one.year < current) for one in years)
    )


def _file(book: Book) -> ArchiveFile | None:
    found = archives.record(book.database)
    if found is None:
        return None
    return ArchiveFile(
        str(archives.location(book.database, found)),
        found.through,
        found.at,
        found.digest,
        tuple((name, found.counts[name]) for name in SHOWN if name in found.counts),
        found.removed,
        archives.problem(book.database),
    )


def preview(book: Book, through: str) -> ArchivePreview:
    """What archiving all years up to and including `through` would move.

    After an interrupted archiving, the preview shows that one, because it is continued first. Raises `Conflict` for the
    current year or a later one, when the book has nothing of a past year, and while runs or an evaluation are in
    progress.
    """
    target, found = _target(book), archives.record(book.database)
    _require_idle(book)
    if found is not None and not found.removed:
        return ArchivePreview(found.through, 0, 0, str(target), continues=True)
    wanted = archiving.archivable(book.database, book.now(), through)
    return ArchivePreview(wanted.through, wanted.runs, wanted.decisions, str(target))


def _target(book: Book) -> Path:
    """The archive file to write. Raises `Conflict` for a book in memory, and for an archive that cannot be read."""
    database = book.database
    found = archives.record(database)
    if problem := archives.problem(database):
        raise Conflict(problem)
    if found is not None:
        return archives.location(database, found)
    if database.folder is None:
        raise Conflict("this book is in memory, so it has no archive")
    return archives.default_path(Path(database.path).resolve())


def _require_idle(book: Book) -> None:
    """Raise `Conflict` while runs or an evaluation are in progress, which would have to wait for the archiving."""
    if book.database.halted is not None:
        raise book.database.halted.again()
    busy = sum(run.status is RunStatus.IN_PROGRESS for run in book.open_runs.values())
    if busy or book.pass_in_progress is not None:
        raise Conflict("runs or an evaluation are in progress; archive when they have ended")


class Archiving:
    """Moves the years up to and including `through` into the archive of an open book, in chunks.

    Nothing else may write to the book until the archiving has ended or is closed. If `close` was called before all was
    moved, the next `Archiving` of the book continues the move.
    """

    def __init__(self, book: Book, through: str) -> None:
        """Raises `Conflict` while runs or an evaluation are in progress, and for a book that cannot be archived."""
        target = _target(book)
        _require_idle(book)
        self._steps = archiving.archive(book.database, book.now(), through, target)

    def advance(self, book: Book) -> str:
        """Do the next chunk; returns what is being done as text, empty when all is done. Raises `Conflict`."""
        budget = TimeBudget(book, CHUNK_SECONDS)
        for doing in self._steps:
            if budget.is_spent():
                return doing
        self.close(book)
        return ""

    def close(self, book: Book) -> None:
        """Stop, and let the screens read the book again; an unfinished file is deleted."""
        self._steps.close()
        book.touch()


def advance(book: Book, moving: Archiving) -> str:
    """Do the next chunk of an archiving; returns what is being done as text, empty when all is done."""
    return moving.advance(book)


def close(book: Book, moving: Archiving) -> None:
    """Stop moving years into an archive; an unfinished file is deleted, and the book keeps everything."""
    moving.close(book)


def found_at(book: Book, path: Path) -> str:
    """Record where the book's archive is now, and return the path. Raises `Conflict` for any other file."""
    archiving.found_at(book.database, book.now(), path)
    archiving.report_problem(book)
    book.touch()
    return str(path)


def file_faults(path: Path, digest: str) -> tuple[str, ...]:
    """Faults of an archive's file, found by reading all of it, one message each. May run on any thread."""
    try:
        return tuple(archive_merge.file_faults(path, digest))
    except (OSError, sqlite3.Error) as error:
        return (f"it cannot be read: {error}",)
