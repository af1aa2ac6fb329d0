"""The page of the archive: what there is, moving years after a question, and an archive that is elsewhere."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from rebal_tui import bootstrap
from rebal_tui.services.book.book import Book
from rebal_tui.services.maintenance import archive_page
from rebal_tui.services.maintenance.archiving import WRITING
from rebal_tui.services.view_models.archives import ArchiveFile, ArchiveView, BookYear
from rebal_tui.store import archives
from rebal_tui.tui.screens.log.archive import ArchiveScreen
from tests.services.maintenance.archived_books import make_book
from tests.tui.driving import press, screen_text, settle, shown_messages
from tests.tui.simulated import SIZES, app_with_book, market_book, run

pytestmark = pytest.mark.slow
YEARS = (BookYear("2026", 812, 14_580, False), BookYear("2025", 3_204, 60_480, True), BookYear("2024", 0, 12, True))
FILE = ArchiveFile(
    "/home/ana/clients-archive.db", "2024", datetime(2025, 1, 3, 21, 30, tzinfo=UTC), "5b0c6d2e9a7f41c3" * 4,
    (("runs", 2_950), ("orders", 11_480), ("fills", 13_022), ("decisions", 58_400)), True, "",
)  # fmt: skip
PAGES = {
    "none": ArchiveView(None, YEARS),
    "found": ArchiveView(FILE, YEARS),
}


@pytest.fixture
def book(tmp_path: Path) -> Iterator[Book]:
    path = tmp_path / "book.db"
    make_book(path)
    with closing(bootstrap.open_database(path)) as database:
        yield bootstrap.open_simulation(database)


def test_years_are_moved_after_a_question_and_the_file_is_verified(book: Book) -> None:
    async def flow(pilot: Any, app: Any) -> None:
        await press(pilot, "a")
        assert "This book has no archive" in screen_text(app)
        await press(pilot, "a")
        question = screen_text(app)
        assert "Archive the years to 2025?" in question
        assert "6 runs and 17 decisions move" in question
        await press(pilot, "n")
        assert archives.record(book.database) is None
        await press(pilot, "a", "y")
        assert any(text.startswith("Archived 6 runs and 17 decisions to 2025 in ") for text in shown_messages(app))
        shown = screen_text(app)
        assert "● found, verified when it was written" in shown
        assert "to 2025" in shown
        await press(pilot, "V")
        assert "and read again now: intact" in screen_text(app)
        await press(pilot, "escape")
        assert not isinstance(app.screen, ArchiveScreen)

    run(flow, book, "8")
    assert (found := archives.record(book.database)) is not None
    assert found.removed


def test_an_archive_that_was_moved_is_named_and_found_again(book: Book, tmp_path: Path) -> None:
    moving = archive_page.Archiving(book, "2025")
    while archive_page.advance(book, moving):
        pass
    away = tmp_path / "away.db"
    tmp_path.joinpath("book-archive.db").rename(away)
    archives.forget(book.database)

    async def flow(pilot: Any, app: Any) -> None:
        await press(pilot, "a")
        assert "is missing" in screen_text(app)
        await press(pilot, "V")
        assert any("is missing" in text for text in shown_messages(app))
        await press(pilot, "o")
        app.screen.query_one("#path-input").value = str(tmp_path / "book.db")
        await press(pilot, "enter")
        assert "is not the archive of this book" in screen_text(app)
        app.screen.query_one("#path-input").value = str(away)
        await press(pilot, "enter")
        assert "● found" in screen_text(app)

    run(flow, book, "8")
    assert archives.problem(book.database) == ""


def test_a_move_that_is_left_stops_and_is_made_again(book: Book, monkeypatch: pytest.MonkeyPatch) -> None:
    def advance(_book: Book, _moving: archive_page.Archiving) -> str:
        time.sleep(0.1)  # A pilot waits until the process is idle.
        return WRITING

    async def flow(pilot: Any, app: Any) -> None:
        await press(pilot, "a", "a")
        with monkeypatch.context() as endless:
            endless.setattr(archive_page, "advance", advance)
            await pilot.press("y", "a")
            assert "The years are being moved." in shown_messages(app)
            await pilot.press("escape")
            await settle(pilot)
        assert any(text.startswith("Archiving stopped") for text in shown_messages(app))
        assert not isinstance(app.screen, ArchiveScreen)
        await press(pilot, "a", "a", "y")

    run(flow, book, "8")
    assert (found := archives.record(book.database)) is not None
    assert found.removed


def test_why_nothing_can_be_archived_is_said() -> None:
    async def flow(pilot: Any, app: Any) -> None:
        await press(pilot, "a", "a", "V", "o")
        messages = shown_messages(app)
        assert any("in memory" in text or "can be archived" in text for text in messages)
        assert "There is no archive to verify." in messages
        assert "This book has no archive." in messages

    run(flow, market_book(), "8")


@pytest.mark.parametrize("size", ["80x24", "120x40"])
@pytest.mark.parametrize("page", PAGES)
def test_the_page_of_the_archive(snap_compare: Any, page: str, size: str) -> None:
    async def before(pilot: Any) -> None:
        await settle(pilot)
        await press(pilot, "8")
        pilot.app.push_screen(ArchiveScreen(PAGES[page]))
        await settle(pilot)

    assert snap_compare(app_with_book(market_book()), terminal_size=SIZES[size], run_before=before)
