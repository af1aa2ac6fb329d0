"""Lists that load their newest rows first, and older ones when the cursor reaches the last row."""

from __future__ import annotations

from typing import Any, ClassVar

from textual import on

from rebal_tui.domain.text import count_text
from rebal_tui.tui.screens.shared.list_screen import ListScreen
from rebal_tui.tui.widgets.table import BookTable


class LoadsOlder(ListScreen):
    """A list of the newest rows that loads older rows when the cursor reaches the last row.

    A subclass reads at most `limit` rows, and then calls `note_loaded`. Before it shows other rows, such as after a
    change of the filter, it calls `read_anew`.
    """

    ROWS_AT_ONCE: ClassVar[int] = 500
    MAX_ROWS: ClassVar[int] = 5_000
    """Most rows that are loaded: all loaded rows are read again whenever the book changes."""
    NARROWER: ClassVar[str] = "/ filters all of them"
    """Text for a message: how to find older rows when `MAX_ROWS` are loaded."""

    def __init__(self) -> None:
        super().__init__()
        self.limit = self.ROWS_AT_ONCE
        self._loaded = 0
        self._more = False

    @property
    def limited_table(self) -> BookTable[Any]:
        """The table whose number of rows is limited."""
        return self.table

    def read_anew(self) -> None:
        """Read the newest rows again, because the list is to show other rows than before."""
        self.limit = self.ROWS_AT_ONCE
        self._loaded, self._more = 0, False
        self.host.pull_soon()

    def note_loaded(self, limit: int, count: int, *, more: bool) -> None:
        """Record that `count` rows were read with this limit, and whether there are `more` rows that were not read."""
        added, self._loaded, self._more = 0 < self._loaded < limit, limit, more
        if added:
            rest = "the last row loads more" if more else "these are all"
            self.host.say(f"{count_text(count, self.NOUN)} loaded; {rest}.")

    @on(BookTable.Highlighted)
    def _load_older(self, event: BookTable.Highlighted) -> None:
        rows = event.table.rows
        if not self._more or event.table is not self.limited_table or rows[-1:] != [event.table.cursor_row]:
            return
        if self._loaded < self.limit:
            return
        if self.limit >= self.MAX_ROWS:
            self.host.say(f"{count_text(self.MAX_ROWS, self.NOUN)} are loaded; {self.NARROWER}.")
            return
        self.limit = min(self.limit + self.ROWS_AT_ONCE, self.MAX_ROWS)
        self.host.pull_soon()
