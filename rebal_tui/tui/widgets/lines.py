"""Scrollable view of styled lines; a builder function makes the lines for the current size."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.reactive import reactive
from textual.strip import Strip

from rebal_tui.tui.segments import Line
from rebal_tui.tui.widgets.styles import StyledView

Builder = Callable[[int, int], Sequence[Line]]
"""Builds lines for a width and a height in cells; the view scrolls if there are more lines than its height."""


def nothing(_width: int, _height: int) -> Sequence[Line]:
    """A builder that makes no lines."""
    return ()


class LinesView(StyledView, can_focus=True):
    """Shows the lines of a `Builder`, a pure function that is called again on every resize."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j", "scroll_down", show=False),
        Binding("k", "scroll_up", show=False),
    ]
    DEFAULT_CSS = """
    LinesView { height: 1fr; overflow-x: hidden; padding: 0 1; }
    """

    overflows: reactive[bool] = reactive(False, repaint=False)
    """Whether there are more lines than fit into the height of the view."""

    def __init__(self, builder: Builder = nothing, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._builder = builder
        self._lines: Sequence[Line] = ()

    @property
    def built(self) -> bool:
        """Whether the lines for the present size are built, so that the next repaint shows them."""
        return bool(self._lines)

    def show(self, builder: Builder, *, top: bool = False) -> None:
        """Show the lines of another builder; with `top`, scroll to the first line."""
        self._builder = builder
        self._build()
        if top:
            self.scroll_home(animate=False)

    def on_resize(self) -> None:
        self._build()

    def _build(self) -> None:
        size = self.scrollable_content_region.size
        if not size.width:
            return
        self._lines = self._builder(size.width, size.height)
        self.extend(Size(size.width, len(self._lines)))
        self.overflows = len(self._lines) > size.height
        self.refresh()

    def render_line(self, y: int) -> Strip:
        width = self.line_width
        index = y + round(self.scroll_y)
        base = self.base
        if index >= len(self._lines):
            return Strip.blank(width, base)
        return self.strip(self._lines[index], width, base)
