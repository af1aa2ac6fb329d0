"""The archive of an open book: years are moved between heartbeats, and the book continues with both files."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from rebal_tui import bootstrap
from rebal_tui.domain.errors import Conflict
from rebal_tui.domain.sessions import NEW_YORK
from rebal_tui.market.clock import HeartbeatClock
from rebal_tui.services.book.book import Book
from rebal_tui.services.maintenance import archive_page, archiving
from rebal_tui.services.maintenance.archive_check import check_whole
from rebal_tui.services.queries.runs import runs_snapshot
from rebal_tui.services.schedule import scheduler
from rebal_tui.store import archives
from tests.services.maintenance.archived_books import make_book

pytestmark = pytest.mark.slow


@pytest.fixture
def book(tmp_path: Path) -> Iterator[Book]:
    path = tmp_path / "book.db"
    make_book(path)
    with closing(bootstrap.open_database(path)) as database:
        yield bootstrap.open_simulation(database)


def move_all(book: Book, through: str) -> list[str]:
    """Archive up to a year; returns what each chunk was doing."""
    moving, doing = archive_page.Archiving(book, through), []
    while text := archive_page.advance(book, moving):
        doing.append(text)
    archive_page.close(book, moving)
    return doing


def live_on(book: Book) -> None:
    """Simulate the next session with its evaluations."""
    clock = book.clock
    assert isinstance(clock, HeartbeatClock)
    opening = datetime(2026, 1, 6, 9, 30, tzinfo=NEW_YORK)
    for minute in range(0, 70, 7):
        clock.jump(opening + timedelta(minutes=minute))
        scheduler.tick(book)


def test_years_move_out_of_an_open_book_that_goes_on(book: Book) -> None:
    before = runs_snapshot(book).rows
    view = archive_page.archive_view(book)
    assert view.archive is None
    assert [(one.year, one.past) for one in view.years] == [("2026", False), ("2025", True), ("2024", True)]
    preview = archive_page.preview(book, "2025")
    assert (preview.runs, preview.decisions) == (6, 17)
    version = book.version
    move_all(book, "2025")
    assert book.version > version
    assert runs_snapshot(book).rows == before
    archive = archive_page.archive_view(book).archive
    assert archive is not None
    assert (archive.path, archive.through, archive.finished, archive.problem) == (preview.path, "2025", True, "")
    assert dict(archive.counts)["decisions"] == 17
    live_on(book)
    assert not check_whole(book.database, bootstrap.read_only_broker).faults


def test_a_stopped_move_is_continued(book: Book, monkeypatch: pytest.MonkeyPatch) -> None:
    times = iter(range(10_000))
    monkeypatch.setattr(book, "stopwatch", lambda: float(next(times)))
    before = runs_snapshot(book).rows
    moving = archive_page.Archiving(book, "2025")
    assert archive_page.advance(book, moving) == archiving.WRITING
    archive_page.close(book, moving)
    assert archive_page.archive_view(book).archive is None
    moving = archive_page.Archiving(book, "2025")
    while archive_page.advance(book, moving) != archiving.REMOVING:
        pass
    archive_page.close(book, moving)
    assert runs_snapshot(book).rows == before
    archive = archive_page.archive_view(book).archive
    assert archive is not None
    assert not archive.finished
    assert archive_page.preview(book, "").continues
    assert set(move_all(book, "2025")) == {archiving.REMOVING}
    assert runs_snapshot(book).rows == before
    assert not check_whole(book.database, bootstrap.read_only_broker).faults


def test_nothing_moves_while_orders_are_under_way(book: Book, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(book, "pass_in_progress", object())
    with pytest.raises(Conflict, match="in progress"):
        archive_page.preview(book, "2025")
    with pytest.raises(Conflict, match="in progress"):
        archive_page.Archiving(book, "2025")
    monkeypatch.undo()
    with pytest.raises(Conflict, match="only years before 2026"):
        archive_page.preview(book, "2026")


def test_a_moved_or_damaged_archive_is_named_and_found_again(book: Book, tmp_path: Path) -> None:
    move_all(book, "2025")
    archive = archive_page.archive_view(book).archive
    assert archive is not None
    away = tmp_path / "away.db"
    Path(archive.path).rename(away)
    archives.forget(book.database)
    lost = archive_page.archive_view(book).archive
    assert lost is not None
    assert "is missing" in lost.problem
    with pytest.raises(Conflict, match="is missing"):
        archive_page.preview(book, "2025")
    assert archive_page.found_at(book, away) == str(away)
    assert archive_page.archive_view(book).archive == replace(archive, path=str(away))
    assert archive_page.file_faults(away, archive.digest) == ()
    assert archive_page.file_faults(away, "0" * 64) == (
        "its rows are not those that were archived: their digest is another one",
    )
    other = tmp_path / "other.db"
    other.write_text("a diary")
    assert archive_page.file_faults(other, archive.digest)[0].startswith("it cannot be read")
