"""The help of the Lab: the full text of its head, its keys, and the terms and marks of its figures."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rebal_tui.tui.screens.shared.glossary import entry_lines, words_of
from rebal_tui.tui.segments import Line, heading, paragraph
from rebal_tui.tui.widgets.lines import Builder

AREA = "in the Lab"
"""The phrase by which the glossary marks terms that have a special meaning in the Lab."""
MORE = "… ? shows the rest, and what the words mean"
MORE_OF_POLICY = "… enter shows the rest"


def cut(lines: Sequence[Line], width: int, height: int, more: str = MORE) -> Sequence[Line]:
    """Return the lines that fit into `height` lines; if some do not, the last line is `more`, which names the key that
    shows all.
    """
    if len(lines) <= height:
        return lines
    return [*lines[: height - 1], *paragraph(more, width, "key")[:1]]


def lab_help_lines(head: Callable[[int], Sequence[Line]], keys: Builder) -> Builder:
    """Build the help of the Lab: the lines of its head, then `keys`, then its terms. `head` returns lines for a width
    in cells.
    """

    def build(width: int, height: int) -> Sequence[Line]:
        lines = [heading("This backtest", width), *head(width), (), *keys(width, height), ()]
        lines.append(heading("Words", width))
        for term, meaning in words_of(AREA):
            lines += entry_lines(term, meaning, width)
        return lines

    return build
