"""A scrolling view of toned lines, built for the width it has."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.strip import Strip

from rebal_tui.tui.segments import Line
from rebal_tui.tui.widgets.styles import StyledView

Builder = Callable[[int, int], Sequence[Line]]
"""From the width and the height in cells to the lines; a view that is too long scrolls."""


def nothing(_width: int, _height: int) -> Sequence[Line]:
    """No lines."""
    return ()


class LinesView(StyledView, can_focus=True):
    """Lines made by a pure function, made anew when the width changes."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j", "scroll_down", show=False),
        Binding("k", "scroll_up", show=False),
    ]
    DEFAULT_CSS = """
    LinesView { height: 1fr; overflow-x: hidden; padding: 0 1; }
    """

    def __init__(self, builder: Builder = nothing, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._builder = builder
        self._lines: Sequence[Line] = ()

    def show(self, builder: Builder, *, top: bool = False) -> None:
        """Draw something else; `top` scrolls back to its beginning."""
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
        self.refresh()

    def render_line(self, y: int) -> Strip:
        width = self.line_width
        index = y + round(self.scroll_y)
        base = self.base
        if index >= len(self._lines):
            return Strip.blank(width, base)
        return self.strip(self._lines[index], width, base)
