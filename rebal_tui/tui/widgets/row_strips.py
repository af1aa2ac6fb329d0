"""Rendered rows of a table, cached while their figures stay the same.

A strip is Textual's class for a rendered line.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

from rich.style import Style
from textual.strip import Strip

from rebal_tui.tui.segments import Line, TextSegment
from rebal_tui.tui.widgets.line_strip import LineStrip, Paint, fitted_strip
from rebal_tui.tui.widgets.styles import StyledView
from rebal_tui.tui.widgets.table_layout import PlacedColumn, drawn_columns, fit_cell, header_line

R = TypeVar("R")
STRIP_CACHE_SCREENS = 8
"""Size of the cache of rendered rows, as a multiple of the number of rows that the table shows at once."""
MAX_CELLS = 4_096
"""How many different cells of a column are cached."""
CURSOR, CURSOR_BLURRED, MOVED, MARKED = 8, 4, 2, 1
"""Flags for how a row is drawn; their sum is called the look of the row. `MOVED`: the row is out of the sort order."""


class _Cells(Generic[R]):
    """Cache of the cells of one column, each with the gap before it, by content.

    Plain text is not cached: to fit it to the width takes no longer than a lookup.
    """

    def __init__(self, placed: PlacedColumn[R], gap: int) -> None:
        self.cell, self.right, self.size = placed.column.cell, placed.column.align == "right", placed.width
        self.gap = " " * gap
        self._placed = placed
        self._known: dict[str | Line, Line] = {}

    def fitted(self, content: str | Line) -> Line:
        """Return the gap before a cell and its content, padded or truncated to the width of the column."""
        cell = self._known.get(content)
        if cell is None:
            if len(self._known) >= MAX_CELLS:
                self._known.clear()
            cell = fit_cell(self._placed, content)
            cell = self._known[content] = ((self.gap, ""), *cell) if self.gap else cell
        return cell


class RowStrips(Generic[R]):
    """Cache of rendered table rows by row key, look (under the cursor, marked, out of order) and horizontal scroll
    offset.

    A row whose figures have changed is rendered again from cached cells: most contents, such as a symbol, a status or
    a band usage, occur in many rows.
    """

    def __init__(self, view: StyledView) -> None:
        """`view` is the widget that shows the rows; its styles and size are used."""
        self._view = view
        self._columns: tuple[PlacedColumn[R], ...] = ()
        self._columns_width = 0
        self._cells: list[_Cells[R]] = []
        self._max_strips = 0
        self._strips: OrderedDict[tuple[Hashable, int, int], tuple[R, Strip]] = OrderedDict()
        self._headers: dict[tuple[str | None, bool, int, int], Strip] = {}
        self._paints: dict[int, Paint] = {}

    def __len__(self) -> int:
        return len(self._strips)

    def clear(self) -> None:
        """Discard all rendered rows and their styles."""
        self._strips.clear()
        self._headers.clear()
        self._paints.clear()

    def place(self, columns: tuple[PlacedColumn[R], ...]) -> int:
        """Set the columns, and return their total width in cells. Called after each change of the view's size."""
        self._max_strips = STRIP_CACHE_SCREENS * self._view.size.height
        if columns != self._columns:
            self._columns = columns
            self._columns_width = max((column.at + column.width for column in columns), default=1)
            # The sign of a marked or moved row takes the first cell of the line.
            drawn = drawn_columns(columns)
            self._cells = [_Cells(column, column.gap - (index == 0)) for index, column in enumerate(drawn)]
            self.clear()
        return self._columns_width

    def header(self, sort: str | None, reverse: bool, width: int, offset: int) -> Strip:
        """Return the titles of the columns, `width` cells wide, scrolled horizontally by `offset` cells."""
        strip = self._headers.get((sort, reverse, width, offset))
        if strip is None:
            line = header_line(self._columns, sort, reverse)
            strip = self._view.strip(line, width, self._view.get_component_rich_style("table--header"), offset)
            self._headers[sort, reverse, width, offset] = strip
        return strip

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
        paint = self._paints.get(look)
        if paint is None:
            paint = self._paints[look] = self._view.paint(self._base(look))
        line = self._line(row, look, width)
        if offset or self._columns_width > width:
            return fitted_strip(tuple(line), width, paint, offset)
        return LineStrip(line, paint, width)

    def _base(self, look: int) -> Style:
        base = self._view.base
        if look & CURSOR:
            return self._lit(base, "table--cursor")
        if look & CURSOR_BLURRED:
            return self._lit(base, "table--cursor-blurred")
        return self._lit(base, "table--marked") if look & MARKED else base

    def _line(self, row: R, look: int, width: int) -> list[TextSegment]:
        """The cells of a row, padded to `width`. Neighboring cells of the same style are joined to one segment.

        Fewer segments make every later step of rendering faster.
        """
        line: list[TextSegment] = []
        text, style = ("✓", "key") if look & MARKED else ("↕", "muted") if look & MOVED else (" ", "")
        for column in self._cells:
            content = column.cell(row)
            if isinstance(content, str) and content.isascii() and content.isprintable() and len(content) <= column.size:
                cell: Line = ((column.gap + (content.rjust if column.right else content.ljust)(column.size), ""),)
            else:
                cell = column.fitted(content)
            for part, name in cell:
                if name == style:
                    text += part
                else:
                    if text:
                        line.append((text, style))
                    text, style = part, name
        rest = " " * (width - self._columns_width)
        line += [(text + rest, "")] if not style else [(text, style), (rest, "")] if rest else [(text, style)]
        return line

    def _lit(self, base: Style, name: str) -> Style:
        style = self._view.get_component_rich_style(name)
        return base + Style(bgcolor=style.bgcolor, bold=style.bold, reverse=style.reverse, underline=style.underline)
