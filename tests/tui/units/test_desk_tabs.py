"""The tabs above the Desk."""

from __future__ import annotations

from rebal_tui.services.view_models.standing import Tile
from rebal_tui.tui.screens.desk.columns import tile_tabs
from rebal_tui.tui.widgets.tabs import fitting


def test_no_tab_promises_a_trade_where_every_automatic_run_is_reviewed() -> None:
    tiles = ((Tile.ALL, 5), (Tile.WILL_TRADE, 2))
    assert [tab.label for tab in tile_tabs(tiles, tiles, Tile.ALL)] == ["All", "Will trade"]
    assert [tab.label for tab in tile_tabs(tiles, tiles, Tile.ALL, reviewed=True)] == ["All", "Run pending"]


def test_tabs_that_do_not_fit_into_one_line_are_left_out_if_they_count_nothing_then_shortened() -> None:
    tiles = ((Tile.ALL, 57), (Tile.NEEDS_YOU, 8), (Tile.WILL_TRADE, 0), (Tile.WAITS, 0), (Tile.COOLDOWN, 24))
    tabs = tile_tabs(tiles, tiles, Tile.ALL)

    def shown(width: int, current: Tile = Tile.ALL) -> list[str]:
        return [f"{tab.mark}{tab.label} {tab.figure}".strip() for tab in fitting(tabs, current, width)]

    assert [text.split()[0] for text in shown(200)] == ["All", "!Needs", "▶Will", "◷Waits", "◷Cooldown"]
    assert shown(57) == ["All 57", "!Needs you 8", "▶Will trade 0", "◷Cooldown 24"]
    assert shown(37) == ["All 57", "!Needs you 8", "◷ 24"]
    assert shown(20, Tile.COOLDOWN) == ["All 57", "! 8", "◷Cooldown 24"]


def test_of_two_tabs_with_the_same_mark_one_keeps_its_words() -> None:
    tiles = ((Tile.ALL, 57), (Tile.WAITS, 16), (Tile.IN_RANGE, 33), (Tile.COOLDOWN, 22))
    tabs = tile_tabs(tiles, tiles, Tile.ALL)

    def shown(width: int) -> list[str]:
        return [f"{tab.label} {tab.figure}".strip() for tab in fitting(tabs, Tile.ALL, width)]

    assert shown(44) == ["All 57", "Waits 16", "33", "Cooldown 22"]
    assert shown(35) == ["All 57", "16", "33", "Cooldown 22"]
    assert shown(20) == ["All 57", "16", "33", "22"], "it does not fit"


def test_no_tab_goes_while_a_filter_is_typed() -> None:
    whole = ((Tile.ALL, 5), (Tile.OUTSIDE, 2), (Tile.NEAR, 0))
    found = ((Tile.ALL, 1), (Tile.OUTSIDE, 0), (Tile.NEAR, 0))
    tabs = tile_tabs(found, whole, Tile.ALL)
    assert [(tab.key, tab.figure) for tab in tabs] == [(Tile.ALL, "1"), (Tile.OUTSIDE, "0")]
