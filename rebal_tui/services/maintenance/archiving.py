"""Moving the decisions, prices and finished runs of past years from a book into its archive.

The archive is written to the folder of the book, verified and renamed, then recorded in the book. Only then rows are
removed from the book, in chunks. Calling `archive` again continues an interrupted one. Until the archive is recorded,
nothing has changed in the book. Afterward a row may be in both files until it is removed; readers then use the book's
row.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Generator
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from rebal_tui.domain.errors import Conflict
from rebal_tui.domain.sessions import new_york_day
from rebal_tui.services.book.book import Book
from rebal_tui.store import archive_building, archive_removal, archive_selection, archives, audit, jobs
from rebal_tui.store.archive_content import Content
from rebal_tui.store.archives import Record
from rebal_tui.store.database import Database
from rebal_tui.systems import move_new, sync_folder

WRITING, REMOVING = "writing and verifying the archive", "removing what it has from the book"
ALERT = "archive"
_PARTIAL = ".partial"


@dataclass(frozen=True, slots=True)
class Archivable:
    """What archiving all years up to and including `through` would move: how many runs and decisions.

    `years` has what the book contains of each year.
    """

    years: tuple[archive_selection.Year, ...]
    through: str
    runs: int
    decisions: int


def archivable(database: Database, now: datetime, through: str | None = None) -> Archivable:
    """What can be archived of all years up to and including `through`, by default of all past years. Changes nothing.

    Raises `Conflict` for the current year or a later one, and when the book has nothing of a past year.
    """
    years = tuple(archive_selection.years(database))
    current = str(new_york_day(now).year)
    past = [one.year for one in years if one.year < current]
    chosen = through or (past[-1] if past else "")
    if not chosen:
        raise Conflict(f"the book has no decision or run before {current}; nothing can be archived")
    archive_selection.last_session(chosen)
    if chosen >= current:
        raise Conflict(f"{chosen}: only years before {current} can be archived")
    archive_selection.choose(database, chosen)
    counted = archive_selection.count(database, chosen)
    return Archivable(years, chosen, counted["runs"], counted["decisions"])


def archive(database: Database, now: datetime, through: str | None, target: Path) -> Generator[str]:
    """Archive every year up to and including `through`, by default all past ones, in the file `target`.

    Yields the text of the present stage, `WRITING` or `REMOVING`, between its steps.

    Nothing else may write to the book until the generator has ended or is closed, because what the book still uses is
    read before rows are removed. The check of the file's structure is one long step; all others are short. An
    interrupted archiving is completed first; the call then ends, unless `through` is a later year. Raises the errors of
    `archivable`, and `Conflict` when the book's archive cannot be read or `target` is another file.
    """
    found = archives.record(database)
    if found is not None and not found.removed:
        yield from _remove(database, found)
        found = archives.record(database)
        if through is None or (found is not None and through <= found.through):
            return
    wanted = archivable(database, now, through)
    if not wanted.runs and not wanted.decisions:
        raise Conflict(f"the book has nothing more to archive up to {wanted.through}")
    if target.exists() and not set(archives.digests(target)):
        raise Conflict(f"{target} exists and is not the archive of this book; name another file")
    earlier = None
    if found is not None:
        if fault := archives.problem(database):
            raise Conflict(fault)
        earlier = archives.location(database, found)
    yield from _write(database, now, wanted.through, target.resolve(), earlier)
    remembered = archives.record(database)
    if remembered is not None:
        yield from _remove(database, remembered)


def _write(database: Database, now: datetime, through: str, target: Path, earlier: Path | None) -> Generator[str]:
    partial = target.with_name(target.name + _PARTIAL)
    content = Content()
    try:
        for done in archive_building.build(database, through, partial, earlier, now):
            content = done or content
            yield WRITING
        _put_in_place(database, partial, target, content, earlier)
    except (OSError, sqlite3.Error) as error:
        raise Conflict(f"the archive could not be written to {target}: {error}") from error
    finally:
        with suppress(OSError):
            archive_building.remove_partial(partial)
    before = archives.record(database)
    folder = (database.folder or target.parent).resolve()
    name = target.name if target.parent == folder else str(target)
    latest = max(through, before.through) if before else through
    record = Record(name, content.digest, latest, now, content.counts, removed=False)
    with database.write() as tx:
        archives.put(tx, record)
        detail = {"through": latest, "file": target.name, "digest": content.digest, "counts": dict(content.counts)}
        audit.append(tx, now, "advisor", "book.archived", "book", detail)
    yield WRITING


def _put_in_place(database: Database, partial: Path, target: Path, content: Content, earlier: Path | None) -> None:
    """Rename the verified archive `partial` to `target`.

    It may replace only the archive that it continues, or an archive whose rows are all still in the book. An
    interrupted call leaves such a file, which the book does not remember yet. Raises `Conflict` for any other file.
    """
    if target.exists():
        found = set(archives.digests(target))
        continued = set(archives.digests(earlier)) if earlier is not None else {content.digest}
        if not found & continued and not (found and archive_building.is_in_book(database, target)):
            raise Conflict(f"{target} exists and is not the archive of this book; name another file")
        os.replace(partial, target)
    else:
        move_new(partial, target)
    sync_folder(target.parent)


def _remove(database: Database, found: Record) -> Generator[str]:
    if fault := archives.problem(database):
        raise Conflict(fault)
    archive_selection.choose(database, found.through)
    with closing(Database(archives.location(database, found), read_only=True)) as opened:
        for _ in archive_removal.remove(database, opened):
            archives.forget(database)
            yield REMOVING
    broken = database.row("PRAGMA foreign_key_check")
    if broken is not None:
        raise Conflict(f"after archiving, a row of {broken[0]} refers to a missing row of {broken[2]}")
    with database.write() as tx:
        archives.put(tx, replace(found, removed=True))


def found_at(database: Database, now: datetime, path: Path) -> Record:
    """Record where the book's archive is now; returns the new record.

    Raises `Conflict` when the file at `path` is not the book's archive.
    """
    remembered = archives.record(database)
    if remembered is None:
        raise Conflict("the book has no archive")
    if remembered.digest not in set(archives.digests(path)):
        raise Conflict(f"{path} is not the archive of this book")
    path = path.resolve()
    name = path.name if database.folder is not None and path.parent == database.folder else str(path)
    moved = replace(remembered, name=name)
    with database.write() as tx:
        archives.put(tx, moved)
        audit.append(tx, now, "advisor", "book.archive_found", "book", {"file": path.name, "digest": moved.digest})
    return moved


def report_problem(book: Book) -> None:
    """Raise an alert while the book's archive cannot be read, and clear the alert when it can."""
    if archives.record(book.database) is None:
        return
    problem, now = archives.problem(book.database), book.now()
    if not problem and not jobs.is_open(book.database, ALERT, ALERT):
        return
    with book.write() as tx:
        if problem:
            jobs.raise_alert(tx, now, ALERT, ALERT, problem)
        else:
            jobs.clear_alert(tx, ALERT, ALERT, now)
        tx.changed()
