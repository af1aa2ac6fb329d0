"""Rendered lines of a widget that turn styled text directly into terminal output, without Rich's segments."""

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
    """The named styles combined with one base style: each as a Rich style, and as escape sequences. Each is computed
    once.
    """

    def __init__(self, find: Callable[[str], Style]) -> None:
        """`find` returns a named style combined with the base style, after the color filters of the app."""
        self._find = find
        self._styles: dict[str, Style] = {}
        self._codes: dict[tuple[str, ColorSystem], tuple[str, str]] = {}

    def style(self, name: str) -> Style:
        """Return a named style combined with the base style."""
        style = self._styles.get(name)
        if style is None:
            style = self._styles[name] = self._find(name)
        return style

    def codes(self, name: str, colors: ColorSystem) -> tuple[str, str]:
        """Return the escape sequences that a terminal gets before and after text in a named style."""
        codes = self._codes.get((name, colors))
        if codes is None:
            before, _, after = self.style(name).render(_MARK, color_system=colors).partition(_MARK)
            codes = self._codes[name, colors] = before, after
        return codes


class LineStrip(Strip):
    """A line as a `Strip`, Textual's class for a rendered line.

    Its segments are made only if something other than the terminal output reads them: a segment, its style and the
    caches of a strip cost several times as much as the text of the line.
    """

    __slots__ = ("_line", "_paint")

    def __init__(self, line: Sequence[TextSegment], paint: Paint, width: int) -> None:
        """`line` must be exactly `width` cells wide, without empty segments."""
        self._line = line
        self._paint = paint
        self._cell_length = width
        self._render_cache = None

    def __getattr__(self, name: str) -> object:
        """Make the segments and caches of the strip. Python calls this when one of them is read for the first time."""
        if name not in Strip.__slots__:
            raise AttributeError(name)
        rendered, style = self._render_cache, self._paint.style
        super().__init__([Segment(text, style(name)) for text, name in self._line], self._cell_length)
        self._render_cache = rendered
        return getattr(self, name)

    def render(self, console: Console) -> str:
        """Return the text with its escape sequences for the terminal."""
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
