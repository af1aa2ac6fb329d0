"""Log section: key-driven flows with the real services."""

from __future__ import annotations

import json
from typing import Any

import pytest
from textual.widgets import Input, Static

from rebal_tui.domain.accounts import Restriction
from rebal_tui.services.book.book import Book
from rebal_tui.services.schedule import scheduler
from rebal_tui.store import audit
from rebal_tui.tui.screens.log.screen import LogScreen
from rebal_tui.tui.screens.shared.dialog import ReadScreen
from tests.tui.driving import press, screen_text, shown_messages
from tests.tui.simulated import SIZES, market_book, run, shows

pytestmark = pytest.mark.slow


def alerted(book: Book, *names: str) -> None:
    """Restrict accounts so that each raises an alert."""
    assert book.sandbox is not None
    for name in names:
        book.sandbox.set_restrictions(name, frozenset({Restriction("ach_return")}), book.now())
    scheduler.tick(book)


def tamper(book: Book) -> None:
    """Change the first audit entry; this requires direct access to the file."""
    connection = book.database.connection
    for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'audit'"):
        connection.execute(f"DROP TRIGGER {name}")
    connection.execute("UPDATE audit SET subject = '2026-03-02T14:45:00+00:00' WHERE seq = 1")


def test_jobs_pause_resume_and_run_after_confirmation() -> None:
    book = market_book()

    async def flow(pilot: Any, app: Any) -> None:
        assert "Evaluation" in screen_text(app)
        assert "v Run job" in screen_text(app)
        assert "· off      Back up the book  book in memory" in screen_text(app)
        assert "Extends the trading calendar" in screen_text(app), "what the job under the cursor does"
        await press(pilot, "p", "n")
        assert not scheduler.paused(book)
        await press(pilot, "p", "y")
        assert scheduler.paused(book)
        assert "◌ paused" in screen_text(app)
        await press(pilot, "r")
        assert not scheduler.paused(book)
        app.screen.show_job("evaluation")
        await press(pilot, "v", "y")
        assert any("5 accounts, 0 runs" in text for text in shown_messages(app))
        await press(pilot, "enter")
        assert "Last result" in screen_text(app)

    run(flow, book, "8")


def test_older_audit_entries_are_loaded_when_the_cursor_comes_to_the_last(monkeypatch: pytest.MonkeyPatch) -> None:
    book = market_book()
    alerted(book, "a", "b", "c", "d")
    monkeypatch.setattr(LogScreen, "ROWS_AT_ONCE", 2)
    total = audit.head(book.database)[0]

    async def flow(pilot: Any, app: Any) -> None:
        await press(pilot, "end", "t")
        assert app.screen.table.total == 2, "the last job loads nothing"
        assert f"[Audit trail 2 of {total}]" in screen_text(app)
        await press(pilot, "end")
        assert app.screen.table.total == 4
        assert shown_messages(app)[-1] == "4 rows loaded; the last row loads more."

    run(flow, book, "8")


def test_the_audit_trail_is_searched_as_it_is_typed_and_opened_as_json() -> None:
    book = market_book()
    alerted(book, "a")

    async def flow(pilot: Any, app: Any) -> None:
        await press(pilot, "T", "slash", *"restrict")
        rows = app.screen.table.rows
        assert rows
        assert all("restrict" in f"{row.action} {row.subject} {row.detail}" for row in rows)
        await press(pilot, "enter")
        chip = f"⌕ restrict {len(rows)}/{audit.head(book.database)[0]} ✕"
        assert chip in screen_text(app)
        await press(pilot, "t")
        assert chip not in screen_text(app)
        await press(pilot, "t")
        assert chip in screen_text(app)
        await press(pilot, "enter")
        assert isinstance(app.screen_stack[-1], ReadScreen)
        assert '"action"' in screen_text(app)
        assert "Run job" not in screen_text(app), "an entry is no job"
        await press(pilot, "escape", "escape")
        assert "Run job" not in screen_text(app)
        assert len(app.screen.table.rows) > len(rows)
        await press(pilot, "slash", *"zzz")
        assert "No entries contain “zzz”." in screen_text(app)
        await press(pilot, "escape")
        assert app.screen.query_one("#filter", Input).value == ""

    run(flow, book, "8")


def test_an_intact_trail_is_verified_and_a_changed_entry_is_named() -> None:
    book = market_book()

    async def flow(pilot: Any, app: Any) -> None:
        await press(pilot, "T", "V")
        line = app.screen.query_one("#verified", Static)
        assert "● intact" in screen_text(app)
        assert "1 entry verified" in str(line.content)
        tamper(book)
        await press(pilot, "V")
        assert "■ TAMPERED WITH: " in screen_text(app)
        assert "entry 1" in str(line.content)
        assert any("tampered with" in text for text in shown_messages(app))

    run(flow, book, "8")


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.samples(1)
def test_the_jobs_look_right(snap_compare: Any, size: str) -> None:
    shows(snap_compare, market_book(), ("8", "j"), SIZES[size])


@pytest.mark.parametrize("size", ["80x24", "120x40"])
@pytest.mark.samples(1)
def test_the_audit_trail_looks_right(snap_compare: Any, size: str) -> None:
    book = market_book()
    alerted(book, "a", "b", "c")
    shows(snap_compare, book, ("8", "T", "V", "slash", *"restr", "enter"), SIZES[size])


def test_a_broken_trail_looks_right(snap_compare: Any) -> None:
    book = market_book()
    tamper(book)
    shows(snap_compare, book, ("8", "T", "V"), SIZES["80x24"])


def test_an_entry_looks_right(snap_compare: Any) -> None:
    shows(snap_compare, market_book(), ("8", "T", "enter"), SIZES["80x24"])


def test_the_page_of_an_entry_shows_the_key_that_copies_it() -> None:
    async def flow(pilot: Any, app: Any) -> None:
        await press(pilot, "T", "enter")
        assert " y Copy " in screen_text(app).splitlines()[-1]
        await press(pilot, "y")
        assert json.loads(app.clipboard)["seq"]
        await press(pilot, "escape", "N", "question_mark")
        assert "Copy" not in screen_text(app), "a page of notices has no text to copy"

    run(flow, market_book(), "8")


def test_the_screen_is_a_list() -> None:
    async def flow(pilot: Any, app: Any) -> None:
        assert isinstance(app.screen, LogScreen)
        await press(pilot, "y")
        assert "Copied the job's name sessions." in shown_messages(app)

    run(flow, market_book(), "8")
