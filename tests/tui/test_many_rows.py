"""A filter typed over many rows draws its letters first, and the keys after it wait for its rows."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from textual.events import Key
from textual.pilot import Pilot
from textual.widgets import Input

from rebal_tui.tui.app import RebalApp
from rebal_tui.tui.key_order import FOLLOW_SECONDS
from rebal_tui.tui.screens.shared import list_screen
from rebal_tui.tui.widgets.table import BookTable
from tests.tui.driving import drive, make_app, settle
from tests.tui.fakes import FakeBackend


@pytest.mark.slow
def test_letters_are_shown_before_their_rows_and_enter_acts_on_the_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    may_end, asked, found = threading.Event(), list[str](), set[str]()

    def slow(_table: BookTable[Any], text: str) -> None:
        asked.append(text)
        may_end.wait(5)
        found.add(text)

    monkeypatch.setattr(BookTable, "arrange_ahead", slow)
    monkeypatch.setattr(BookTable, "has_arranged", lambda _table, text: text in found)
    monkeypatch.setattr(list_screen, "MANY_ROWS", 1)

    async def script(pilot: Pilot[Any], app: RebalApp) -> None:
        table, line = app.screen.query_one(BookTable), app.screen.query_one("#filter", Input)
        await pilot.press("slash")
        whole = len(table.rows)
        for key in ("n", "", "o", "enter", "down"):
            if key:
                app.post_message(Key(key, key if len(key) == 1 else None))
            else:
                await pilot.pause(5 * FOLLOW_SECONDS)  # The end of the first letter is looked for.
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
    monkeypatch.setattr(BookTable, "has_arranged", lambda _table, _text: False)
    monkeypatch.setattr(list_screen, "MANY_ROWS", 1)

    async def script(pilot: Pilot[Any], app: RebalApp) -> None:
        await pilot.press("slash", "n", "enter")
        await settle(pilot)
        table = app.screen.query_one(BookTable)
        assert (table.view.text, table.has_focus) == ("n", True)
        assert "MemoryError" in app.notices[-1].text

    drive(script)


@pytest.mark.parametrize("section", ["1", "3"])
def test_new_rows_are_prepared_before_they_are_shown(monkeypatch: pytest.MonkeyPatch, section: str) -> None:
    backend = FakeBackend()

    async def script(pilot: Pilot[Any], app: RebalApp) -> None:
        prepared: list[bool] = []

        async def prepare(table: BookTable[Any], rows: Any) -> None:
            prepared.append(table.total == 0 and len(rows) > 0)

        monkeypatch.setattr(BookTable, "prepare", prepare)
        await pilot.press(section)
        await settle(pilot)
        if section == "1":
            app.screen.query_one(BookTable).set_rows(())
            backend.version += 1
            await app.run_heartbeat()
        assert prepared == [True]
        assert app.screen.query_one(BookTable).total > 0

    drive(script, make_app(backend))
