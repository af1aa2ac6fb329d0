"""Indented JSON as styled lines, with long values wrapped, and the page that shows it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.binding import BindingType

from rebal_tui.tui.screens.shared.dialog import COPY, ReadScreen
from rebal_tui.tui.segments import Line, paragraph
from rebal_tui.tui.widgets.lines import Builder


def json_lines(text: str) -> Builder:
    """Build lines from text that is indented JSON."""
    lines = text.split("\n")

    def build(width: int, _height: int) -> Sequence[Line]:
        return [part for line in lines for part in _json_line(line, width)]

    return build


class JsonScreen(ReadScreen):
    """A page with indented JSON, which `y` copies."""

    BINDINGS: ClassVar[list[BindingType]] = [COPY]

    def __init__(self, title: str, text: str) -> None:
        super().__init__(title, json_lines(text), copy=text)


def _json_line(line: str, width: int) -> list[Line]:
    indent = len(line) - len(line.lstrip())
    key, colon, rest = line.strip().partition(": ")
    pad = " " * min(indent, width // 2)
    if not colon or not key.startswith('"') or len(line) > width:
        return paragraph(line.strip(), width, "", indent=len(pad))
    return [((pad, ""), (key, "accent"), (": ", "muted"), (rest, ""))]
