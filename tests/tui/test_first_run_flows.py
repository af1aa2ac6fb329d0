"""First steps of an empty book with the real services: the demo, a file with faults, a valid file."""

from __future__ import annotations

import asyncio
import json
import re
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from rebal_tui import bootstrap
from rebal_tui.broker.files.sample import sample_positions
from rebal_tui.launch import OpenFiles, first_steps
from rebal_tui.opening import open_book
from rebal_tui.services.parsing.book_file import parse_book
from rebal_tui.services.schedule.book_thread import BookThread
from rebal_tui.store import book_settings
from rebal_tui.tui.app import RebalApp
from rebal_tui.tui.book_backend import BookBackend
from rebal_tui.tui.screens.shared.confirm import ConfirmScreen
from rebal_tui.tui.sections import Section
from rebal_tui.tui.widgets.key_bar import KeyBar
from tests.cli.books import book
from tests.services.factories import new_york
from tests.tui.driving import Script, press, screen_text, settle, shown_messages


def on_empty_book(path: Path, script: Script) -> None:
    """Start the app on a book file that does not exist yet and run a script."""
    thread, files = BookThread(lambda: open_book(path)), OpenFiles(path)
    app = RebalApp(BookBackend(thread), first_run=first_steps(thread, files), heartbeat=False)

    async def main() -> None:
        async with app.run_test(size=(120, 40)) as pilot:
            await app.run_heartbeat()
            await settle(pilot)
            await script(pilot, app)

    try:
        asyncio.run(main())
    finally:
        thread.close()
        files.close()


async def enter_path(pilot: Pilot[Any], path: Path) -> None:
    await press(pilot, "down", "enter")
    await press(pilot, *[_key(char) for char in str(path)], "enter")


def _key(char: str) -> str:
    return {"/": "slash", ".": "full_stop", "-": "minus", "_": "underscore"}.get(char, char)


@pytest.mark.slow
def test_the_demonstration_opens_beside_the_advisors_book(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (demos := tmp_path / "demos").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(demos))
    own = tmp_path / "book.db"

    async def script(pilot: Pilot[Any], app: RebalApp) -> None:
        assert "This book is empty" in screen_text(app)
        await press(pilot, "enter")
        await app.run_heartbeat()
        await settle(pilot)
        assert "demonstration" in screen_text(app)
        assert re.search(r"All 5\d]", screen_text(app))
        assert any(f"{own}, is still empty" in text for text in shown_messages(app))
        await press(pilot, "f9", "y")
        assert "HALTED" in screen_text(app).upper(), "the demonstration is a book that can be changed"

    on_empty_book(own, script)
    assert not list(demos.iterdir()), "the demonstration is deleted at the end"
    with closing(bootstrap.open_database(own)) as database:
        assert bootstrap.is_empty(database)
        assert book_settings.get(database, "name") == "book"
    assert bootstrap.import_file(own, parse_book(json.dumps(book()).encode())).accounts == 1


@pytest.mark.slow
def test_a_demonstration_that_cannot_be_made_leaves_the_book_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "missing"))

    async def script(pilot: Pilot[Any], app: RebalApp) -> None:
        await press(pilot, "enter")
        assert any("No such file" in text for text in shown_messages(app))
        app._exception = None
        await app.run_heartbeat()
        assert "This book is empty" in screen_text(app)

    on_empty_book(tmp_path / "book.db", script)


@pytest.mark.slow
def test_a_file_with_faults_is_refused_with_each_of_them_and_a_good_one_opens(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    bad, good = Path("bad.json"), Path("good.json")
    wrong = book()
    wrong["accounts"][0]["cash"] = "12,000"
    wrong["portfolios"][0]["cooldown_days"] = -1
    bad.write_text(json.dumps(wrong))
    good.write_text(json.dumps(book()))

    async def script(pilot: Pilot[Any], app: RebalApp) -> None:
        await enter_path(pilot, bad)
        shown = screen_text(app)
        assert "Nothing was changed" in shown
        assert "accounts[0].cash" in shown
        assert "portfolios[0].cooldown_days" in shown
        app.screen.query_one("#first-path").focus()
        await press(pilot, "ctrl+u")
        await press(pilot, *[_key(char) for char in str(good)], "enter")
        await app.run_heartbeat()
        await settle(pilot)
        assert "Ann Example" in screen_text(app)

    on_empty_book(tmp_path / "book.db", script)


@pytest.mark.slow
def test_accounts_of_an_empty_book_imports_as_the_first_step_does(tmp_path: Path) -> None:
    (file := tmp_path / "positions.csv").write_text(sample_positions(60, new_york("2026-03-02 10:00")))

    async def script(pilot: Pilot[Any], app: RebalApp) -> None:
        await press(pilot, "3", "P", *[_key(char) for char in str(file)], "enter")
        assert isinstance(app.screen, ConfirmScreen), "it shows what the file would change"

    on_empty_book(tmp_path / "book.db", script)


@pytest.mark.slow
def test_an_empty_book_shows_where_its_accounts_come_from(tmp_path: Path) -> None:
    async def script(pilot: Pilot[Any], app: RebalApp) -> None:
        first = screen_text(app).split("\n")[0]
        assert first.strip() == "book · NEW", "what it becomes is not chosen yet, so it has no time"
        await press(pilot, "down", "down", "enter")
        await app.run_heartbeat()
        await settle(pilot)
        assert app.current_mode == Section.ACCOUNTS
        assert "No accounts yet. P imports" in screen_text(app)
        assert [key.display for key in app.screen.query_one(KeyBar).keys[:2]] == ["P", "E"]
        await press(pilot, "1")
        assert "Choose a first step" not in screen_text(app)

    on_empty_book(tmp_path / "book.db", script)
