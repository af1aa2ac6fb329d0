"""Lists that load their newest rows first, and older ones when the cursor comes to the last row."""

from __future__ import annotations

from typing import Any, ClassVar

from textual import on

from rebal_tui.domain.text import count_text
from rebal_tui.tui.screens.shared.list_screen import ListScreen
from rebal_tui.tui.widgets.table import BookTable


class LoadsOlder(ListScreen):
    """A list of the newest rows, whose older rows are loaded when the cursor comes to the last one.

    A section reads at most `limit` rows and then calls `note_loaded`; when it shows other rows, it calls `read_anew`.
    """

    ROWS_AT_ONCE: ClassVar[int] = 500
    MAX_ROWS: ClassVar[int] = 5_000
    """All rows that are loaded are read again when the book changes."""
    NARROWER: ClassVar[str] = "/ filters all of them"
    """How older rows are found when `MAX_ROWS` are loaded."""

    def __init__(self) -> None:
        super().__init__()
        self.limit = self.ROWS_AT_ONCE
        self._loaded = 0
        self._more = False

    @property
    def limited_table(self) -> BookTable[Any]:
        """The table whose rows are limited."""
        return self.table

    def read_anew(self) -> None:
        """Read the newest rows, because others are to be shown than before."""
        self.limit = self.ROWS_AT_ONCE
        self._loaded, self._more = 0, False
        self.host.pull_soon()

    def note_loaded(self, limit: int, count: int, *, more: bool) -> None:
        """Take note that `count` rows were read with a limit, and whether there are `more`."""
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
