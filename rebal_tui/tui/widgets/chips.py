"""A row of labelled choices, one of them current: the places, and the tiles that filter a list."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from rich.style import Style
from textual.events import Click
from textual.message import Message
from textual.reactive import reactive
from textual.strip import Strip

from rebal_tui.tui.spans import Span, line_width
from rebal_tui.tui.text import printable
from rebal_tui.tui.widgets.tones import ToneView

ALL = "All"
"""The tile under which every row of a list is shown."""


@dataclass(frozen=True, slots=True)
class Chip:
    """One choice. `short` is shown instead of the label where space is short; `figure` comes after it."""

    key: str
    label: str
    mark: str = ""
    figure: str = ""
    tone: str = ""
    short: str = ""


class ChipBar(ToneView, can_focus=False):
    """Choices on one line, wrapped onto a second when there is no other way. A click chooses."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"chip--current"}
    DEFAULT_CSS = """
    ChipBar {
        height: auto; overflow: hidden; background: $background;
        .chip--current { background: $primary 45%; text-style: bold; }
    }
    ChipBar:ansi { .chip--current { text-style: bold reverse; } }
    ChipBar:nocolor { .chip--current { text-style: bold reverse; } }
    """
    chips: reactive[tuple[Chip, ...]] = reactive(())
    current: reactive[str] = reactive("")

    class Chosen(Message):
        """A choice was clicked."""

        def __init__(self, bar: ChipBar, key: str) -> None:
            super().__init__()
            self.bar = bar
            self.key = key

        @property
        def control(self) -> ChipBar:
            return self.bar

    def __init__(self, chips: tuple[Chip, ...] = (), current: str = "", *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.set_reactive(ChipBar.chips, chips)
        self.set_reactive(ChipBar.current, current)

    def step(self, direction: int) -> str:
        """The key of the choice before or after the current one, round the end."""
        keys = [chip.key for chip in self.chips]
        at = keys.index(self.current) if self.current in keys else 0
        return keys[(at + direction) % len(keys)] if keys else ""

    def watch_chips(self) -> None:
        """Only another number of lines moves what is below."""
        if len(self._lay_out(self.size.width)) != self.size.height:
            self.refresh(layout=True)

    def get_content_height(self, container: object, viewport: object, width: int) -> int:
        del container, viewport
        return max(len(self._lay_out(width)), 1)

    def _lay_out(self, width: int) -> list[list[tuple[Chip, tuple[Span, ...]]]]:
        """The lines: full labels on one line, else short ones on one, else short ones on several."""
        full = [(chip, _spans(chip, chip.label)) for chip in self.chips]
        if sum(line_width(spans) for _, spans in full) <= width:
            return [full]
        lines: list[list[tuple[Chip, tuple[Span, ...]]]] = [[]]
        used = 0
        for chip in self.chips:
            spans = _spans(chip, chip.short or chip.label)
            size = line_width(spans)
            if used + size > width and lines[-1]:
                lines.append([])
                used = 0
            lines[-1].append((chip, spans))
            used += size
        return lines

    def render_line(self, y: int) -> Strip:
        width = self.size.width
        base = self.rich_style
        lines = self._lay_out(width)
        if y >= len(lines):
            return Strip.blank(width, base)
        parts: list[Strip] = []
        for chip, spans in lines[y]:
            style = base
            if chip.key == self.current:
                current = self.get_component_rich_style("chip--current")
                style = base + Style(bgcolor=current.bgcolor, bold=current.bold, reverse=current.reverse)
            parts.append(self.strip(spans, line_width(spans), style))
        return Strip.join(parts).adjust_cell_length(width, base)

    def on_click(self, event: Click) -> None:
        lines = self._lay_out(self.size.width)
        if event.y >= len(lines):
            return
        at = 0
        for chip, spans in lines[event.y]:
            at += line_width(spans)
            if event.x < at:
                self.post_message(self.Chosen(self, chip.key))
                return


def _spans(chip: Chip, label: str) -> tuple[Span, ...]:
    spans: list[Span] = [(" ", "")]
    if chip.mark.strip():
        spans.append((f"{chip.mark} ", chip.tone))
    spans.append((printable(label), ""))
    if chip.figure:
        spans.append((f" {chip.figure}", chip.tone or "muted"))
    spans.append((" ", ""))
    return tuple(spans)
