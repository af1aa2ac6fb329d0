"""Vertical scroll bar whose lines are drawn from a few distinct cells."""

from __future__ import annotations

from rich.color import Color
from rich.segment import Segment
from rich.style import Style
from textual.geometry import Region
from textual.scrollbar import ScrollBar, ScrollBarRender
from textual.strip import Strip


class CellScrollBar(ScrollBar):
    """A vertical scroll bar. Rendering Textual's own, line by line through Rich, costs more than rendering a table."""

    def render_lines(self, crop: Region) -> list[Strip]:
        bar = self.render()
        if not isinstance(bar, ScrollBarRender) or not isinstance(bar.style, Style):
            return super().render_lines(crop)
        size, style = self.size, bar.style
        drawn = bar.render_bar(
            size.height,
            bar.virtual_size,
            bar.window_size,
            bar.position,
            size.width,
            back_color=style.bgcolor or Color.default(),
            bar_color=style.color or Color.default(),
        )
        backdrop, base, strips = self.background_colors[1], self.rich_style, {}
        for segment in set(drawn.segments):
            strip = Strip([Segment(segment.text, base + (segment.style or Style.null()))], size.width)
            for line_filter in self.get_line_filters():
                strip = strip.apply_filter(line_filter, backdrop)
            strips[segment] = strip
        return [strips[drawn.segments[y]].crop(crop.x, crop.right) for y in crop.line_range]
