"""Screens and keys for a read-only book and for a full disk."""

from __future__ import annotations

import asyncio
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from rebal_tui import bootstrap
from rebal_tui.domain.errors import Halt
from rebal_tui.market.clock import SimulatedClock
from rebal_tui.services.book import kill_switch
from rebal_tui.services.book.book import Book
from rebal_tui.services.schedule import scheduler
from rebal_tui.services.schedule.book_thread import BookThread
from rebal_tui.tui.action_table import ACTIONS
from rebal_tui.tui.app import RebalApp
from rebal_tui.tui.book_backend import BookBackend
from rebal_tui.tui.screens import stopped
from rebal_tui.tui.screens.stopped import StoppedScreen
from rebal_tui.tui.widgets.key_bar import KeyBar
from tests.tui.driving import press, screen_text, settle, shown_messages
from tests.tui.simulated import Flow, run_heartbeat, write

SHOWS = ("subscribers", "go('review')")
"""Methods whose names match a change but that only show something."""


def writer(path: Path) -> Book:
    """Create the demo book in a file; its time does not advance between heartbeats."""
    bootstrap.create_demo(path, accounts=6).close()
    book = bootstrap.open_simulation(bootstrap.open_database(path), monotonic=lambda: 0.0)
    scheduler.tick(book)
    return book


def app_of(thread: BookThread) -> RebalApp:
    return RebalApp(BookBackend(thread), heartbeat=False)


def drive(app: RebalApp, flow: Flow) -> None:
    async def main() -> None:
        async with app.run_test(size=(100, 30)) as pilot:
            await settle(pilot)
            await run_heartbeat(pilot, app)
            await flow(pilot, app)

    asyncio.run(main())


def fill_disk(book: Book, more: int) -> None:
    row = book.database.row("PRAGMA page_count")
    assert row is not None
    book.database.connection.execute(f"PRAGMA max_page_count = {row[0] + more}")


@pytest.mark.slow
def test_a_second_program_sees_what_the_first_does_and_changes_nothing(tmp_path: Path) -> None:
    first = writer(tmp_path / "book.db")
    thread = BookThread(lambda: bootstrap.open_view(tmp_path / "book.db"))

    async def flow(pilot: Any, app: RebalApp) -> None:
        assert "READ-ONLY" in screen_text(app)
        version = first.database.data_version()
        await press(pilot, "v", "f9", "D", "z", "3", "n", "d", "2", "n")
        assert app.screen_stack[1:] == []
        assert sum("the book is open read-only" in text for text in shown_messages(app)) >= 5
        assert first.database.data_version() == version
        kill_switch.set_halt(first, True)
        assert isinstance(first.clock, SimulatedClock)
        first.clock.jump(first.calendar.next_open(first.now()) or first.now())
        scheduler.tick(first)
        await run_heartbeat(pilot, app)
        assert app.last_status is not None
        assert (app.last_status.halted, app.last_status.now) == (True, first.now())

    drive(app_of(thread), flow)


@pytest.mark.slow
def test_a_superseded_program_is_notified_and_follows_the_other(tmp_path: Path) -> None:
    path = tmp_path / "book.db"
    book = writer(path)
    thread = BookThread(lambda: book, lambda: bootstrap.open_view(path))

    async def flow(pilot: Any, app: RebalApp) -> None:
        other = bootstrap.open_simulation(bootstrap.open_database(path), monotonic=lambda: 0.0)
        await run_heartbeat(pilot, app)
        assert isinstance(app.screen, StoppedScreen)
        assert "has taken over this book" in screen_text(app)
        await press(pilot, "t", "escape")
        assert "READ-ONLY: taken over" in screen_text(app)
        kill_switch.set_halt(other, True)
        await run_heartbeat(pilot, app)
        assert app.last_status is not None
        assert app.last_status.halted

    drive(app_of(thread), flow)


@pytest.mark.slow
def test_a_full_disk_stops_writing_until_there_is_free_space(tmp_path: Path) -> None:
    book = writer(tmp_path / "book.db")
    thread = BookThread(lambda: book)

    async def flow(pilot: Any, app: RebalApp) -> None:
        await stop_by_full_disk(pilot, app, book)
        shown = screen_text(app)
        assert "The disk is full: writing has stopped" in shown
        said = " ".join(shown.replace("│", " ").split())
        assert "no order is sent; orders at a broker can still fill." in said
        assert "all saved data is intact" in said
        await press(pilot, "escape", "v")
        assert "READ-ONLY: disk full" in screen_text(app)
        assert any("the disk is full" in text for text in shown_messages(app))
        book.database.connection.execute("PRAGMA max_page_count = 100000")
        book.database.resume_writing()
        assert not book.database.read_only

    drive(app_of(thread), flow)


@pytest.mark.slow
def test_a_book_that_is_only_viewed_is_written_again_once_there_is_free_space(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stopped, "RETRY_SECONDS", 0.05)
    book, path = writer(tmp_path / "book.db"), tmp_path / "book.db"
    # The limit of the disk is one of the open file; opened again, it has none.
    opened = iter([book])
    thread = BookThread(
        lambda: next(opened, None) or bootstrap.open_simulation(bootstrap.open_database(path), monotonic=lambda: 0.0)
    )

    async def flow(pilot: Any, app: RebalApp) -> None:
        await stop_by_full_disk(pilot, app, book)
        assert app.backend.halted is not None
        await press(pilot, "escape")
        for _ in range(100):
            await asyncio.sleep(0.05)
            if "Writing resumed from the last saved state." in shown_messages(app):
                break
        await run_heartbeat(pilot, app)
        assert app.backend.halted is None
        assert "READ-ONLY" not in screen_text(app)

    drive(app_of(thread), flow)


@pytest.mark.slow
def test_a_removed_file_stops_writing_and_a_copy_can_be_saved(tmp_path: Path) -> None:
    book, copy = writer(tmp_path / "book.db"), tmp_path / "copy.db"
    app = app_of(BookThread(lambda: book))

    async def flow(pilot: Any, app: RebalApp) -> None:
        (tmp_path / "book.db").unlink()
        await run_heartbeat(pilot, app)
        assert isinstance(app.screen, StoppedScreen)
        assert "The book's file is gone" in screen_text(app)
        await press(pilot, "s")
        await write(pilot, str(tmp_path / "none" / "x.db"))
        await press(pilot, "enter")
        assert "Folder not found" in screen_text(app)
        await press(pilot, "s")
        await write(pilot, f"'{copy}'")
        await press(pilot, "ctrl+enter")
        assert "Saved to" in screen_text(app)
        await press(pilot, "q")

    drive(app, flow)
    assert app.return_code == 1
    with closing(bootstrap.open_database(copy)) as database:
        assert len(bootstrap.open_simulation(database).accounts) == len(book.accounts)


async def stop_by_full_disk(pilot: Any, app: RebalApp, book: Book) -> None:
    """Run evaluations until their decisions fill the remaining disk space."""
    fill_disk(book, 2)
    for _ in range(60):
        await step(app)
        await run_heartbeat(pilot, app)
        if isinstance(app.screen, StoppedScreen):
            return
    raise AssertionError("the disk was never full")


async def step(app: RebalApp) -> None:
    def on(book: Book) -> None:
        assert isinstance(book.clock, SimulatedClock)
        book.clock.jump(book.now() + timedelta(minutes=15))

    await app.backend.ask(on)


def test_every_action_that_changes_the_book_is_known_as_such() -> None:
    """Checks method names: a new action that changes the book must be added to `WRITES`."""
    words = ("cancel", "approve", "withdraw", "subscribe", "inactivate", "evaluate", "halt", "journal")
    for action in ACTIONS:
        if any(word in action.method for word in words) and action.method not in SHOWS:
            assert action.writes, action.id


@pytest.mark.slow
def test_the_keys_that_change_a_read_only_book_are_dimmed_and_say_why(tmp_path: Path) -> None:
    writer(tmp_path / "book.db")
    app = app_of(BookThread(lambda: bootstrap.open_view(tmp_path / "book.db")))

    async def flow() -> None:
        async with app.run_test(size=(120, 40)) as pilot:
            await settle(pilot)
            await press(pilot, "3")
            bar = app.screen.query_one(KeyBar)
            dimmed = {segment.text.strip() for segment in bar.render_line(0) if segment.style and segment.style.dim}
            assert {"Subscribe", "Move to…", "Deposit"} <= dimmed
            assert not {"Filter", "Sort", "Export", "Preview"} & dimmed
            await press(pilot, "n")
            assert "Subscribe: the book is open read-only" in shown_messages(app)[-1]

    asyncio.run(flow())


@pytest.mark.slow
def test_a_read_only_book_is_shown_as_such(snap_compare: Any, tmp_path: Path) -> None:
    writer(tmp_path / "book.db")
    app = app_of(BookThread(lambda: bootstrap.open_view(tmp_path / "book.db")))

    async def before(pilot: Any) -> None:
        await settle(pilot)
        await run_heartbeat(pilot, app)

    assert snap_compare(app, terminal_size=(100, 30), run_before=before)


@pytest.mark.slow
def test_a_full_disk_is_shown(snap_compare: Any, tmp_path: Path) -> None:
    book = writer(tmp_path / "book.db")
    app = app_of(BookThread(lambda: book))

    async def before(pilot: Any) -> None:
        await settle(pilot)
        await app.backend.ask(lambda one: one.database.halt(Halt.DISK_FULL, "database or disk is full"))
        await run_heartbeat(pilot, app)

    assert snap_compare(app, terminal_size=(100, 30), run_before=before)
