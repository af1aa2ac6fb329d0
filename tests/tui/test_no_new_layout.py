"""Changes within a section cause no new layout, because a layout repaints the whole screen."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from rebal_tui.tui.app import RebalApp
from rebal_tui.tui.widgets import list_foot
from rebal_tui.tui.widgets.lines import LinesView
from rebal_tui.tui.widgets.list_foot import ListFoot
from rebal_tui.tui.widgets.table import BookTable
from rebal_tui.tui.widgets.tabs import TabBar
from tests.tui.driving import drive, press, settle
from tests.tui.textual_internals import record_layouts

pytestmark = pytest.mark.every_frame


@pytest.fixture
def layouts(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """A list that grows by one item with every layout."""
    return record_layouts(monkeypatch)


@pytest.mark.slow
@pytest.mark.parametrize("key", ["down", "pagedown", "end", "s", "S"])
def test_a_key_in_the_list_causes_no_new_layout(layouts: list[object], key: str) -> None:
    async def script(pilot: Pilot[Any], app: RebalApp) -> None:
        table = app.screen.query_one(BookTable)
        before = (table.cursor_key, table.view)
        layouts.clear()
        await pilot.press(key)
        await settle(pilot)
        assert (table.cursor_key, table.view) != before
        assert not layouts

    # High enough for every detail panel: a scrollbar that appears is a new layout of its panel.
    drive(script, size=(120, 60))


@pytest.mark.slow
def test_a_letter_typed_into_the_filter_causes_no_new_layout(layouts: list[object]) -> None:
    async def script(pilot: Pilot[Any], app: RebalApp) -> None:
        table, line = app.screen.query_one(BookTable), app.screen.query_one("#filter", Input)
        await pilot.press("slash", "n")
        await settle(pilot)
        layouts.clear()
        await pilot.press("o")
        await settle(pilot)
        assert (table.view.text, line.value) == ("no", "no")
        assert not layouts
        line.insert_text_at_cursor("x" * 150)
        await settle(pilot)
        assert line.scroll_x > 0

    drive(script, size=(120, 60))


def test_a_list_that_is_sorted_again_and_again_keeps_the_line_below_it(
    layouts: list[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With streaming prices, some rows are elsewhere again at the next update."""

    async def script(pilot: Pilot[Any], app: RebalApp) -> None:
        foot = app.screen.query_one(ListFoot)
        foot.moved = 3
        await pilot.pause()
        layouts.clear()
        for moved in (0, 2, 0):
            foot.moved = moved
            await pilot.pause()
        assert not layouts
        assert foot.display
        assert foot.render_line(0).text.strip() == ""
        monkeypatch.setattr(list_foot, "LINGER_SECONDS", 0.01)
        foot.moved = 1
        foot.moved = 0
        await pilot.pause(0.05)
        assert not foot.display

    drive(script)


@pytest.mark.slow
@pytest.mark.parametrize("rows", [0, 1])
def test_a_filter_that_leaves_few_rows_causes_no_layout(layouts: list[object], rows: int) -> None:
    async def script(pilot: Pilot[Any], app: RebalApp) -> None:
        table = app.screen.query_one(BookTable)
        assert table.max_scroll_y > 0
        shown = table.rows[0].account_id
        layouts.clear()
        table.set_rows(table.rows, lambda row: rows > 0 and row.account_id == shown)
        await settle(pilot)
        assert table.max_scroll_y == 0
        assert not layouts

    drive(script)


@pytest.mark.slow
def test_new_tile_figures_cause_no_layout_and_another_line_of_tiles_does(layouts: list[object]) -> None:
    async def script(pilot: Pilot[Any], app: RebalApp) -> None:
        tiles = app.screen.query_one("#tiles", TabBar)
        layouts.clear()
        tiles.tabs = tuple(replace(tab, figure="7") for tab in tiles.tabs)
        await settle(pilot)
        assert not layouts
        tiles.tabs = tuple(replace(tab, figure="7" * 30) for tab in tiles.tabs)
        await settle(pilot)
        assert not layouts, "the tabs of the Desk stay on one line"
        await press(pilot, "4")
        tiles = app.screen.query_one("#tiles", TabBar)
        assert tiles.size.height == 1
        layouts.clear()
        tiles.tabs = tuple(replace(tab, figure="7" * 30) for tab in tiles.tabs)
        await settle(pilot)
        assert layouts
        assert tiles.size.height > 1

    drive(script)


@pytest.mark.slow
def test_a_detail_of_another_length_scrolls_as_far_as_it_is_long(layouts: list[object]) -> None:
    async def script(pilot: Pilot[Any], app: RebalApp) -> None:
        detail = app.screen.query_one("#detail", LinesView)
        long = [((f"line {number}", ""),) for number in range(200)]
        detail.show(lambda width, height: long)
        await settle(pilot)
        layouts.clear()
        detail.show(lambda width, height: long[:120])
        await settle(pilot)
        assert not layouts
        detail.scroll_end(animate=False)
        await settle(pilot)
        assert detail.render_line(detail.size.height - 1).text.strip() == "line 119"

    drive(script)


def test_a_line_that_appears_below_a_list_lays_out_the_screen_once(layouts: list[object]) -> None:
    async def script(pilot: Pilot[Any], app: RebalApp) -> None:
        layouts.clear()
        app.screen.query_one(ListFoot).chip = "ruiz"
        await settle(pilot)
        assert len(layouts) == 1

    drive(script)
