"""Lines whose text for the terminal is put together from styled text, without segments."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rich.color import ColorSystem
from rich.console import Console
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from rebal_tui.tui.segments import Line, TextSegment, fit_line

_MARK = "\0"


class Paint:
    """The named styles on one base style, each found once: as a style, and as escape sequences before and after."""

    def __init__(self, find: Callable[[str], Style]) -> None:
        """`find` returns a named style on the base, as the filters of the app change it."""
        self._find = find
        self._styles: dict[str, Style] = {}
        self._codes: dict[tuple[str, ColorSystem], tuple[str, str]] = {}

    def style(self, name: str) -> Style:
        """Return a named style on the base."""
        style = self._styles.get(name)
        if style is None:
            style = self._styles[name] = self._find(name)
        return style

    def codes(self, name: str, colors: ColorSystem) -> tuple[str, str]:
        """Return what a terminal gets before and after a text in a named style."""
        codes = self._codes.get((name, colors))
        if codes is None:
            before, _, after = self.style(name).render(_MARK, color_system=colors).partition(_MARK)
            codes = self._codes[name, colors] = before, after
        return codes


class LineStrip(Strip):
    """A line as a strip. Its segments are made only if something other than the terminal reads them: a segment, its
    style and the caches of Textual's strip cost several times as much as the text of the line.
    """

    __slots__ = ("_line", "_paint")

    def __init__(self, line: Sequence[TextSegment], paint: Paint, width: int) -> None:
        """`line` has exactly `width` cells, and no empty text."""
        self._line = line
        self._paint = paint
        self._cell_length = width
        self._render_cache = None

    def __getattr__(self, name: str) -> object:
        """Make the segments and caches of the strip; called for the first of them that is read."""
        if name not in Strip.__slots__:
            raise AttributeError(name)
        rendered, style = self._render_cache, self._paint.style
        super().__init__([Segment(text, style(name)) for text, name in self._line], self._cell_length)
        self._render_cache = rendered
        return getattr(self, name)

    def render(self, console: Console) -> str:
        """Return the text with its escape sequences."""
        if self._render_cache is None:
            colors = console._color_system or ColorSystem.TRUECOLOR
            parts: list[str] = []
            for text, name in self._line:
                before, after = self._paint.codes(name, colors)
                parts.append(before + text + after)
            self._render_cache = "".join(parts)
        return self._render_cache


def fitted_strip(line: Line, width: int, paint: Paint, offset: int) -> Strip:
    """Return a line as a strip of exactly `width` cells, scrolled horizontally by `offset` cells."""
    fitted = [segment for segment in fit_line(line, width + offset) if segment[0]]
    strip = LineStrip(fitted, paint, width + offset)
    return strip.crop(offset, offset + width) if offset else strip
