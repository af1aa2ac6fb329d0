"""Snapshots of the Desk with a row of each status under the cursor, at every size."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from rebal_tui.tui.screens.shared import export
from tests.tui.driving import make_app, press, settle

pytestmark = pytest.mark.slow

SIZES = {"80x24": (80, 24), "120x40": (120, 40), "200x60": (200, 60)}
STATUSES = ("needs_you", "will_trade", "waits", "in_range")


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.samples(4)
def test_a_row_of_each_status(snap_compare: Any, status: str, size: str) -> None:
    async def before(pilot: Pilot[Any]) -> None:
        await settle(pilot)
        await press(pilot, *["t"] * (STATUSES.index(status) + 1))

    assert snap_compare(make_app(), terminal_size=SIZES[size], run_before=before)


def test_a_filter_with_an_error(snap_compare: Any) -> None:
    async def before(pilot: Pilot[Any]) -> None:
        await settle(pilot)
        await press(pilot, "slash", *"ruiz drift>x", "enter")

    assert snap_compare(make_app(), terminal_size=SIZES["120x40"], run_before=before)


DIALOGS = {
    "columns": ("C", "down", "space"),
    "sort": ("s", "s", "O"),
    "filters": ("slash", *"ruiz", "enter", "F"),
    "notices": ("s", "y", "N"),
    "export": ("x",),
    "page": ("4", "enter", "right_square_bracket"),
}


@pytest.mark.parametrize("size", ["80x24", "120x40"])
@pytest.mark.parametrize("dialog", DIALOGS)
@pytest.mark.samples(2)
def test_dialogs_of_lists(snap_compare: Any, monkeypatch: pytest.MonkeyPatch, dialog: str, size: str) -> None:
    monkeypatch.setattr(export, "start_folder", lambda: Path("/home/advisor/exports"))

    async def before(pilot: Pilot[Any]) -> None:
        await settle(pilot)
        await press(pilot, *DIALOGS[dialog])

    assert snap_compare(make_app(), terminal_size=SIZES[size], run_before=before)
