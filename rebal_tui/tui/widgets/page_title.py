"""Title of a full-screen page, with the mode and the time, because a page covers the status line."""

from __future__ import annotations

from rich.cells import cell_len
from textual.reactive import reactive
from textual.strip import Strip

from rebal_tui.services.view_models.status import NEW_MODE, PAUSED_MODE, TIME_STOPPED, StatusLine
from rebal_tui.tui import formats
from rebal_tui.tui.segments import Line, fit
from rebal_tui.tui.widgets.styles import StyledView

GAP = 2
"""Least number of cells between the title and the time."""


def time_texts(status: StatusLine | None) -> tuple[str, ...]:
    """Return several forms of a text with the mode and the time, from the longest to the shortest.

    Each form shows whether simulated time is stopped.
    """
    if status is None or status.mode == NEW_MODE:
        return ("",)
    mode, clock = status.mode, f"{formats.clock(status.now)} NY"
    shorter = mode.removeprefix("SIMULATED ")
    whole = f"{mode} · {formats.timestamp(status.now)} NY"
    if status.stepping_to is not None:
        step = f"▶▶ to {formats.short_timestamp(status.stepping_to)}"
        return f"{step} · {formats.timestamp(status.now)} NY", f"{step} · {clock}", clock
    if mode.endswith(TIME_STOPPED):
        return whole, f"{mode} · {clock}", f"{shorter} · {clock}", f"time stopped · {clock}", "time stopped"
    if mode == PAUSED_MODE:
        return whole, f"paused · {clock}", "paused"
    return whole, f"{mode} · {clock}", f"{shorter} · {clock}", clock


def title_line(title: str, status: StatusLine | None, width: int) -> Line:
    """Return the title and, at the right, the longest form of the text with mode and time that fits on the line."""
    texts = time_texts(status)
    left = width - GAP - cell_len(title)
    text = next((one for one in texts if cell_len(one) <= left), texts[-1])
    stopped = status is not None and (status.mode == PAUSED_MODE or status.mode.endswith(TIME_STOPPED))
    title_width = max(width - cell_len(text), 0)
    return (fit(title, title_width), "title"), (text, "warn" if stopped else "muted")


class PageTitle(StyledView, can_focus=False):
    """The first line of a page. The section below the page updates `status`."""

    DEFAULT_CSS = "PageTitle { dock: top; height: 1; background: $panel; overflow: hidden; padding: 0 1; }"
    title: reactive[str] = reactive("")
    status: reactive[StatusLine | None] = reactive(None)

    def __init__(self, title: str = "", status: StatusLine | None = None) -> None:
        super().__init__()
        self.set_reactive(PageTitle.title, title)
        self.set_reactive(PageTitle.status, status)

    def render_line(self, y: int) -> Strip:
        width = self.scrollable_content_region.width
        return self.strip(title_line(self.title, self.status, width) if not y else (), width, self.rich_style)
