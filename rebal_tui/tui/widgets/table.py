"""Table of rows with a cursor, sorting, filtering and marks.

Rows are a list of objects, or a `Columnar` object, which filters and sorts its rows itself.
"""

from __future__ import annotations

import asyncio
from asyncio import get_running_loop
from collections.abc import Callable, Hashable, Sequence
from datetime import date
from functools import partial
from typing import Any, ClassVar, TypeAlias, TypeVar

from textual.binding import BindingType
from textual.events import Click
from textual.reactive import reactive
from textual.strip import Strip
from textual.timer import Timer

from rebal_tui.services.view_models.shown_rows import ShownRows
from rebal_tui.tui.widgets import table_messages
from rebal_tui.tui.widgets.rows_ahead import RowsAhead
from rebal_tui.tui.widgets.rows_view import RowsView
from rebal_tui.tui.widgets.stable_order import StableOrder
from rebal_tui.tui.widgets.table_layout import Column, column_at, widest_texts
from rebal_tui.tui.widgets.table_look import KEYS, STYLE
from rebal_tui.tui.widgets.table_order import (
    NO_MATCH,
    Arranged,
    Columnar,
    Listed,
    Preparable,
    Shown,
    View,
    arrange,
    in_source_order,
    next_sort,
)

R = TypeVar("R")

ORDERS_AHEAD = 3
"""For how many of the next sort orders rows are sorted in advance: sorting by the worst asset of every account takes
longer than the time between two keys."""


class BookTable(RowsView[R], can_focus=True):
    """Table of an immutable sequence of rows, with sorting and filtering. The cursor stays
    on the row with the same key.
    """

    BINDINGS: ClassVar[list[BindingType]] = [*KEYS]
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "table--header",
        "table--cursor",
        "table--cursor-blurred",
        "table--marked",
    }
    DEFAULT_CSS = STYLE

    moved: reactive[int] = reactive(0, init=False)
    """How many rows the current sort order would put elsewhere, see `StableOrder.moved`."""
    counts: reactive[tuple[int, int]] = reactive((0, 0), init=False, repaint=False)
    """Number of rows shown, and number of all rows."""

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
        ids: Callable[[R], Sequence[str]] | None = None,
        day: Callable[[R], date] | None = None,
        natural: Callable[[R], Any] | None = None,
        empty: str = "Nothing here.",
        id: str | None = None,
    ) -> None:
        """`key` returns a row's key, `search` the text of a row in which the text filter searches, as the columns show
        it, and `ids` the ids of the row, in which it searches too.

        `day` returns the day of a row in a list by time: the filter finds `23 nov` and `11/23`, and new rows come at
        once where they belong, unless a key was pressed. `natural` returns the sort key of a row while no column is
        chosen (the natural order). `empty` is shown when there are no rows.
        """
        super().__init__(columns, key, id=id)
        self.empty, self.no_match = empty, NO_MATCH
        self._search, self._ids, self._day = search, ids, day
        self._natural = natural
        self._order = StableOrder(after_sort=day is None)
        self._source: Sequence[R] = ()
        self._found: Sequence[R] = ()
        self._accept: Callable[[R], bool] | None = None
        self._cursor_key: Hashable | None = None
        self._wanted: Hashable | None = None
        self._sort_timer: Timer | None = None
        self._ahead: RowsAhead[R] = RowsAhead(self)

    @property
    def keys_shown(self) -> frozenset[Hashable]:
        """The keys of the rows after filtering."""
        return frozenset(self._rows.keys())

    def marked_in_order(self) -> list[Hashable]:
        """Return the keys of the marked rows, including rows that the filter hides, in the order in which the rows were
        set.
        """
        return in_source_order(self._source, self._key, self.marked)

    @property
    def total(self) -> int:
        """The number of rows before filtering."""
        return len(self._source)

    @property
    def found(self) -> Sequence[R]:
        """The rows that the text filter finds, even if the filter `accept` rejects them; not for `Columnar` rows."""
        return self._found

    @property
    def cursor_row(self) -> R | None:
        """The row under the cursor; None when no row is shown."""
        return self._rows[self._cursor] if self._rows else None

    @property
    def cursor_key(self) -> Hashable | None:
        """The key of the row under the cursor; None when no row is shown."""
        return self._cursor_key

    def set_rows(self, rows: Sequence[R], accept: Callable[[R], bool] | None = None) -> None:
        """Replace the rows and filter them by `accept`. Cursor, sort order, text filter and marks stay.

        Rows keep their order for `HOLD_SECONDS` after a key.
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
        """Filter, sort order and visible part of `Columnar` rows; None for other rows, which are not prepared on
        another thread.
        """
        if not isinstance(self._source, Columnar):
            return None
        first, view, now = round(self.scroll_y), self.view, get_running_loop().time()
        keep = partial(self._order.foresee, now=now)
        return ShownRows(self._accept, view.text, view.sort, view.reverse, first, first + self.size.height, keep)

    def arranged(self, accept: Callable[[R], bool] | None, view: View) -> Arranged[R] | None:
        """Return `Columnar` rows filtered by `accept` and `view.text` and sorted as in `view`; None for other rows.

        May run on any thread.
        """
        source = self._source
        if not isinstance(source, Columnar):
            return None
        return Arranged(source, source.arrange(accept, view.text, view.sort, view.reverse))

    async def prepare(self, rows: Sequence[R]) -> None:
        """Filter and sort new rows on another thread, unless that is done already for the
        present filter and sort order.

        The user may have changed filter or order since the rows were requested.
        """
        while isinstance(rows, Preparable) and (shown := self.shown) is not None:
            if rows.has_arranged(shown.accept, shown.text, shown.sort, shown.reverse):
                break
            await asyncio.to_thread(rows.prepare, shown)

    def has_arranged(self, text: str) -> bool:
        """Return whether the rows that match the filter `text` are already computed, so that they can be shown
        at once.
        """
        source, view = self._source, self.view
        return not isinstance(source, Preparable) or source.has_arranged(self._accept, text, view.sort, view.reverse)

    def arrange_ahead(self, text: str) -> None:
        """Filter `Columnar` rows by `text` before that filter is set. May run on any thread."""
        self.arranged(self._accept, View(self.view.sort, self.view.reverse, text))

    def expect_filter(self, accept: Callable[[R], bool] | None, besides: Callable[[], None]) -> None:
        """Prepare for a key that filters the rows by `accept`; `besides` draws what else will change on the screen."""
        self._ahead.expect_filter(accept, self.view, besides)

    def renew_order(self) -> None:
        """Show the next rows that are set in their current sort order, not in the order kept so far. Called before
        other rows are set.
        """
        self._order.forget()

    def adopt_order(self) -> None:
        """If no rows were set since `renew_order`, sort the rows on the screen, and keep their order from now on."""
        if self._order.forgotten:
            self._arrange()

    @property
    def kept_since(self) -> float | None:
        """When the rows were last sorted, by the clock of the event loop in seconds; None if the next rows will be
        sorted again.
        """
        return self._order.kept_since(get_running_loop().time())

    @property
    def hint(self) -> str:
        return self.no_match if self.view.text and self._source else self.empty

    @property
    def exported_columns(self) -> tuple[Column[R], ...]:
        """The columns of an export: those on the screen, and those that every export has."""
        placed = self.placed_columns
        return tuple(column for column in self.columns if column.exported or column in placed)

    def set_empty(self, text: str) -> None:
        """Set the text shown when there is no row."""
        self.empty = text
        self.refresh()

    def move_to(self, key: Hashable) -> bool:
        """Move the cursor to a row; returns False when the row is not shown."""
        index = self._index(key, self._rows)
        if index is None:
            return False
        self._go(index)
        return True

    def go_to(self, key: Hashable) -> None:
        """Move the cursor to a row now; if the row is not shown yet, as soon as rows are set that contain it."""
        self._wanted = None if self.move_to(key) else key

    def cycle_sort(self) -> str | None:
        """Sort by the next sortable column on the screen; after the last column, by the natural order.

        Returns the name of the natural order if the rows are sorted by it now, for a message; None if a column header
        shows the order.
        """
        columns = self.placed_columns
        self.view = next_sort(self.view, columns)
        following = [next_sort(self.view, columns)]
        while len(following) < ORDERS_AHEAD:
            following.append(next_sort(following[-1], columns))
        self._ahead.expect_orders(self._accept, following)
        return None if self.view.sort else "the default order"

    def reverse_sort(self) -> None:
        """Reverse the sort order."""
        before = self.view
        self.view = View(before.sort, not before.reverse, before.text)
        self._ahead.expect_orders(self._accept, [before])

    def watch_view(self, old: View, new: View) -> None:
        """Filter and sort the rows again. After a new sort order, or if the text filter hides the row under the cursor,
        go to the first row; else scroll to the cursor.
        """
        before = self._cursor_key
        self._arrange()
        is_hidden = old.text != new.text and self._cursor_key != before
        if is_hidden or (old.sort, old.reverse) != (new.sort, new.reverse):
            self._go(0)
        else:
            self.show_cursor()

    def _arrange(self, *, keep: bool = False) -> None:
        """Filter and sort the rows. With `keep`, rows keep their order for `HOLD_SECONDS` after a key."""
        view, source = self.view, self._source
        column = next((column for column in self.columns if column.key == view.sort), None)
        now = get_running_loop().time()
        line = None if self._day is None or self._order.forgotten else self.cursor_line
        if isinstance(source, Columnar):
            positions = source.arrange(self._accept, view.text, view.sort, view.reverse)
            put = self._order.keep if keep else self._order.renew
            self._rows = Arranged(source, put(positions, source.row_ids(), now))
        else:
            order = column.sort if column else self._natural
            self._found = arrange(source, None, self._search, view.text, None, False, self._ids, self._day)
            arranged = arrange(self._found, self._accept, None, "", order, view.reverse)
            self._rows = Listed(self._order.of_list(arranged, self._key, now, keep=keep), self._key)
        if self._order.waiting and self._sort_timer is None:
            self._sort_timer = self.set_timer(self._order.seconds_left(now) + 0.05, self._sort_later)
        self.moved = self._order.moved
        self.counts = len(self._rows), len(source)
        self._cursor = self.place_of(self._rows)
        self._layout()
        self.hold_cursor(line)
        self._ahead.again()
        key = self._rows.key_at(self._cursor) if self._rows else None
        if key != self._cursor_key:
            self._cursor_key = key
            self.post_message(self.Highlighted(self, key))

    def _sort_later(self) -> None:
        """Sort now if no key was pressed in the last `HOLD_SECONDS`; else when that time is over."""
        self._sort_timer = None
        left = self._order.seconds_left(get_running_loop().time())
        if left > 0:
            self._sort_timer = self.set_timer(left + 0.05, self._sort_later)
        else:
            self.action_sort_now()

    def action_sort_now(self) -> None:
        """Sort the rows now, even if their order would still be kept after a key."""
        self._arrange()

    def touch(self) -> None:
        """Keep the order of the rows for `HOLD_SECONDS`, because a key was pressed."""
        self._order.touch(get_running_loop().time())
        self._ahead.stop()

    on_key = touch

    def on_unmount(self) -> None:
        self._ahead.stop()

    def watch_counts(self) -> None:
        self.post_message(self.Counted(self))

    def watch_moved(self, moved: int) -> None:
        self.post_message(self.Moved(self, moved))

    def place_of(self, rows: Shown[R]) -> int:
        """Return the index at which the cursor would be if the table showed `rows`.

        It is that of the row with the same key; without such a row, the present index or the last one.
        """
        index = None if self._cursor_key is None else self._index(self._cursor_key, rows)
        return min(self._cursor, max(len(rows) - 1, 0)) if index is None else index

    def _index(self, key: Hashable, rows: Shown[R]) -> int | None:
        if self._cursor < len(rows) and rows.key_at(self._cursor) == key:
            return self._cursor
        return rows.index_of(key)

    def action_move(self, step: int) -> None:
        self._go(self._cursor + step)

    def action_page(self, direction: int) -> None:
        step = direction * max(self.scrollable_content_region.height - 2, 1)
        self._go(self._cursor + step)
        self._ahead.expect_page(step)

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

    def lines(self, ys: range) -> list[Strip]:
        found = super().lines(ys)
        self._ahead.frame_drawn()
        return found

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
