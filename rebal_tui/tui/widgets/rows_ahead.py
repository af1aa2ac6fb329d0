"""Draws in advance, while no key is pressed, the rows that the table will show after the next key.

For example, after page down: the rows that it shows if page down is pressed again.
"""

from __future__ import annotations

from asyncio import Future, TimerHandle, get_running_loop
from collections.abc import Callable, Sequence
from typing import Any, Generic, Protocol, TypeVar

from textual.app import App
from textual.strip import Strip

from rebal_tui.tui.widgets.table_order import Arranged, Shown, View

R = TypeVar("R")
Accept = Callable[[Any], bool]
START_SECONDS = 0.004
"""Delay after a repaint before rows are drawn in advance, so that the repaint gets to the terminal first."""
STEP_SECONDS = 0.001
"""Pause between two steps, in which a key can be handled."""
STEP_ROWS = 12
"""Rows drawn in one step. A step takes about as long as the event loop needs for a key."""
REPEAT_SECONDS = 5.0
"""How long after a key the same key is expected again. Meanwhile, rows may change four times a second."""


class DrawsAhead(Protocol[R]):
    """A table that can draw rows before they are in view."""

    @property
    def rows(self) -> Shown[R]: ...

    @property
    def cursor(self) -> int: ...

    @property
    def app(self) -> App[Any]: ...

    def arranged(self, accept: Accept | None, view: View) -> Arranged[R] | None:
        """Return the rows as filtered by `accept` and sorted as in `view`; None if its rows are not `Columnar`.

        May run on any thread.
        """

    def place_of(self, rows: Shown[R]) -> int:
        """Return the index at which the cursor would be if the table showed `rows`."""

    def in_view(self, rows: Shown[R], cursor: int) -> range:
        """Return the indices of the rows that would be in view with the cursor at index `cursor`."""

    def draw(self, first: int, rows: Sequence[R], cursor: int, *, moved: bool) -> list[Strip]:
        """Return `rows` as rendered lines; the first of them has the index `first`, and the cursor is at index
        `cursor`.

        With `moved`, rows that are out of the sort order are marked.
        """


class RowsAhead(Generic[R]):
    """Draws the expected rows in small steps while nothing else happens.

    Building and drawing a page of rows takes as long as everything else that a key causes.
    """

    def __init__(self, table: DrawsAhead[R]) -> None:
        self._table = table
        self._begin: Callable[[], None] | None = None
        self._until = float("-inf")
        self._frame_comes = False
        """Whether rows are to be drawn in advance after the next repaint."""
        self._handle: TimerHandle | None = None
        self._asked: Future[Arranged[R] | None] | None = None

    def expect_page(self, step: int) -> None:
        """Draw in advance the rows that are in view if the cursor moves by `step` rows again."""
        self._expect(lambda: self._build(self._table.rows, self._table.cursor + step, moved=True))

    def expect_orders(self, accept: Accept | None, views: Sequence[View]) -> None:
        """Prepare for keystrokes that change the sort order; `views` has the orders expected next, the likeliest first.

        `accept` is the filter of rows. They are filtered and sorted in advance for all views, and drawn for the first
        view only, from its first row.
        """
        self._expect(lambda: self._arrange(accept, views, lambda _rows: 0))

    def expect_filter(self, accept: Accept | None, view: View, besides: Callable[[], None]) -> None:
        """Draw in advance the rows that another filter (`accept`) shows, with the cursor on the same row if that row is
        accepted.

        `besides` is called first; it draws what else will change on the screen.
        """

        def begin() -> None:
            besides()
            self._arrange(accept, [view], self._table.place_of)

        self._expect(begin)

    def again(self) -> None:
        """After the next repaint, draw the rows again that the next key will probably show: rows have changed."""
        self._pause()
        self._frame_comes = self._begin is not None and get_running_loop().time() < self._until

    def frame_drawn(self) -> None:
        """Called when the table has drawn its lines for a repaint of the screen."""
        if self._frame_comes and self._begin is not None:
            self._frame_comes = False
            self._later(START_SECONDS, self._begin)

    def stop(self) -> None:
        """Stop drawing in advance, because another key was pressed."""
        self._begin = None
        self._pause()

    def _expect(self, begin: Callable[[], None]) -> None:
        self._begin, self._until = begin, get_running_loop().time() + REPEAT_SECONDS
        self.again()

    def _pause(self) -> None:
        self._asked, self._frame_comes = None, False
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def _later(self, seconds: float, step: Callable[[], None]) -> None:
        self._handle = get_running_loop().call_later(seconds, step)

    def _arrange(self, accept: Accept | None, views: Sequence[View], cursor: Callable[[Shown[R]], int] | None) -> None:
        """On another thread, filter and sort the rows for each view; then draw those of the first view in advance.

        `cursor` returns the index of the row under the cursor; None: nothing is drawn. Errors are ignored: they occur
        again, and are reported, when a key shows these rows.
        """

        def arranged(found: Future[Arranged[R] | None]) -> None:
            failed = found.cancelled() or found.exception() is not None
            if found is not self._asked or failed or (rows := found.result()) is None:
                return
            if cursor is not None:
                self._build(rows, cursor(rows), moved=False)
            if len(views) > 1:
                self._arrange(accept, views[1:], None)

        self._asked = get_running_loop().run_in_executor(None, self._table.arranged, accept, views[0])
        self._asked.add_done_callback(arranged)

    def _build(self, rows: Shown[R], cursor: int, *, moved: bool) -> None:
        if not rows:
            return
        cursor = min(max(cursor, 0), len(rows) - 1)
        view = self._table.in_view(rows, cursor)
        built = rows.several(view.start, view.stop)
        self._later(STEP_SECONDS, lambda: self._draw(view.start, built, cursor, moved=moved))

    def _draw(self, first: int, rows: Sequence[R], cursor: int, *, moved: bool) -> None:
        """Draw some rows in advance; the table caches the lines and their text for the terminal."""
        console = self._table.app.console
        for strip in self._table.draw(first, rows[:STEP_ROWS], cursor, moved=moved):
            strip.render(console)
        rest = rows[STEP_ROWS:]
        if rest:
            self._later(STEP_SECONDS, lambda: self._draw(first + STEP_ROWS, rest, cursor, moved=moved))
