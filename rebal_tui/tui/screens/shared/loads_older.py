"""Lists that load their newest rows first, and older ones when the cursor reaches the last row."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any, ClassVar

from textual import on

from rebal_tui.domain.text import count_text
from rebal_tui.tui.notices import Lasts
from rebal_tui.tui.screens.shared.list_screen import ListScreen
from rebal_tui.tui.widgets.table import BookTable


class OlderRows:
    """How much of a list is loaded, and whether there are older rows.

    `limit` is how much to read, a multiple of `step`: a number of rows, or another measure that the caller chooses.
    """

    def __init__(self, say: Callable[[str], None], step: int, most: int, narrower: str) -> None:
        """`most` is the largest limit: all loaded rows are read again whenever the book changes. `say` shows a message;
        `narrower` is the part of the message on how to find older rows when `most` is reached.
        """
        self._say, self._step, self.most, self._narrower = say, step, most, narrower
        self.restart()

    def restart(self) -> None:
        """Begin again with the newest rows, because the list is to show other rows than before."""
        self.limit = self._step
        self._loaded = self._count = 0
        self._more = False

    def note(self, limit: int, count: int, noun: str, *, more: bool) -> None:
        """Record that `count` rows were read with this limit, and whether there are `more` rows that were not read."""
        added = 0 < self._loaded < limit
        self._loaded, self._count, self._more = limit, count, more
        if added:
            rest = "the last row loads more" if more else "these are all"
            self._say(f"{count_text(count, noun)} loaded; {rest}.")

    def wanted(self, table: BookTable[Any], noun: str) -> bool:
        """Raise the limit if the cursor is on the last row and there are older rows; returns whether to read the rows
        again.
        """
        if not self._more or self._loaded < self.limit or table.rows[-1:] != [table.cursor_row]:
            return False
        if self.limit >= self.most:
            self._say(f"{count_text(self._count, noun)} are loaded; {self._narrower}.")
            return False
        self.limit = min(self.limit + self._step, self.most)
        return True


class LoadsOlder(ListScreen):
    """A list of the newest rows that loads older rows when the cursor reaches the last row.

    A subclass reads at most `older.limit` rows, and then calls `older.note`. Before it shows other rows, such as after
    a change of the filter, it calls `read_anew`.
    """

    ROWS_AT_ONCE: ClassVar[int] = 500
    MAX_ROWS: ClassVar[int] = 5_000
    NARROWER: ClassVar[str] = "/ filters all of them"
    """Text for a message: how to find older rows when `MAX_ROWS` are loaded."""

    def __init__(self) -> None:
        super().__init__()
        self.older = OlderRows(
            lambda text: self.host.say(text, lasts=Lasts.HERE), self.ROWS_AT_ONCE, self.MAX_ROWS, self.NARROWER
        )

    @property
    def limited_table(self) -> BookTable[Any]:
        """The table whose number of rows is limited."""
        return self.table

    def read_anew(self) -> None:
        """Read the newest rows again, because the list is to show other rows than before."""
        self.older.restart()
        self.host.pull_soon()

    def show_cursor_or_first(self, before: Hashable | None) -> None:
        """After the rows of another search were set, scroll to the cursor; if its row, with the key `before`, is not
        among them, go to the first row.
        """
        if self.limited_table.cursor_key == before:
            self.limited_table.show_cursor()
        else:
            self.limited_table.action_edge(last=False)

    @on(BookTable.Highlighted)
    def _load_older(self, event: BookTable.Highlighted) -> None:
        if event.table is self.limited_table and self.older.wanted(event.table, self.NOUN):
            self.host.pull_soon()
