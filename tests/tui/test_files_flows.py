"""A files book on screen without a mouse: positions in, approval, the trade list out, the next positions (R-70)."""

from __future__ import annotations

import asyncio
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from rebal_tui import bootstrap, files_book
from rebal_tui.market.clock import FixedClock
from rebal_tui.services.book.book import Book
from rebal_tui.services.schedule.book_thread import BookThread
from rebal_tui.tui.app import RebalApp
from rebal_tui.tui.book_backend import BookBackend
from tests.services.files_book.support import FRIDAY, MONDAY, at, empty_book, evaluated, follow, positions
from tests.tui.driving import Script, press, screen_text, settle, shown_messages

ACCOUNTS = {str(1_000 + number): {"AAA": "60", "BBB": "40", "CASH": "2000"} for number in range(3)}


def _open(path: Path, when: str) -> Book:
    return files_book.open_files(bootstrap.open_database(path), clock=FixedClock(at(when)))


def _on_screen(path: Path, when: str, script: Script) -> None:
    """Open a files book at a time and run a script."""
    thread = BookThread(lambda: _open(path, when))
    app = RebalApp(BookBackend(thread), heartbeat=False)

    async def main() -> None:
        async with app.run_test(size=(120, 40)) as pilot:
            await app.run_heartbeat()
            await settle(pilot)
            await script(pilot, app)

    try:
        asyncio.run(main())
    finally:
        thread.close()


async def _enter_path(pilot: Pilot[Any], path: Path) -> None:
    """Paste a path into the dialog, and confirm."""
    pilot.app.screen.query_one(Input).value = str(path)
    await press(pilot, "enter")


@pytest.mark.slow
def test_the_cycle_of_a_files_book_by_keys(tmp_path: Path) -> None:
    path, first, after, listed = (tmp_path / name for name in ("book.db", "first.csv", "after.csv", "list.csv"))
    with closing(empty_book(path).database):
        pass
    first.write_bytes(positions(ACCOUNTS, "2026-11-27 16:30"))
    bought = {"AAA": "35", "BBB": "129", "CCC": "5", "CASH": "50"}
    after.write_bytes(positions({**ACCOUNTS, "1000": bought}, "2026-11-30 16:30"))

    async def friday(pilot: Pilot[Any], app: RebalApp) -> None:
        assert "FILES" in screen_text(app)
        app.go("accounts")
        await settle(pilot)
        await press(pilot, "P")
        await _enter_path(pilot, tmp_path / "missing.csv")
        assert "file not found" in screen_text(app)
        await _enter_path(pilot, first)
        assert "3 new accounts" in screen_text(app)
        await press(pilot, "y")
        assert any("3 new accounts" in text for text in shown_messages(app))

    _on_screen(path, FRIDAY, friday)
    with closing(_open(path, FRIDAY).database) as database:
        book = files_book.open_files(database, clock=FixedClock(at(FRIDAY)))
        assert len(book.accounts) == 3
        follow(book, {"AAA": "35", "BBB": "65"})
        assert len(evaluated(book)) == 3

    async def saturday(pilot: Pilot[Any], app: RebalApp) -> None:
        await press(pilot, "9", "space", "space", "space", "A", "y")
        assert "Approved: 3 runs." in shown_messages(app)
        await press(pilot, "L")
        await _enter_path(pilot, listed)
        assert any("List 1 with 6 lines" in text for text in shown_messages(app)), shown_messages(app)

    _on_screen(path, "2026-11-28 11:00", saturday)
    assert listed.read_text().splitlines()[1] == "1-1,1000,sell,25,AAA,,market,day,100,2500.00"

    async def monday(pilot: Pilot[Any], app: RebalApp) -> None:
        app.go("accounts")
        await settle(pilot)
        await press(pilot, "P")
        await _enter_path(pilot, after)
        shown = " ".join(screen_text(app).replace("│", " ").split())
        assert "2 fills found, 1 account with differences" in shown, shown
        assert "to be looked at" in screen_text(app)
        await press(pilot, "y")
        assert any("2 fills found" in text for text in shown_messages(app))

    _on_screen(path, MONDAY, monday)
    with closing(_open(path, MONDAY).database) as database:
        book = files_book.open_files(database, clock=FixedClock(at(MONDAY)))
        paused = [book.accounts[one].account_number for one in book.holds]
        assert paused == ["1000"]


@pytest.mark.slow
def test_a_file_that_cannot_be_read_is_refused_in_the_dialog(tmp_path: Path) -> None:
    path, bad = tmp_path / "book.db", tmp_path / "bad.csv"
    with closing(empty_book(path).database):
        pass
    bad.write_text("Account,Symbol,Quantity\nA1,AAA,x\n")

    async def script(pilot: Pilot[Any], app: RebalApp) -> None:
        app.go("accounts")
        await settle(pilot)
        await press(pilot, "P")
        await _enter_path(pilot, bad)
        assert "line 2, Quantity: got 'x'" in screen_text(app)
        await press(pilot, "escape")
        assert "FILES" in screen_text(app)

    _on_screen(path, FRIDAY, script)
