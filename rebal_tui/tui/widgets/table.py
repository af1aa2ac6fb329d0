"""Table that renders only visible rows: the cost of drawing does not depend on the number of rows."""

from __future__ import annotations

from asyncio import get_running_loop
from collections.abc import Callable, Collection, Hashable, Mapping, Sequence
from typing import Any, ClassVar, Generic, TypeAlias, TypeVar

from textual.binding import BindingType
from textual.events import Click
from textual.geometry import Region, Size
from textual.reactive import reactive
from textual.strip import Strip
from textual.timer import Timer

from rebal_tui.services.view_models.shown_rows import ShownRows
from rebal_tui.tui.segments import Line, paragraph
from rebal_tui.tui.widgets import table_messages
from rebal_tui.tui.widgets.row_strips import CURSOR, CURSOR_BLURRED, MARKED, MOVED, RowStrips
from rebal_tui.tui.widgets.stable_order import StableOrder
from rebal_tui.tui.widgets.styles import StyledView
from rebal_tui.tui.widgets.table_layout import (
    Column,
    PlacedColumn,
    available,
    column_at,
    lay_out_columns,
    widest_texts,
)
from rebal_tui.tui.widgets.table_look import KEYS, STYLE
from rebal_tui.tui.widgets.table_order import (
    NO_MATCH,
    Arranged,
    Columnar,
    Listed,
    Shown,
    View,
    arrange,
    in_source_order,
    next_sort,
)

R = TypeVar("R")

FIRST_HINT_LINE = 2
"""Line, from the header at 0, of the text that an empty table shows."""


class BookTable(StyledView, Generic[R], can_focus=True):
    """Table of an immutable sequence of rows, with sorting and filtering. The cursor follows the key of its row."""

    FILTERED = True
    BINDINGS: ClassVar[list[BindingType]] = [*KEYS]
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "table--header",
        "table--cursor",
        "table--cursor-blurred",
        "table--marked",
    }
    DEFAULT_CSS = STYLE

    view: reactive[View] = reactive(View(), init=False)
    marked: reactive[frozenset[Hashable]] = reactive(frozenset(), init=False)
    moved: reactive[int] = reactive(0, init=False)
    """How many rows are elsewhere in the current order."""
    counts: reactive[tuple[int, int]] = reactive((0, 0), init=False, repaint=False)
    """Rows shown, and all rows."""

    Highlighted: TypeAlias = table_messages.Highlighted
    Opened: TypeAlias = table_messages.Opened
    Moved: TypeAlias = table_messages.Moved
    Counted: TypeAlias = table_messages.Counted

    def __init__(
        self,
        columns: Sequence[Column[R]],
        key: Callable[[R], Hashable],
        *,
        search: Callable[[R], str] | None = None,
        natural: Callable[[R], Any] | None = None,
        empty: str = "Nothing here.",
        id: str | None = None,
    ) -> None:
        """`search` returns the text of a row for filters; `natural` is the sort key when no column is chosen."""
        super().__init__(id=id)
        self.columns = tuple(columns)
        self.empty, self.no_match = empty, NO_MATCH
        self._key = key
        self._search = search
        self._natural = natural
        self._source: Sequence[R] = ()
        self._accept: Callable[[R], bool] | None = None
        self._rows: Shown[R] = Listed([], key)
        self._cursor = 0
        self._cursor_key: Hashable | None = None
        self._wanted: Hashable | None = None
        self._order = StableOrder()
        self._sort_timer: Timer | None = None
        self._hidden: frozenset[str] = frozenset()
        self._chosen: frozenset[str] | None = None
        self._widest: dict[str, int] = {}
        self._placed_columns: tuple[PlacedColumn[R], ...] = ()
        self._strips: RowStrips[R] = RowStrips(self)
        self._laid_out: tuple[Any, ...] = ()

    @property
    def rows(self) -> Sequence[R]:
        """The rows after filtering and sorting."""
        return self._rows

    @property
    def keys_shown(self) -> frozenset[Hashable]:
        """The keys of the rows after filtering."""
        return frozenset(self._rows.keys())

    def marked_in_order(self) -> list[Hashable]:
        """Return the keys of the marked rows, including filtered-out ones, in the original order of the rows."""
        return in_source_order(self._source, self._key, self.marked)

    @property
    def total(self) -> int:
        """The number of rows before filtering."""
        return len(self._source)

    @property
    def cursor_row(self) -> R | None:
        """The row under the cursor; None when no row is shown."""
        return self._rows[self._cursor] if self._rows else None

    @property
    def cursor_key(self) -> Hashable | None:
        """The key of the row under the cursor; None when no row is shown."""
        return self._cursor_key

    def set_rows(self, rows: Sequence[R], accept: Callable[[R], bool] | None = None) -> None:
        """Replace the rows and filter them by `accept`. Cursor, sort order, text filter and marks are kept, and rows
        keep their order for `HOLD_SECONDS` after a key.

        `Columnar` rows sort and filter themselves, by the keys of the columns of this table.
        """
        self._source = rows
        self._accept = accept
        if not isinstance(rows, Columnar):
            self._widest = widest_texts(self.columns, rows)
        self._arrange(keep=True)
        if self._wanted is not None:
            self.go_to(self._wanted)

    @property
    def shown(self) -> ShownRows | None:
        """How `Columnar` rows are shown; None for other rows, which need no preparation."""
        if not isinstance(self._source, Columnar):
            return None
        first, height, view = round(self.scroll_y), self.size.height, self.view
        stop, last = first + height, min(first + 2 * height, len(self._rows))
        keys = tuple(map(self._rows.key_at, range(max(first - height, 0), last)))
        return ShownRows(self._accept, view.text, view.sort, view.reverse, first, stop, keys)

    def arrange_ahead(self, text: str) -> None:
        """Arrange `Columnar` rows by another filter before it is set; may run on any thread."""
        if isinstance(self._source, Columnar):
            self._source.arrange(self._accept, text, self.view.sort, self.view.reverse)

    def renew_order(self) -> None:
        """Show the next rows in their current sort order at once, because they are different rows."""
        self._order.forget()

    def fit_columns(self, hidden: Collection[str], widest: Mapping[str, int]) -> None:
        """Hide exactly the columns whose keys are in `hidden`; `widest` is passed to `lay_out_columns`."""
        if (self._hidden, self._widest) != (frozenset(hidden), dict(widest)):
            self._hidden, self._widest = frozenset(hidden), dict(widest)
            self._layout()

    def choose_columns(self, keys: Collection[str] | None) -> None:
        """Show the columns with these keys, and those without a title, as far as they fit. Unknown keys are
        ignored; None, or no known key, restores the default: all columns but those that `fit_columns` hides."""
        known = frozenset(keys or ()) & {column.key for column in self.columns if column.title}
        self._chosen = known or None
        self._layout()

    @property
    def available_columns(self) -> tuple[Column[R], ...]:
        """The columns to show, whether or not the width is sufficient."""
        return available(self.columns, self._chosen, self._hidden)

    @property
    def placed_columns(self) -> tuple[Column[R], ...]:
        """The columns that are shown."""
        return tuple(placed.column for placed in self._placed_columns)

    def set_empty(self, text: str) -> None:
        """Set the text shown when there is no row."""
        self.empty = text
        self.refresh()

    def move_to(self, key: Hashable) -> bool:
        """Move the cursor to a row; returns False when the row is not shown."""
        index = self._index(key)
        if index is None:
            return False
        self._go(index)
        return True

    def go_to(self, key: Hashable) -> None:
        """Move the cursor to a row now, or as soon as rows that contain it are set."""
        self._wanted = None if self.move_to(key) else key

    def cycle_sort(self) -> str | None:
        """Sort by the next sortable column on the screen; after the last one, by the natural order.

        Returns the name of the order if no column header shows it, else None.
        """
        self.view = next_sort(self.view, self.placed_columns)
        return None if self.view.sort else "the default order"

    def reverse_sort(self) -> None:
        """Reverse the sort order."""
        self.view = View(self.view.sort, not self.view.reverse, self.view.text)

    def clear_line_cache(self) -> None:
        """Discard all rendered rows."""
        self._strips.clear()

    def watch_view(self, old: View, new: View) -> None:
        """Arrange the rows again: after a new sort order from the first row, else with the cursor in view."""
        self._arrange()
        if (old.sort, old.reverse) != (new.sort, new.reverse):
            self._go(0)
        else:
            self.show_cursor()

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._strips.clear()

    def on_resize(self) -> None:
        self._layout()

    def on_focus(self) -> None:
        self._refresh_row(self._cursor)

    on_blur = on_focus

    def _arrange(self, *, keep: bool = False) -> None:
        """Filter and sort the rows. With `keep`, rows stay in their order for `HOLD_SECONDS` after a key."""
        view, source = self.view, self._source
        column = next((column for column in self.columns if column.key == view.sort), None)
        now = get_running_loop().time()
        if isinstance(source, Columnar):
            positions = source.arrange(self._accept, view.text, view.sort, view.reverse)
            put = self._order.keep if keep else self._order.renew
            self._rows = Arranged(source, put(positions, source.row_ids(), now))
        else:
            order = column.sort if column else self._natural
            arranged = arrange(source, self._accept, self._search, view.text, order, view.reverse)
            self._rows = Listed(self._order.of_list(arranged, self._key, now, keep=keep), self._key)
        if self._order.waiting and self._sort_timer is None:
            self._sort_timer = self.set_timer(self._order.seconds_left(now) + 0.05, self._sort_later)
        self.moved = self._order.moved
        self.counts = len(self._rows), len(source)
        index = self._index(self._cursor_key) if self._cursor_key is not None else None
        self._cursor = min(self._cursor, max(len(self._rows) - 1, 0)) if index is None else index
        self._layout()
        key = self._rows.key_at(self._cursor) if self._rows else None
        if key != self._cursor_key:
            self._cursor_key = key
            self.post_message(self.Highlighted(self, key))

    def _sort_later(self) -> None:
        """Sort now, or once enough time has passed since the last key."""
        self._sort_timer = None
        left = self._order.seconds_left(get_running_loop().time())
        if left > 0:
            self._sort_timer = self.set_timer(left + 0.05, self._sort_later)
        else:
            self.action_sort_now()

    def action_sort_now(self) -> None:
        """Sort the rows now; otherwise their order is kept for a while after a key."""
        self._arrange()

    def touch(self) -> None:
        """Keep the order of the rows for `HOLD_SECONDS`, because a key was pressed."""
        self._order.touch(get_running_loop().time())

    on_key = touch

    def watch_counts(self) -> None:
        self.post_message(self.Counted(self))

    def watch_moved(self, moved: int) -> None:
        self.post_message(self.Moved(self, moved))

    def _index(self, key: Hashable) -> int | None:
        if self._cursor < len(self._rows) and self._rows.key_at(self._cursor) == key:
            return self._cursor
        return self._rows.index_of(key)

    def _layout(self) -> None:
        width, columns, names_first = self.scrollable_content_region.width, self.available_columns, self._chosen is None
        given = columns, width, self._widest, names_first
        if given != self._laid_out:
            self._laid_out = given
            self._placed_columns = lay_out_columns(columns, width, self._widest, names_first=names_first)
        self.extend(Size(max(self._strips.place(self._placed_columns), width), len(self._rows) + 1))
        self.refresh()

    def action_move(self, step: int) -> None:
        self._go(self._cursor + step)

    def action_page(self, direction: int) -> None:
        self._go(self._cursor + direction * max(self.scrollable_content_region.height - 2, 1))

    def action_edge(self, last: bool) -> None:
        self._go(len(self._rows) - 1 if last else 0)

    def action_open(self) -> None:
        if self._cursor_key is not None:
            self.post_message(self.Opened(self, self._cursor_key))

    def action_mark(self) -> None:
        if self._cursor_key is not None:
            self.marked = self.marked ^ {self._cursor_key}
            self._go(self._cursor + 1)

    def _go(self, index: int) -> None:
        if not self._rows:
            return
        index = min(max(index, 0), len(self._rows) - 1)
        old, self._cursor = self._cursor, index
        self.show_cursor()
        self._refresh_row(old)
        self._refresh_row(index)
        key = self._rows.key_at(index)
        if key != self._cursor_key:
            self._cursor_key = key
            self.post_message(self.Highlighted(self, key))

    def show_cursor(self) -> None:
        """Scroll to the row under the cursor, unless it is in view."""
        height = max(self.scrollable_content_region.height - 1, 1)
        top, index = round(self.scroll_y), self._cursor
        if index < top:
            self.scroll_to(y=index, animate=False, immediate=True)
        elif index >= top + height:
            self.scroll_to(y=index - height + 1, animate=False, immediate=True)

    def _refresh_row(self, index: int) -> None:
        y = index - round(self.scroll_y) + 1
        if 1 <= y < self.size.height:
            self.refresh(Region(0, y, self.scrollable_content_region.width, 1))

    def on_click(self, event: Click) -> None:
        self.touch()
        offset = event.get_content_offset(self)
        if offset is None:
            return
        if offset.y == 0:
            self._click_header(offset.x + round(self.scroll_x))
            return
        index = offset.y - 1 + round(self.scroll_y)
        if index >= len(self._rows):
            return
        if index == self._cursor and self.has_focus and event.chain == 2:
            self.action_open()
        else:
            self._go(index)

    def _click_header(self, x: int) -> None:
        column = column_at(self._placed_columns, x)
        if column is not None and column.sort is not None:
            again = self.view.sort == column.key
            self.view = View(column.key, not self.view.reverse if again else column.descending, self.view.text)

    def render_line(self, y: int) -> Strip:
        return self.lines(range(y, y + 1))[0]

    def lines(self, ys: range) -> list[Strip]:
        # What is the same for all lines is read once: Textual's attributes cost more than a row.
        width, offset, top = self.line_width, round(self.scroll_x), round(self.scroll_y) - 1
        view, lines = self.view, list[Strip]()
        if ys.start == 0:
            lines.append(self._strips.header(view.sort, view.reverse, width, offset))
        first = max(ys.start, 1) + top
        cursor, cursor_look, marked = self._cursor, CURSOR if self.has_focus else CURSOR_BLURRED, self.marked
        key_of, has_moved, strip = self._key, self._order.has_moved, self._strips.strip
        for index, row in enumerate(self._rows.several(first, ys.stop + top), first):
            key = key_of(row)
            look = (cursor_look if index == cursor else 0) + MOVED * has_moved(index) + MARKED * (key in marked)
            lines.append(strip(key, row, look, width, offset))
        lines.extend(self._below(y, width) for y in ys[len(lines) :])
        return lines

    def _below(self, y: int, width: int) -> Strip:
        """A line below the rows, where a table without rows says why."""
        hint: list[Line] = []
        if not self._rows:
            text = self.no_match if self.view.text and self._source else self.empty
            hint = [()] * FIRST_HINT_LINE + paragraph(text, self.size.width - 1, "muted", indent=1)
        return self.strip(hint[y] if y < len(hint) else (), width, self.base)
