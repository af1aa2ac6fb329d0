"""Base class of line-based widgets: named styles in the colors of the theme, cached."""

from __future__ import annotations

from rich.segment import Segment
from rich.style import Style
from textual.color import Color
from textual.geometry import Region, Size
from textual.scroll_view import ScrollView
from textual.scrollbar import ScrollBar
from textual.strip import Strip
from textual.widget import Widget

from rebal_tui.tui.segments import Line
from rebal_tui.tui.widgets.line_strip import Paint, fitted_strip
from rebal_tui.tui.widgets.scroll_bar import CellScrollBar


class StyledView(ScrollView):
    """A widget drawn line by line (Textual's line API), whose segments use the named styles of a `StyledApp`."""

    ALLOW_SELECT = False
    _named_styles: dict[str, Style] = {}  # noqa: RUF012 - replaced per widget on every style update
    _paints: dict[Style, Paint] = {}  # noqa: RUF012 - likewise
    _base: Style | None = None
    FILTERED = False
    """Whether all lines are made with `strip` or `paint`, which have applied the app's color filters already."""
    line_width = 0
    """Width in cells of a rendered line, without the scroll bar."""
    DEFAULT_CSS = """
    StyledView {
        scrollbar-size: 1 1;
        scrollbar-gutter: stable;
        scrollbar-color: $foreground 25%;
        scrollbar-color-hover: $foreground 40%;
        scrollbar-color-active: $primary;
        scrollbar-background: $background;
        scrollbar-background-hover: $background;
        scrollbar-background-active: $background;
    }
    """

    def extend(self, extent: Size) -> None:
        """Set the content size in cells and update the scroll bars.

        The screen is laid out again only if the height of the widget is `auto`. Assigning `virtual_size` would always
        cause a layout and repaint all widgets.
        """
        if self.styles.is_auto_height or not self.is_attached:
            self.virtual_size = extent
        elif extent != self.virtual_size:
            self.set_reactive(Widget.virtual_size, extent)
            self._scroll_update(extent)

    @property
    def vertical_scrollbar(self) -> ScrollBar:
        """The vertical scroll bar, created when first needed."""
        if self._vertical_scrollbar is None:
            bar = CellScrollBar(vertical=True, name="vertical", thickness=self.scrollbar_size_vertical)
            self._vertical_scrollbar = bar
            bar.display = False
            self.app._start_widget(self, bar)
        return self._vertical_scrollbar

    def watch_scroll_x(self, old_value: float, new_value: float) -> None:
        if self.show_horizontal_scrollbar:
            self.horizontal_scrollbar.position = new_value
        if round(old_value) != round(new_value):
            self._refresh_content()

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        if self.show_vertical_scrollbar:
            self.vertical_scrollbar.position = new_value
        if round(old_value) != round(new_value):
            self._refresh_content()

    def _refresh_content(self) -> None:
        """Redraw the lines, but not the scroll bar, which redraws itself when it changes."""
        self.refresh(self.size.region.shrink(self.scrollbar_gutter))

    def render_lines(self, crop: Region) -> list[Strip]:
        """Render lines like Textual, but skip its styles cache if there are no padding, borders or tints.

        The styles cache makes a new strip (rendered line) for every line, so that the filtered and cropped versions
        that a cached strip has stored would be lost.
        """
        self.line_width = self.scrollable_content_region.width
        if not self._plain():
            return super().render_lines(crop)
        strips = self.lines(crop.line_range)
        if crop.right > self.line_width:
            strips = [self.whole(strip) for strip in strips]
        if not self.FILTERED:
            backdrop = self._backdrop_color()
            for line_filter in self.get_line_filters():
                strips = [strip.apply_filter(line_filter, backdrop) for strip in strips]
        if crop.x or crop.right < self.line_width:
            strips = [strip.crop(*crop.column_span) for strip in strips]
        return strips

    def lines(self, ys: range) -> list[Strip]:
        """Return the lines of the widget with the numbers `ys`, each `line_width` cells wide. Line 0 is the first
        visible line.
        """
        return [self.render_line(y) for y in ys]

    def whole(self, strip: Strip) -> Strip:
        """Extend a line with spaces to the widget's full width, including the cells under the scroll bar."""
        missing = self.outer_size.width - strip.cell_length
        return (
            Strip([*strip, Segment(" " * missing, self.paint(self.base).style(""))], self.outer_size.width)
            if missing > 0
            else strip
        )

    def _plain(self) -> bool:
        styles = self.styles
        nothing_around = not any((*styles.gutter, *(kind for kind, _ in styles.outline)))
        return nothing_around and self.opacity == styles.text_opacity == 1.0 and not styles.tint.a

    def named_style(self, name: str) -> Style:
        """Return a named style without a background, so that it can be combined with the style of a row."""
        if not name:
            return Style.null()
        style = self._named_styles.get(name)
        if style is None:
            style = self._named_styles[name] = self._make_style(f"tone--{name}")
        return style

    @property
    def base(self) -> Style:
        """The widget's own style, cached: Textual computes `rich_style` from all ancestors on every access."""
        if self._base is None:
            self._base = self.rich_style
        return self._base

    def paint(self, base: Style) -> Paint:
        """Return the named styles on a base style. If the base style has reversed colors, named styles are ignored.

        Their text colors would become background colors.
        """
        paint = self._paints.get(base)
        if paint is None:
            paint = self._paints[base] = Paint(lambda name: self._combine(base, "" if base.reverse else name))
        return paint

    def _combine(self, base: Style, named_style: str) -> Style:
        """Return a named style combined with a base style, with the app's color filters applied.

        The filters are applied once per style here; otherwise they would process each segment of each line.
        """
        segments, backdrop = [Segment(" ", base + self.named_style(named_style))], self._backdrop_color()
        for line_filter in self.get_line_filters():
            segments = line_filter.apply(segments, backdrop)
        return segments[0].style or Style.null()

    def _make_style(self, name: str) -> Style:
        styles = self.app.get_component_styles(name)
        color = styles.color
        if color.ansi is None and color.a < 1:
            color = self._backdrop_color() + color
        return Style.from_color(color.rich_color) + styles.text_style

    def _backdrop_color(self) -> Color:
        """The background color with which translucent colors are blended."""
        return self.background_colors[1]

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._named_styles, self._paints, self._base = {}, {}, None

    def strip(self, line: Line, width: int, base: Style, offset: int = 0) -> Strip:
        """Return the line as a strip (rendered line) of exactly `width` cells, scrolled
        horizontally by `offset` cells.

        Named styles are ignored if `base` has reversed colors, because they would appear as background colors.
        """
        return fitted_strip(line, width, self.paint(base), offset)
