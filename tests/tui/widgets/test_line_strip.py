"""A line put together as text is the line that Textual's strip renders from segments."""

import pytest
from rich.color import ColorSystem
from rich.console import Console
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from rebal_tui.tui.widgets.line_strip import LineStrip, Paint, fitted_strip

STYLES = {"": Style.parse("white on black"), "bad": Style.parse("bold red on black"), "plain": Style.null()}
LINE = [("■ ", "bad"), ("Muñoz, 李", ""), (" │ ", "plain"), ("12 %", "bad")]
WIDTH = 2 + 9 + 3 + 4


def line_strip() -> LineStrip:
    return LineStrip(LINE, Paint(STYLES.__getitem__), WIDTH)


@pytest.mark.parametrize("colors", ["truecolor", "256", "standard", None])
def test_the_terminal_gets_the_same_text(colors: str | None) -> None:
    console = Console(color_system=colors, force_terminal=True)  # type: ignore[arg-type]  # names of color systems
    whole = Strip([Segment(text, STYLES[style]) for text, style in LINE])
    assert line_strip().render(console) == whole.render(console)
    assert line_strip().crop(3, 12).render(console) == whole.crop(3, 12).render(console)


def test_what_reads_segments_finds_those_of_the_line() -> None:
    console, strip = Console(color_system="truecolor", force_terminal=True), line_strip()
    rendered = strip.render(console)
    assert (strip.text, strip.cell_length) == ("■ Muñoz, 李 │ 12 %", WIDTH)
    assert [(text, style) for text, style, _ in strip] == [(text, STYLES[style]) for text, style in LINE]
    assert strip.render(console) == rendered
    with pytest.raises(AttributeError, match="unknown"):
        _ = strip.unknown  # As the copy protocol looks for methods that are not there.


def test_a_line_is_fitted_and_scrolled() -> None:
    paint = Paint(STYLES.__getitem__)
    assert fitted_strip(tuple(LINE), 6, paint, 0).text == "■ Muñ…"
    assert fitted_strip(tuple(LINE), 20, paint, 2).text == "Muñoz, 李 │ 12 %    "
    assert fitted_strip((), 3, paint, 0).text == "   "
    assert paint.codes("bad", ColorSystem.TRUECOLOR) == ("\x1b[1;31;40m", "\x1b[0m")
