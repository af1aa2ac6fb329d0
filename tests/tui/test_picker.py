"""The dialog to choose one of several items."""

from __future__ import annotations

from typing import Any

import pytest
from textual.pilot import Pilot

from rebal_tui.tui.app import RebalApp
from rebal_tui.tui.screens.shared.picker import Choice, PickScreen
from tests.tui.driving import drive, make_app, screen_text, settle

NOTE = "60 accounts · drift ±5 pp · quarterly on the 15th · cooldown 30 days"


@pytest.mark.slow
@pytest.mark.parametrize("width", [120, 200])
def test_a_note_is_whole_where_there_is_room_for_it(width: int) -> None:
    async def script(pilot: Pilot[Any], app: RebalApp) -> None:
        app.push_screen(PickScreen("Which?", (Choice("a", "Conservative income", NOTE),), "portfolio"))
        await settle(pilot)
        assert NOTE in screen_text(app)

    drive(script, make_app(), (width, 40))
