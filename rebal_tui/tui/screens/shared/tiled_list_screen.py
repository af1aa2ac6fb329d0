"""Base class of list screens with tabs that filter the list and count its rows. The code calls these tabs tiles."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.widgets import Input

from rebal_tui.tui.notices import Lasts
from rebal_tui.tui.screens.shared.list_screen import ListScreen
from rebal_tui.tui.widgets.table_order import NO_MATCH, View
from rebal_tui.tui.widgets.tabs import ALL, TabBar


class TiledListScreen(ListScreen):
    """A list with filter tabs (tiles) that show row counts. The current tile filters the
    list; the first shows all rows. With a text filter, the counts are those of the rows that it finds.

    `ONE_LINE` is whether the tiles never take a second line, which would move the list.
    """

    ONE_LINE: ClassVar[bool] = False

    def __init__(self) -> None:
        super().__init__()
        self.tile: str = ALL

    def compose_body(self) -> ComposeResult:
        yield TabBar((), ALL, id="tiles", one_line=self.ONE_LINE)
        yield from self.compose_list()

    @property
    def tiles(self) -> TabBar:
        return self.query_one("#tiles", TabBar)

    def on_mount(self) -> None:
        self._counted_text = self.table.view.text
        self.watch(self.table, "view", self._count_anew, init=False)

    def _count_anew(self, view: View) -> None:
        """Count the rows of the tiles again if the text filter has changed."""
        if view.text != self._counted_text:
            self._counted_text = view.text
            self.show_tiles()

    def show_tiles(self) -> None:
        """Show the tiles with the counts of the rows that the text filter finds. Does nothing
        before the data is loaded.
        """
        raise NotImplementedError

    def show_rows(self) -> None:
        """Show the tiles and the rows of the current tile. Does nothing before the data is loaded."""
        raise NotImplementedError

    @property
    def tile_label(self) -> str:
        """The label of the current tile, as the screen shows it."""
        return next((one.label for one in self.tiles.tabs if one.key == self.tile), self.tile)

    def set_tile(self, tile: str) -> None:
        """Make the tab with the id `tile` current and show its rows."""
        self.tile = self.tiles.current = tile
        no_match = f"No row of “{self.tile_label}” matches the filter; escape clears it, then the tab."
        self.table.no_match = NO_MATCH if tile == ALL else no_match
        self.table.renew_order()
        self.show_rows()
        self.table.show_cursor()

    def expect_tile(self, tile: str) -> None:
        """Called when the next key may make this tile current, so that a list of many rows
        can filter them in advance.
        """

    def reset_filters(self) -> None:
        self.set_tile(ALL)

    @on(Input.Submitted, "#filter")
    def _look_in_all(self) -> None:
        """If the current tile has no row that the filter finds, show the tile of all rows, which may have one."""
        if self.tile == ALL or not self.filter_text or self.row_counts[0]:
            return
        text = f"No row of “{self.tile_label}” matches the filter; this is “{ALL}”."
        self.set_tile(ALL)
        self.host.say(text, lasts=Lasts.HERE)

    @on(TabBar.Chosen, "#tiles")
    def _tile_clicked(self, event: TabBar.Chosen) -> None:
        self.set_tile(event.key)

    def action_tile(self, direction: int) -> None:
        self.set_tile(self.tiles.step(direction) or ALL)
        self.expect_tile(self.tiles.step(direction) or ALL)
