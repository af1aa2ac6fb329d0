"""History of the notices as lines."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rebal_tui.tui.notices import MARKS, STYLES, Notice
from rebal_tui.tui.segments import Line, wrap
from rebal_tui.tui.widgets.lines import Builder

TIME_WIDTH = 9


def notice_lines(notices: Iterable[Notice]) -> Builder:
    """Build the notices, newest first, each with its time."""
    newest = tuple(notices)[::-1]

    def build(width: int, _height: int) -> Sequence[Line]:
        lines: list[Line] = []
        for notice in newest:
            first, *rest = wrap(notice.text, width - TIME_WIDTH - 2)
            style = STYLES[notice.severity]
            at = notice.at.ljust(TIME_WIDTH)
            lines.append(((at, "muted"), (f"{MARKS[notice.severity]} ", style), (first, style)))
            lines.extend(((" " * (TIME_WIDTH + 2), ""), (part, style)) for part in rest)
        return lines or [(("No notice yet.", "muted"),)]

    return build
