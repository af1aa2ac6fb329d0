"""The tabs above the Desk."""

from __future__ import annotations

from rebal_tui.services.view_models.standing import Tile
from rebal_tui.tui.screens.desk.columns import tile_tabs


def test_no_tab_promises_a_trade_where_every_automatic_run_is_reviewed() -> None:
    tiles = ((Tile.ALL, 5), (Tile.WILL_TRADE, 2))
    assert [tab.label for tab in tile_tabs(tiles, Tile.ALL)] == ["All", "Will trade"]
    assert [tab.label for tab in tile_tabs(tiles, Tile.ALL, reviewed=True)] == ["All", "Run due"]
