"""Tab bar with one current tab: section tabs, and filter tabs of a list."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual.events import Click
from textual.message import Message
from textual.reactive import reactive
from textual.strip import Strip

from rebal_tui.tui.notices import HasNotice
from rebal_tui.tui.segments import TextSegment, line_width
from rebal_tui.tui.text import printable
from rebal_tui.tui.widgets.styles import StyledView

ALL = "All"
"""Key of the tab that shows all rows of a list."""
MAX_LOOKS = 64
"""How many drawn lines are cached."""


@dataclass(frozen=True, slots=True)
class Tab:
    """One tab; `figure` is shown after the label. A tab with `informs` only shows its figure and cannot be chosen.

    A tab that `overlaps` counts rows that other tabs count as well; a line separates it from tabs that do not.
    """

    key: str
    label: str
    mark: str = ""
    figure: str = ""
    style: str = ""
    informs: bool = False
    overlaps: bool = False


_LINE = Tab("", "", informs=True)
"""Stands for the line between two kinds of tabs, which no click chooses."""


class TabBar(StyledView, can_focus=False):
    """Tabs on one line, or on as many lines as they need. A click chooses a tab.

    With `one_line`, tabs that do not fit are left out or shortened instead, see `fitting`.
    """

    FILTERED = True
    COMPONENT_CLASSES: ClassVar[set[str]] = {"chip--current"}
    DEFAULT_CSS = """
    TabBar {
        height: auto; overflow: hidden; background: $background;
        .chip--current { background: $primary 45%; text-style: bold; }
    }
    TabBar:ansi { .chip--current { text-style: bold reverse; } }
    TabBar:nocolor { .chip--current { text-style: bold reverse; } }
    """
    tabs: reactive[tuple[Tab, ...]] = reactive(())
    current: reactive[str] = reactive("")

    class Chosen(Message):
        """A tab was clicked."""

        def __init__(self, bar: TabBar, key: str) -> None:
            super().__init__()
            self.bar = bar
            self.key = key

        @property
        def control(self) -> TabBar:
            return self.bar

    def __init__(
        self, tabs: tuple[Tab, ...] = (), current: str = "", *, id: str | None = None, one_line: bool = False
    ) -> None:
        self._drawn: dict[tuple[str, int, int], Strip] = {}
        """Drawn lines by current tab, width and line number; cleared when the tabs or the styles change."""
        self._lit: Style | None = None
        self._one_line = one_line
        super().__init__(id=id)
        self.set_reactive(TabBar.tabs, tabs)
        self.set_reactive(TabBar.current, current)

    def step(self, direction: int) -> str:
        """Return the key of the next (1) or previous (-1) tab that can be chosen, wrapping
        around; empty if there is none.
        """
        keys = [tab.key for tab in self.tabs if not tab.informs]
        at = keys.index(self.current) if self.current in keys else 0
        return keys[(at + direction) % len(keys)] if keys else ""

    def watch_current(self) -> None:
        """End the notice about the tab that was current."""
        if isinstance(self.app, HasNotice):
            self.app.leave_notice(self.screen)

    def watch_tabs(self) -> None:
        """Lay out the screen again only when the number of lines changes."""
        self._drawn.clear()
        if len(self._tab_lines(self.size.width)) != self.size.height:
            self.refresh(layout=True)

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._drawn.clear()
        self._lit = None

    def get_content_height(self, container: object, viewport: object, width: int) -> int:
        del container, viewport
        return max(len(self._tab_lines(width)), 1)

    def draw_ahead(self, current: str) -> None:
        """Draw the lines in advance as they will look when the tab `current` is chosen; this is expected to happen
        next.
        """
        for y in range(self.size.height):
            self._line(current, y).render(self.app.console)

    def _tab_lines(self, width: int, current: str | None = None) -> list[list[tuple[Tab, tuple[TextSegment, ...]]]]:
        """Lay out the tabs on as many lines as they need, with `current` (by default the current tab) in brackets."""
        current = self.current if current is None else current
        if self._one_line:
            return [_laid_out(fitting(self.tabs, current, width), current)]
        lines: list[list[tuple[Tab, tuple[TextSegment, ...]]]] = [[]]
        used = 0
        for tab, segments in _laid_out(self.tabs, current):
            size = line_width(segments)
            if used + size > width and lines[-1]:
                lines.append([])
                used = 0
            lines[-1].append((tab, segments))
            used += size
        return lines

    def render_line(self, y: int) -> Strip:
        return self._line(self.current, y)

    def _line(self, current: str, y: int) -> Strip:
        look = current, self.size.width, y
        if look not in self._drawn:
            if len(self._drawn) >= MAX_LOOKS:
                self._drawn.clear()
            self._drawn[look] = self._draw(current, y)
        return self._drawn[look]

    def _draw(self, current: str, y: int) -> Strip:
        width, plain = self.size.width, self.paint(self.base)
        lines = self._tab_lines(width, current)
        segments: list[Segment] = []
        for tab, parts in lines[y] if y < len(lines) else ():
            paint = plain if tab.key != current else self.paint(self._current_base())
            segments += [Segment(text, paint.style(style)) for text, style in parts]
        return Strip(segments).adjust_cell_length(width, plain.style(""))

    def _current_base(self) -> Style:
        if self._lit is None:
            look = self.get_component_rich_style("chip--current")
            self._lit = self.base + Style(bgcolor=look.bgcolor, bold=look.bold, reverse=look.reverse)
        return self._lit

    def on_click(self, event: Click) -> None:
        lines = self._tab_lines(self.size.width)
        if event.y >= len(lines):
            return
        at = 0
        for tab, segments in lines[event.y]:
            at += line_width(segments)
            if event.x < at:
                if not tab.informs:
                    self.post_message(self.Chosen(self, tab.key))
                return


@lru_cache(maxsize=MAX_LOOKS)
def fitting(tabs: tuple[Tab, ...], current: str, width: int) -> tuple[Tab, ...]:
    """Return tabs that fit into `width` cells: without those that count nothing, from the last on, then without the
    labels of those that have a mark: first of tabs that overlap, the longest first, then of the others from the last
    on. A label that fits after all comes back. The first and the `current` tab stay as they are.
    """
    found = list(tabs)

    def is_too_wide() -> bool:
        lines = sum(_begins_overlap(before, tab) for before, tab in pairwise(found))
        return lines + sum(_width(tab, tab.key == current) for tab in found) > width

    if not is_too_wide():
        return tabs
    for tab in reversed(tabs[1:]):
        if tab.figure == "0" and tab.key != current and is_too_wide():
            found.remove(tab)
    whole = tuple(found)
    backwards = range(len(found) - 1, 0, -1)
    for at in sorted(backwards, key=lambda at: -len(whole[at].label) if whole[at].overlaps else 0):
        tab = found[at]
        if tab.mark.strip() and tab.key != current and is_too_wide():
            found[at] = replace(tab, label="")
    for at in backwards:
        short, found[at] = found[at], whole[at]
        if short is not whole[at] and is_too_wide():
            found[at] = short
    return tuple(found)


def _laid_out(tabs: Sequence[Tab], current: str) -> list[tuple[Tab, tuple[TextSegment, ...]]]:
    """The tabs with their texts, and a line before the first of those that overlap."""
    found: list[tuple[Tab, tuple[TextSegment, ...]]] = []
    for before, tab in zip((None, *tabs), tabs, strict=False):
        if before is not None and _begins_overlap(before, tab):
            found.append((_LINE, (("│", "rule"),)))
        found.append((tab, _segments(tab, tab.key == current)))
    return found


def _begins_overlap(before: Tab, tab: Tab) -> bool:
    """Whether a line stands between two tabs."""
    return tab.overlaps and not before.overlaps


@lru_cache(maxsize=MAX_LOOKS * 8)
def _width(tab: Tab, current: bool) -> int:
    """The width of a tab in cells: measured once, as tabs are laid out at each letter typed into a filter."""
    return line_width(_segments(tab, current))


def _segments(tab: Tab, current: bool) -> tuple[TextSegment, ...]:
    """The text of a tab. The current tab is in brackets, so that it can be recognized without colors."""
    segments: list[TextSegment] = [("[" if current else " ", "")]
    if tab.mark.strip():
        segments.append((f"{tab.mark} ", tab.style))
    segments.append((printable(tab.label), ""))
    if tab.figure:
        segments.append((f" {tab.figure}" if tab.label else tab.figure, tab.style or "muted"))
    segments.append(("]" if current else " ", ""))
    return tuple(segments)
