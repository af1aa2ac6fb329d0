"""A frame with the changed cells makes the same screen as one drawn in full."""

from __future__ import annotations

from typing import Any

import pytest
from textual.pilot import Pilot

from rebal_tui.tui.app import RebalApp
from rebal_tui.tui.widgets.table import BookTable
from tests.tui.driving import drive, settle
from tests.tui.textual_internals import drawn, record_pieces

pytestmark = pytest.mark.every_frame


@pytest.mark.slow
def test_the_changes_of_each_key_make_the_whole_screen(monkeypatch: pytest.MonkeyPatch) -> None:
    pieces = record_pieces(monkeypatch)

    async def script(pilot: Pilot[Any], app: RebalApp) -> None:
        shown = drawn(app.screen)
        for key in ("down", "pagedown", "end", "s", "S", "slash", "a", "escape", "t", "question_mark", "escape"):
            pieces.clear()
            before = app.screen
            await pilot.press(key)
            await settle(pilot)
            if app.screen is not before:
                shown = drawn(app.screen)
            for x, y, strip in pieces:
                line = shown[y]
                shown[y] = type(line).join([line.crop(0, x), strip, line.crop(x + strip.cell_length)])
            assert [line.text for line in shown] == [line.text for line in drawn(app.screen)], key
        table = app.screen.query_one(BookTable)
        assert table.has_focus

    drive(script, size=(120, 40))
