"""The tabs above the Desk."""

from __future__ import annotations

from rebal_tui.services.view_models.standing import Tile
from rebal_tui.tui.screens.desk.columns import tile_tabs
from rebal_tui.tui.widgets.tabs import TabBar, fitting


def test_no_tab_promises_a_trade_where_every_automatic_run_is_reviewed() -> None:
    tiles = ((Tile.ALL, 5), (Tile.WILL_TRADE, 2))
    assert [tab.label for tab in tile_tabs(tiles, tiles, Tile.ALL)] == ["All", "Will trade"]
    assert [tab.label for tab in tile_tabs(tiles, tiles, Tile.ALL, reviewed=True)] == ["All", "Run pending"]


def test_tabs_that_do_not_fit_into_one_line_are_left_out_if_they_count_nothing_then_shortened() -> None:
    tiles = ((Tile.ALL, 57), (Tile.NEEDS_YOU, 8), (Tile.WILL_TRADE, 0), (Tile.WAITS, 0), (Tile.OUTSIDE, 24))
    tabs = tile_tabs(tiles, tiles, Tile.ALL)

    def shown(width: int, current: Tile = Tile.ALL) -> list[str]:
        return [f"{tab.mark}{tab.label} {tab.figure}".strip() for tab in fitting(tabs, current, width)]

    assert [text.split()[0] for text in shown(200)] == ["All", "!Needs", "▶Will", "◷Waits", "■Outside"]
    assert shown(54) == ["All 57", "!Needs you 8", "▶Will trade 0", "■Outside 24"]
    assert shown(53) == ["All 57", "!Needs you 8", "■Outside 24"]
    assert shown(36) == ["All 57", "!Needs you 8", "■ 24"]
    assert shown(20, Tile.OUTSIDE) == ["All 57", "! 8", "■Outside 24"]


def test_a_label_that_was_left_out_comes_back_if_it_fits() -> None:
    tiles = ((Tile.ALL, 57), (Tile.OUTSIDE, 3), (Tile.CASH, 7))
    found = fitting(tile_tabs(tiles, tiles, Tile.ALL), Tile.ALL, 26)
    assert [tab.label for tab in found] == ["All", "", "Cash"]


def test_one_long_label_goes_rather_than_two_short_ones() -> None:
    tiles = ((Tile.ALL, 53), (Tile.IN_RANGE, 53), (Tile.OUTSIDE, 3), (Tile.NEAR, 3), (Tile.CASH, 5))
    found = fitting(tile_tabs(tiles, tiles, Tile.ALL), Tile.ALL, 49)
    assert [tab.label for tab in found] == ["All", "In range", "", "Near", "Cash"]


def test_accounts_in_their_cooldown_do_not_have_the_mark_of_those_that_wait() -> None:
    tiles = ((Tile.ALL, 6), (Tile.WAITS, 0), (Tile.COOLDOWN, 2))
    tabs = tile_tabs(tiles, tiles, Tile.ALL)
    assert [f"{tab.mark.strip()} {tab.label}" for tab in tabs] == [" All", "◷ Waits", " In cooldown"]


def test_a_line_separates_the_tabs_that_count_accounts_a_second_time() -> None:
    tiles = ((Tile.ALL, 6), (Tile.IN_RANGE, 6), (Tile.NEAR, 1), (Tile.FIRST, 1))
    bar = TabBar(tile_tabs(tiles, tiles, Tile.NEAR), Tile.NEAR, one_line=True)
    texts = ["".join(text for text, _ in segments) for _, segments in bar._tab_lines(80)[0]]
    assert [text.strip() for text in texts] == ["All 6", "● In range 6", "│", "[▲ Near 1]", "☆ First run 1"]


def test_no_tab_goes_while_a_filter_is_typed() -> None:
    whole = ((Tile.ALL, 5), (Tile.OUTSIDE, 2), (Tile.NEAR, 0))
    found = ((Tile.ALL, 1), (Tile.OUTSIDE, 0), (Tile.NEAR, 0))
    tabs = tile_tabs(found, whole, Tile.ALL)
    assert [(tab.key, tab.figure) for tab in tabs] == [(Tile.ALL, "1"), (Tile.OUTSIDE, "0")]
