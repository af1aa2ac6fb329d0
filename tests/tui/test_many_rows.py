"""A filter typed over many rows draws its letters first, and the keys after it wait for its rows."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from textual.events import Key
from textual.pilot import Pilot
from textual.widgets import Input

from rebal_tui.tui.app import RebalApp
from rebal_tui.tui.screens.shared import list_screen
from rebal_tui.tui.widgets.table import BookTable
from tests.tui.driving import drive, settle


def test_letters_are_shown_before_their_rows_and_enter_acts_on_the_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    may_end, asked = threading.Event(), list[str]()

    def slow(_table: BookTable[Any], text: str) -> None:
        asked.append(text)
        may_end.wait(5)

    monkeypatch.setattr(BookTable, "arrange_ahead", slow)
    monkeypatch.setattr(list_screen, "MANY_ROWS", 1)

    async def script(pilot: Pilot[Any], app: RebalApp) -> None:
        table, line = app.screen.query_one(BookTable), app.screen.query_one("#filter", Input)
        await pilot.press("slash")
        whole = len(table.rows)
        for key in ("n", "o", "enter", "down"):
            app.post_message(Key(key, key if len(key) == 1 else None))
        await pilot.pause(0.05)
        assert (line.value, line.display, len(asked)) == ("no", True, 1), "one text is searched at a time"
        assert (table.view.text, len(table.rows)) == ("", whole)
        may_end.set()
        await settle(pilot)
        assert (table.view.text, line.display, table.has_focus) == ("no", False, True)
        assert asked[-1] == "no"
        assert 1 < len(table.rows) < whole
        assert table.cursor_key == table.rows[1].account_id, "the arrow moved among the filtered rows"

    drive(script)


def test_a_filter_that_fails_is_applied_all_the_same_and_keys_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(_table: BookTable[Any], _text: str) -> None:
        raise MemoryError

    monkeypatch.setattr(BookTable, "arrange_ahead", fails)
    monkeypatch.setattr(list_screen, "MANY_ROWS", 1)

    async def script(pilot: Pilot[Any], app: RebalApp) -> None:
        await pilot.press("slash", "n", "enter")
        await settle(pilot)
        table = app.screen.query_one(BookTable)
        assert (table.view.text, table.has_focus) == ("n", True)
        assert "MemoryError" in app.notices[-1].text

    drive(script)
