"""The help of the Lab: the whole text of its head, its keys, and the words and marks of its figures."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rebal_tui.tui.screens.shared.glossary import entry_lines, words_of
from rebal_tui.tui.segments import Line, heading, paragraph
from rebal_tui.tui.widgets.lines import Builder

AREA = "in the Lab"
"""What the glossary says of the words that have a meaning of their own here."""
MORE = "… ? shows the rest, and what the words mean"


def cut(lines: Sequence[Line], width: int, height: int) -> Sequence[Line]:
    """The lines that fit into a height; where some do not, the last one says where they are."""
    if len(lines) <= height:
        return lines
    return [*lines[: height - 1], *paragraph(MORE, width, "key")[:1]]


def lab_help_lines(head: Callable[[int], Sequence[Line]], keys: Builder) -> Builder:
    """Build the help of the Lab from its `head` for a width, and from the help of its `keys`."""

    def build(width: int, height: int) -> Sequence[Line]:
        lines = [heading("This backtest", width), *head(width), (), *keys(width, height), ()]
        lines.append(heading("Words", width))
        for term, meaning in words_of(AREA):
            lines += entry_lines(term, meaning, width)
        return lines

    return build
