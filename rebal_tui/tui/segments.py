"""Text of the screens: a line is a tuple of segments with styles, clipped or padded to a width in terminal cells."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from rich.cells import cell_len, set_cell_size

from rebal_tui.domain.text import MONTHS, WEEKDAYS
from rebal_tui.tui.text import printable

TextSegment = tuple[str, str]
"""Text and its style name: empty, or one of `widgets.named_styles.STYLES`."""
Line = tuple[TextSegment, ...]
NOTE_MIN_WIDTH = 40
"""Next to a line, a note is wrapped in at least this width in cells."""
NO_BREAK = "\u00a0"
_BEFORE_UNIT = re.compile(r"(?<=\d) (?=(?:%|(?:pp|bp|d|k|M)(?!\w)))")
_DATE = re.compile(rf"\b(?:(?:{'|'.join(WEEKDAYS)}) )?\d\d (?:{'|'.join(MONTHS)})(?: \d{{4}})?\b")


def fit(text: str, width: int, align: str = "left") -> str:
    """Fit text to exactly `width` cells: padded, or truncated with an ellipsis. Characters two cells wide are never
    split.
    """
    text = printable(text)
    length = cell_len(text)
    if length == width:
        return text
    if length < width:
        gap = " " * (width - length)
        return gap + text if align == "right" else text + gap
    if width <= 1:
        return "…"[:width]
    return set_cell_size(set_cell_size(text, width - 1).rstrip() + "…", width)


def line_width(line: Line) -> int:
    """Width of a line in terminal cells."""
    return sum(cell_len(text) for text, _ in line)


def fit_line(line: Line, width: int) -> Line:
    """Fit a line to exactly `width` cells, with unprintable characters replaced."""
    segments: list[TextSegment] = []
    left = width
    for raw, style in line:
        text = printable(raw)
        size = cell_len(text)
        if size > left:
            segments.append((fit(text, left), style))
            return tuple(segments)
        segments.append((text, style))
        left -= size
    if left:
        segments.append((" " * left, ""))
    return tuple(segments)


def wrap(text: str, width: int) -> list[str]:
    """Wrap text to lines of at most `width` cells, at spaces, or inside words longer than a line.

    A number and its unit stay on one line, and so does a date such as `Fri 04 Dec 2026`.
    """
    width = max(width, 1)
    lines: list[str] = []
    current = ""
    for word in _joined(printable(text), width).split(" "):
        candidate = f"{current} {word}" if current else word
        if cell_len(candidate) <= width:
            current = candidate
            continue
        if current:
            lines.append(current)
        while cell_len(word) > width:
            head = set_cell_size(word, width).rstrip() or word[0]
            lines.append(head)
            word = word[len(head) :]
        current = word
    lines.append(current)
    return [line.replace(NO_BREAK, " ") for line in lines]


def _joined(text: str, width: int) -> str:
    """Put `NO_BREAK` for the spaces of a printable text (which has none) at which it is not to be wrapped."""

    def joined_date(found: re.Match[str]) -> str:
        return found[0].replace(" ", NO_BREAK) if len(found[0]) <= width else found[0]

    return _DATE.sub(joined_date, _BEFORE_UNIT.sub(NO_BREAK, text))


def paragraph(text: str, width: int, style: str = "", indent: int = 0) -> list[Line]:
    """Wrap text to `width` cells, including an indent of `indent` cells at every line."""
    return [((" " * indent + part, style),) for part in wrap(text, width - indent)]


def heading(title: str, width: int, note: str = "") -> Line:
    """A title, a horizontal rule, and a note at the right edge."""
    title = fit(title, min(cell_len(printable(title)), width))
    tail = f" {fit(note, min(cell_len(printable(note)), max(width - cell_len(title) - 4, 0)))}" if note else ""
    rule = "─" * max(width - cell_len(title) - 1 - cell_len(tail), 0)
    return ((title, "title"), (" ", ""), (rule, "rule"), (tail, "muted"))


def table_line(cells: Iterable[tuple[str, int, str, str]]) -> Line:
    """A line of cells, each given as (text, width, align, style), separated by one space."""
    segments: list[TextSegment] = []
    for text, width, align, style in cells:
        if segments:
            segments.append((" ", ""))
        segments.append((fit(text, width, align), style))
    return tuple(segments)


def noted(line: Line, note: str, width: int, prefix: Line) -> list[Line]:
    """A line with a note behind it, or below it across the whole width if the note would be wrapped to fewer cells than
    `NOTE_MIN_WIDTH`. `prefix` begins each further line.
    """
    used = line_width(line) + 1
    room = width - used
    if room < NOTE_MIN_WIDTH and cell_len(printable(note)) > room:
        return [line, *((*prefix, *part) for part in paragraph(note, width - line_width(prefix), "muted"))]
    first, *rest = paragraph(note, room, "muted")
    gap = " " * (used - line_width(prefix))
    return [(*line, (" ", ""), *first), *((*prefix, (gap, ""), *part) for part in rest)]


def beside(left: Sequence[Line], right: Sequence[Line], left_width: int, gap: int = 3) -> list[Line]:
    """Combine lines into two columns, `gap` cells apart."""
    count = max(len(left), len(right))
    lines: list[Line] = []
    for index in range(count):
        first = fit_line(left[index] if index < len(left) else (), left_width)
        second = right[index] if index < len(right) else ()
        lines.append((*first, (" " * gap, ""), *second))
    return lines


def packed(items: Iterable[Sequence[TextSegment]], width: int) -> list[Line]:
    """The items with two blanks between them, in as many lines as they need."""
    lines: list[Line] = []
    for item in items:
        longer: Line = (*lines[-1], ("  ", ""), *item) if lines else tuple(item)
        if lines and line_width(longer) <= width:
            lines[-1] = longer
        else:
            lines.append(tuple(item))
    return lines
