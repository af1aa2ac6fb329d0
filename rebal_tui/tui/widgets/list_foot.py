"""Bottom line of a list: its filter, an error of the filter, and the number of rows out of order (moved rows).

A row has moved if changed values would give it another position in the sort order than it has in the list.
"""

from __future__ import annotations

from textual.events import Click
from textual.message import Message
from textual.reactive import reactive
from textual.strip import Strip

from rebal_tui.domain.text import count_text
from rebal_tui.tui.segments import TextSegment, fit, line_width
from rebal_tui.tui.text import printable
from rebal_tui.tui.widgets.styles import StyledView

LINGER_SECONDS = 3.0
"""How long the line stays, empty, after the last moved row is back in order. Rows move again with the next prices, and
whenever the line comes or goes, the whole screen is laid out and drawn."""


class ListFoot(StyledView, can_focus=False):
    """Shows `⌕ brennan 1/60 ✕`, an error of the filter, and `7 rows have moved · . sorts`;
    hidden if there is none of these.
    """

    DEFAULT_CSS = "ListFoot { height: 1; background: $panel; }"

    chip: reactive[str] = reactive("")
    """The text of the filter as shown; empty if no filter is set."""
    counts: reactive[tuple[int, int]] = reactive((0, 0))
    """Number of rows shown, and number of all rows."""
    fault: reactive[str] = reactive("")
    moved: reactive[int] = reactive(0)

    class Cleared(Message):
        """The filter was clicked, which clears it."""

    def on_mount(self) -> None:
        self.display = False

    def watch_chip(self) -> None:
        self._show()

    def watch_fault(self) -> None:
        self._show()

    def watch_moved(self, moved: int) -> None:
        """Show the number of moved rows; when it becomes 0, leave the line empty for `LINGER_SECONDS` before hiding
        it.
        """
        if moved or not self.display:
            self._show()
        else:
            self.set_timer(LINGER_SECONDS, self._show)

    def _show(self) -> None:
        self.display = bool(self.chip or self.fault or self.moved)

    def _left(self) -> tuple[TextSegment, ...]:
        if not self.chip:
            return ()
        shown, total = self.counts
        return ((" ⌕ ", "key"), (printable(self.chip), "title"), (f" {shown:,}/{total:,} ", "muted"), ("✕ ", "key"))

    def render_line(self, y: int) -> Strip:
        del y
        width = self.size.width
        left = self._left()
        verb = "has" if self.moved == 1 else "have"
        right = f"{count_text(self.moved, 'row')} {verb} moved · . sorts " if self.moved else ""
        room = max(width - line_width(left) - len(right) - 2, 0)
        fault = fit(f"  {printable(self.fault)}" if self.fault else "", room + 2)
        return self.strip((*left, (fault, "bad"), (right, "warn")), width, self.base)

    def on_click(self, event: Click) -> None:
        if self.chip and event.x < line_width(self._left()):
            self.post_message(self.Cleared())
