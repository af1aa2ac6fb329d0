"""Rendered rows of a table, kept while their figures stay the same."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Sequence
from typing import Generic, TypeVar

from rich.style import Style
from textual.strip import Strip

from rebal_tui.tui.segments import TextSegment
from rebal_tui.tui.widgets.styles import StyledView
from rebal_tui.tui.widgets.table_layout import PlacedColumn, cell_of

R = TypeVar("R")
STRIP_CACHE_SCREENS = 8
"""Size of the cache of rendered rows, in heights of the table."""
CURSOR, CURSOR_BLURRED, MOVED, MARKED = 8, 4, 2, 1
"""How a row looks, combined by addition."""


class RowStrips(Generic[R]):
    """Cache of rendered table rows by row key, look (such as cursor or marked) and horizontal scroll offset.

    A row whose figures have changed is rendered again.
    """

    def __init__(self, view: StyledView) -> None:
        """`view` has the styles, and the size of which the rows are."""
        self._view = view
        self._columns: tuple[PlacedColumn[R], ...] = ()
        self._columns_width = 0
        self._max_strips = 0
        self._strips: OrderedDict[tuple[Hashable, int, int], tuple[R, Strip]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._strips)

    def clear(self) -> None:
        """Discard all rows."""
        self._strips.clear()

    def place(self, columns: tuple[PlacedColumn[R], ...]) -> int:
        """Set the columns, and return their total width in cells. Called after each change of the view's size."""
        self._max_strips = STRIP_CACHE_SCREENS * self._view.size.height
        if columns != self._columns:
            self._columns = columns
            self._columns_width = max((column.at + column.width for column in columns), default=0)
            self._strips.clear()
        return self._columns_width

    def strip(self, key: Hashable, row: R, look: int, width: int, offset: int) -> Strip:
        """Return a rendered row, `width` cells wide, scrolled horizontally by `offset` cells."""
        strips = self._strips
        cached = strips.get((key, look, offset))
        if cached is not None and cached[1].cell_length == width and (cached[0] is row or cached[0] == row):
            return cached[1]
        strip = self._render(row, look, width, offset)
        strips[key, look, offset] = row, strip
        strips.move_to_end((key, look, offset))
        if len(strips) > self._max_strips:
            strips.popitem(last=False)
        return strip

    def _render(self, row: R, look: int, width: int, offset: int) -> Strip:
        view = self._view
        base = view.base
        if look & CURSOR:
            base = self._lit(base, "table--cursor")
        elif look & CURSOR_BLURRED:
            base = self._lit(base, "table--cursor-blurred")
        elif look & MARKED:
            base = self._lit(base, "table--marked")
        segments: list[TextSegment] = []
        for index, placed in enumerate(self._columns):
            gap = " " * placed.gap
            sign, style = ("✓", "key") if look & MARKED else ("↕", "muted") if look & MOVED else ("", "")
            segments.append((sign + gap[1:], style) if sign and index == 0 and gap else (gap, ""))
            segments.extend(cell_of(placed, row))
        if offset or self._columns_width > width:
            return view.strip(tuple(segments), width, base, offset)
        segments.append((" " * (width - self._columns_width), ""))
        return view.fitted_strip(_joined(segments), width, base)

    def _lit(self, base: Style, name: str) -> Style:
        style = self._view.get_component_rich_style(name)
        return base + Style(bgcolor=style.bgcolor, bold=style.bold, reverse=style.reverse, underline=style.underline)


def _joined(segments: Sequence[TextSegment]) -> list[TextSegment]:
    """The same text with neighbors of one style as one segment: each segment costs time in every later step."""
    joined: list[TextSegment] = []
    last = None
    for text, style in segments:
        if style == last:
            joined[-1] = joined[-1][0] + text, style
        else:
            joined.append((text, style))
            last = style
    return joined
