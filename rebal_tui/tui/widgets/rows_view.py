"""View of rows in columns that draws only the visible rows, so that drawing time does not
depend on the number of rows.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Mapping, Sequence
from typing import Any, Generic, TypeVar

from textual.geometry import Region, Size
from textual.reactive import reactive
from textual.strip import Strip

from rebal_tui.tui.segments import Line, paragraph
from rebal_tui.tui.widgets.row_strips import CURSOR, CURSOR_BLURRED, MARKED, MOVED, RowStrips
from rebal_tui.tui.widgets.stable_order import StableOrder
from rebal_tui.tui.widgets.styles import StyledView
from rebal_tui.tui.widgets.table_layout import Column, PlacedColumn, available, lay_out_columns
from rebal_tui.tui.widgets.table_order import Listed, Shown, View

R = TypeVar("R")

FIRST_HINT_LINE = 2
"""Number of empty lines between the header and the text that a view without rows shows."""


class RowsView(StyledView, Generic[R]):
    """Draws a header and rows, with a cursor on one of them; subclasses choose and order the rows."""

    FILTERED = True

    view: reactive[View] = reactive(View(), init=False)
    marked: reactive[frozenset[Hashable]] = reactive(frozenset(), init=False)

    def __init__(self, columns: Sequence[Column[R]], key: Callable[[R], Hashable], *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.columns = tuple(columns)
        self._key = key
        self._rows: Shown[R] = Listed([], key)
        self._cursor = 0
        self._order = StableOrder()
        self._hidden: frozenset[str] = frozenset()
        self._chosen: frozenset[str] | None = None
        self._widest: dict[str, int] = {}
        self._placed_columns: tuple[PlacedColumn[R], ...] = ()
        self._strips: RowStrips[R] = RowStrips(self)
        self._laid_out: tuple[Any, ...] = ()

    @property
    def rows(self) -> Shown[R]:
        """The rows after filtering and sorting."""
        return self._rows

    @property
    def cursor(self) -> int:
        """The index of the row under the cursor among `rows`."""
        return self._cursor

    @property
    def hint(self) -> str:
        """The text shown when there are no rows."""
        return ""

    @property
    def widest(self) -> Mapping[str, int]:
        """The width of each column's longest text in cells, by column key, as last measured or given."""
        return self._widest

    def fit_columns(self, hidden: Collection[str], widest: Mapping[str, int]) -> None:
        """Hide the columns whose keys are in `hidden`, and no others.

        `widest` has the width of each column's longest text in cells, by column key (see `lay_out_columns`).
        """
        if (self._hidden, self._widest) != (frozenset(hidden), dict(widest)):
            self._hidden, self._widest = frozenset(hidden), dict(widest)
            self._layout()

    def choose_columns(self, keys: Collection[str] | None) -> None:
        """Show the columns with these keys, and all columns without a title, as far as they fit.

        Unknown keys are ignored. If `keys` is None or has no known key, the default is restored: all columns but those
        that `fit_columns` hides.
        """
        known = frozenset(keys or ()) & {column.key for column in self.columns if column.title}
        self._chosen = known or None
        self._layout()

    @property
    def available_columns(self) -> tuple[Column[R], ...]:
        """The columns to show if the view is wide enough."""
        return available(self.columns, self._chosen, self._hidden)

    @property
    def placed_columns(self) -> tuple[Column[R], ...]:
        """The columns that are shown because they fit, with their positions."""
        return tuple(placed.column for placed in self._placed_columns)

    def clear_line_cache(self) -> None:
        """Discard all rendered rows."""
        self._strips.clear()

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._strips.clear()

    def on_resize(self) -> None:
        self._layout()

    def on_focus(self) -> None:
        self._refresh_row(self._cursor)

    on_blur = on_focus

    def _layout(self) -> None:
        width, columns, names_first = self.scrollable_content_region.width, self.available_columns, self._chosen is None
        given = columns, width, self._widest, names_first
        if given != self._laid_out:
            self._laid_out = given
            self._placed_columns = lay_out_columns(columns, width, self._widest, names_first=names_first)
        self.extend(Size(max(self._strips.place(self._placed_columns), width), len(self._rows) + 1))
        self.refresh()

    def show_cursor(self) -> None:
        """Scroll to the row under the cursor if it is not in view."""
        first = self.in_view(self._rows, self._cursor).start
        if first != round(self.scroll_y):
            self.scroll_to(y=first, animate=False, immediate=True)

    @property
    def cursor_line(self) -> int | None:
        """How many lines below the header the cursor is; None if it is out of view."""
        line = self._cursor - round(self.scroll_y)
        return line if 0 <= line < self.scrollable_content_region.height - 1 else None

    def hold_cursor(self, line: int | None) -> None:
        """After rows were added above the cursor, scroll so that it is `line` lines below the header again; None does
        not scroll.

        The first rows of the list stay in view if the cursor is in view with them, so that new ones are seen.
        """
        top = round(self.scroll_y)
        if line is not None and (top or self.cursor_line is None):
            self.scroll_to(y=max(self._cursor - line, 0), animate=False, immediate=True)

    def in_view(self, rows: Shown[R], cursor: int) -> range:
        """Return the indices of the rows that are in view after scrolling to a cursor at index `cursor`."""
        height = max(self.scrollable_content_region.height - 1, 1)
        first = max(min(round(self.scroll_y), len(rows) - height, cursor), cursor - height + 1, 0)
        return range(first, min(first + height, len(rows)))

    def _refresh_row(self, index: int) -> None:
        y = index - round(self.scroll_y) + 1
        if 1 <= y < self.size.height:
            self.refresh(Region(0, y, self.scrollable_content_region.width, 1))

    def render_line(self, y: int) -> Strip:
        return self.lines(range(y, y + 1))[0]

    def lines(self, ys: range) -> list[Strip]:
        view, lines, top = self.view, list[Strip](), round(self.scroll_y) - 1
        if ys.start == 0:
            lines.append(self._strips.header(view.sort, view.reverse, self.line_width, round(self.scroll_x)))
        first = max(ys.start, 1) + top
        lines += self.draw(first, self._rows.several(first, ys.stop + top), self._cursor)
        lines.extend(self._below(y, self.line_width) for y in ys[len(lines) :])
        return lines

    def draw(self, first: int, rows: Sequence[R], cursor: int, *, moved: bool = True) -> list[Strip]:
        """Return `rows` as rendered lines; the first of them has the index `first`, and the cursor is at index
        `cursor`.

        With `moved`, rows that are out of the sort order are marked.
        """
        # What is the same for all lines is read once: Textual's attributes cost more than a row.
        width, offset, lines = self.line_width, round(self.scroll_x), list[Strip]()
        cursor_look, marked = CURSOR if self.has_focus else CURSOR_BLURRED, self.marked
        key_of, has_moved, strip = self._key, self._order.has_moved, self._strips.strip
        for index, row in enumerate(rows, first):
            key = key_of(row)
            look = cursor_look * (index == cursor) + MOVED * (moved and has_moved(index)) + MARKED * (key in marked)
            lines.append(strip(key, row, look, width, offset))
        return lines

    def _below(self, y: int, width: int) -> Strip:
        """A line below the rows: blank; in a view without rows, a line of the text on why there are none."""
        hint: list[Line] = []
        if not self._rows:
            hint = [()] * FIRST_HINT_LINE + paragraph(self.hint, self.size.width - 1, "muted", indent=1)
        return self.strip(hint[y] if y < len(hint) else (), width, self.base)
