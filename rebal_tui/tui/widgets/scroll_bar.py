"""Vertical scroll bar, drawn from a few distinct cells that are cached."""

from __future__ import annotations

from math import ceil

from rich.color import Color
from rich.segment import Segment
from rich.style import Style
from textual.geometry import Region, Size
from textual.reactive import Reactive
from textual.scrollbar import ScrollBar, ScrollBarRender
from textual.strip import Strip

MAX_LOOKS = 64
"""How many drawn bars are cached; lists of different lengths often have the same bar."""
EIGHTHS = len(ScrollBarRender.VERTICAL_BARS)
"""In how many steps within a cell the thumb can begin: eighths."""


class CellScrollBar(ScrollBar):
    """A vertical scroll bar that renders faster than Textual's own, which takes longer than a whole table.

    It is redrawn only when its thumb moves by an eighth of a cell; scrolling a long list by a page moves it by less.
    """

    def __init__(self, vertical: bool = True, name: str | None = None, *, thickness: int = 1) -> None:
        self._drawn: dict[object, list[Strip]] = {}
        self._cells: dict[Segment, Strip] = {}
        super().__init__(vertical, name, thickness=thickness)

    position: Reactive[float] = Reactive(0.0, repaint=False)
    virtual_size = Reactive(Size(0, 0), layout=False)

    def watch_position(self, old: float, new: float) -> None:
        size, window, whole = self.size.height, self.window_size, self.window_virtual_size
        if thumb_of(size, window, whole, old) != thumb_of(size, window, whole, new):
            self.refresh()

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._drawn.clear()
        self._cells.clear()

    def render_lines(self, crop: Region) -> list[Strip]:
        bar = self.render()
        if not isinstance(bar, ScrollBarRender) or not isinstance(bar.style, Style):
            return super().render_lines(crop)
        thumb = thumb_of(self.size.height, bar.window_size, bar.virtual_size, bar.position)
        look = (*self.size, bar.style, thumb)
        if look not in self._drawn:
            if len(self._drawn) >= MAX_LOOKS:
                self._drawn.clear()
                self._cells.clear()
            self._drawn[look] = self._draw(bar, bar.style)
        drawn = self._drawn[look][crop.y : crop.bottom]
        return drawn if crop.width == self.size.width else [strip.crop(crop.x, crop.right) for strip in drawn]

    def _draw(self, bar: ScrollBarRender, style: Style) -> list[Strip]:
        size = self.size
        drawn = bar.render_bar(
            size.height,
            bar.virtual_size,
            bar.window_size,
            bar.position,
            size.width,
            back_color=style.bgcolor or Color.default(),
            bar_color=style.color or Color.default(),
        )
        cells = self._cells
        for segment in set(drawn.segments) - cells.keys():
            cells[segment] = self._cell(segment)
        return [cells[segment] for segment in drawn.segments]

    def _cell(self, segment: Segment) -> Strip:
        strip = Strip([Segment(segment.text, self.rich_style + (segment.style or Style.null()))])
        for line_filter in self.get_line_filters():
            strip = strip.apply_filter(line_filter, self.background_colors[1])
        return strip


def thumb_of(size: int, window: int, whole: int, position: float) -> tuple[int, int]:
    """Return the start and the length of a scroll bar's thumb, in eighths of a cell, as Textual draws it.

    The bar is `size` cells high; `window` of `whole` lines are shown, from line `position` on. A length of 0 means no
    thumb.
    """
    if not size or not 0 < window < whole or size == whole:
        return 0, 0
    length = max(1, window / (whole / size))
    return int((size - length) * (position / (whole - window)) * EIGHTHS), ceil(length * EIGHTHS)
