"""Frames of a terminal as one animated SVG picture, which a browser plays without a player or a script.

The screen is divided into blocks of `BLOCK` cells of one line. What a block shows in turn stands side by side in a
strip, of which the block shows one part; a CSS animation moves each strip in steps. So a change costs only its block.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from rich.cells import cell_len
from rich.color import Color
from rich.style import Style
from textual.strip import Strip

CELL, LINE = 10, 20
"""Width and height of a cell in the picture's units."""
BLOCK = 60
STRIDE = BLOCK + 1
"""Cells from one part of a strip to the next; the cell between them keeps neighbors out at rounded edges."""
FONT = "font:16.6px ui-monospace,'DejaVu Sans Mono',Menlo,Consolas,monospace"
_BASELINE = 15
_INK, _PAPER = "#d5dae1", "#12161c"
_ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"


@dataclass(frozen=True, slots=True)
class Look:
    """How a cell is drawn: its colors as `#rrggbb`, and whether it is bold."""

    ink: str
    paper: str
    bold: bool


Cell = tuple[str, Look]
"""A character, empty where a wide one continues, and its look."""


def animated_svg(frames: Sequence[tuple[float, Sequence[Strip]]], size: tuple[int, int], end: float) -> str:
    """An SVG that repeats frames (seconds from the start, lines of the screen) from the first, at 0, to `end`.

    Each frame is shown until the next one.
    """
    width, height = size
    pictures: dict[tuple[Cell, ...], str] = {}
    styles: dict[str, str] = {}
    rules: dict[str, str] = {}
    body: list[str] = []
    for row in range(height):
        for column in range(0, width, BLOCK):
            shown = _changes((at, _cells(lines[row])[column : column + BLOCK]) for at, lines in frames)
            names = [pictures.setdefault(cells, _short(len(pictures))) for _, cells in shown]
            parts = "".join(f'<use href="#{name}"{_x(STRIDE * at)}/>' for at, name in enumerate(names))
            times = ",".join(str(round(at * 1000)) for at, _ in shown)
            moved = ""
            if len(shown) > 1:
                rule = rules.setdefault(times, _short(len(rules)))
                moved = f' class="m" style="animation-name:k{rule}"'
            block = f'x="{CELL * column}" y="{LINE * row}" width="{CELL * BLOCK}" height="{LINE}"'
            body.append(f"<svg {block}><g{moved}>{parts}</g></svg>")
    defined = "".join(f'<g id="{name}">{_drawn(cells, styles)}</g>' for cells, name in pictures.items())
    keyframes = "".join(f"@keyframes k{name}{{{_steps(times, end)}}}" for times, name in rules.items())
    classes = "".join(f".{name}{{{look}}}" for look, name in styles.items())
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {CELL * width} {LINE * height}">'
        f"<style>text{{{FONT};fill:{_INK};white-space:pre}}{classes}"
        f".m{{animation:{end:g}s step-end infinite}}{keyframes}</style>"
        f'<rect width="100%" height="100%" fill="{_PAPER}"/><defs>{defined}</defs>{"".join(body)}</svg>\n'
    )


def _changes(shown: Iterable[tuple[float, tuple[Cell, ...]]]) -> list[tuple[float, tuple[Cell, ...]]]:
    """The times at which a block changes, and what it shows from then on."""
    return [next(group) for _, group in groupby(shown, key=lambda one: one[1])]


def _steps(times: str, end: float) -> str:
    """The keyframes of a strip: at each time, in milliseconds, it moves on by one block."""
    return "".join(
        f"{round(int(at) / end / 10, 2):g}%{{transform:translateX({-CELL * STRIDE * number}px)}}"
        for number, at in enumerate(times.split(","))
    )


def _drawn(cells: Sequence[Cell], styles: dict[str, str]) -> str:
    """A block as rectangles for its backgrounds and spans of text; `styles` collects the classes of their looks."""
    rects, spans, at = [], [], 0
    for look, group in groupby(cells, key=lambda cell: cell[1]):
        texts = [text for text, _ in group]
        length = len(texts)
        if look.paper != _PAPER:
            paper = styles.setdefault(f"fill:{look.paper}", f"c{_short(len(styles))}")
            rects.append(f'<rect class="{paper}"{_x(at)} width="{CELL * length}" height="{LINE}"/>')
        text = "".join(texts)
        if text.strip():
            start = at + len(text) - len(text.lstrip())
            spans.append(_span(text.strip(), look, start, styles))
        at += length
    text = f'<text y="{_BASELINE}">{"".join(spans)}</text>' if spans else ""
    return "".join(rects) + text


def _span(text: str, look: Look, at: int, styles: dict[str, str]) -> str:
    style = f"fill:{look.ink}{';font-weight:700' if look.bold else ''}"
    name = styles.setdefault(style, f"c{_short(len(styles))}")
    length = cell_len(text)
    fitted = f' textLength="{CELL * length}"' if length > 1 else ""
    escaped = "".join(_ESCAPES.get(one, one) for one in text)
    return f'<tspan{_x(at)}{fitted} class="{name}">{escaped}</tspan>'


def _x(at: int) -> str:
    return f' x="{CELL * at}"' if at else ""


def _cells(line: Strip) -> tuple[Cell, ...]:
    return tuple(
        (text, _look(segment.style))
        for segment in line
        for character in segment.text
        for text in (character, "")[: max(1, cell_len(character))]
    )


def _look(style: Style | None) -> Look:
    if style is None:
        return Look(_INK, _PAPER, bold=False)
    ink, paper = _hex(style.color, _INK), _hex(style.bgcolor, _PAPER)
    return Look(paper, ink, bool(style.bold)) if style.reverse else Look(ink, paper, bool(style.bold))


def _hex(color: Color | None, otherwise: str) -> str:
    return otherwise if color is None or color.is_default else color.get_truecolor().hex


def _short(number: int) -> str:
    """A number as a short name."""
    digits = ""
    while number or not digits:
        number, digit = divmod(number, len(_DIGITS))
        digits = _DIGITS[digit] + digits
    return digits
