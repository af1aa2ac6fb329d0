"""Status line at the top of every screen.

A fault is something wrong with the connection to the broker: an event stream is down, a clock is wrong, prices are
late.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar

from rich.cells import cell_len
from textual.events import Click
from textual.message import Message
from textual.reactive import reactive
from textual.strip import Strip

from rebal_tui.domain.errors import Halt
from rebal_tui.domain.sessions import NEW_YORK
from rebal_tui.domain.text import count_text, day_text, next_time_text
from rebal_tui.services.view_models.status import NEW_MODE, PAUSED_MODE, TIME_STOPPED, ConnectionView, StatusLine
from rebal_tui.tui import formats
from rebal_tui.tui.sections import EXCEPTIONS, REVIEW, Section
from rebal_tui.tui.segments import Line, TextSegment, line_width
from rebal_tui.tui.widgets.bars import fill_bar
from rebal_tui.tui.widgets.styles import StyledView

STALE_SECONDS = 60
FULL_FAULTS_WIDTH = 110
"""From this screen width in cells, several faults are shown in full."""
MAX_FAULTS = 3
ALL_FAULTS = "3 faults: streams, clock, prices"
"""The text on a narrow screen if every fault is there that a connection can have."""
WORK_BAR_WIDTH = 6
"""Width in cells of the progress bar of long-running work."""
SHORT_TIME_STOPPED = "TIME STOPPED"
"""Shown instead of a mode that ends with `TIME_STOPPED`, if the mode does not fit."""
COUNT_MARKS = ("! ", "◇ ")
"""Begin the counts of exceptions and of runs to review, which can be read without their words."""
HALTED = " ■ HALTED: no new order is sent until f9 releases the kill switch"
"""Line below the status line while the kill switch is on."""
STOPPED: dict[Halt, TextSegment] = {
    Halt.VIEWING: ("READ-ONLY", "warn"),
    Halt.TAKEN_OVER: ("■ READ-ONLY: taken over", "bad"),
    Halt.DISK_FULL: ("■ READ-ONLY: disk full", "bad"),
    Halt.IO_ERROR: ("■ READ-ONLY: disk error", "bad"),
    Halt.DAMAGED: ("■ READ-ONLY: file damaged", "bad"),
    Halt.FILE_GONE: ("■ READ-ONLY: file gone", "bad"),
    Halt.OVERWRITTEN: ("■ READ-ONLY: file overwritten", "bad"),
}
"""Text of the status line while the book is read-only, by cause."""


def status_line(status: StatusLine | None, trouble: str, width: int, loading: str | None = "") -> Line:
    """Return the status line; if it does not fit into `width` cells, the least important parts are left out.

    If the parts that are never left out do not fit, the counts at the end lose their words.
    `trouble` is why the last heartbeat or refresh failed, empty if both succeeded. `loading` is the progress of opening
    the book, None if the book cannot be opened.
    """
    if status is None and loading is None:
        return ((" rebal-tui", "title"), (" · the book is not open", "muted"))
    if status is None:
        return ((" rebal-tui", "title"), (f" · opening the book… {loading}".rstrip(), "muted"))
    parts: list[tuple[int, TextSegment]] = [(0, (f" {status.book}", "title")), (0, (status.mode, _mode_style(status)))]
    if trouble:
        parts.append((0, (f"■ NOT UPDATING: {trouble}", "bad")))
    if status.read_only:
        parts.append((0, STOPPED.get(status.stopped or Halt.VIEWING, STOPPED[Halt.VIEWING])))
    if status.stepping_to is not None:
        parts.append((0, (f"▶▶ to {formats.short_timestamp(status.stepping_to)}", "key")))
    if status.work is not None:
        work = status.work
        track, _ = fill_bar(work.done, work.total, WORK_BAR_WIDTH)
        parts.append((0, (f"{work.what} {track} {work.done:,} of {work.total:,}", "key")))
    if status.mode != NEW_MODE:
        parts += _times(status)
    if status.connection is not None:
        parts += _connection(status.connection, width)
    aged = status.mode != NEW_MODE and (status.connection is None or status.connection.price_delay is None)
    if aged and status.price_age_seconds is not None:
        old = status.price_age_seconds > STALE_SECONDS
        text = f"prices {formats.duration(status.price_age_seconds)} old"
        parts.append((1 if old else 5, (f"▲ {text}" if old else text, "warn" if old else "muted")))
    if status.pacing is not None:
        pacing = status.pacing
        parts.append((0, (f"sending {pacing.sent:,} of {pacing.total:,}", "key")))
        parts.append((1, (f"done about {formats.minute(pacing.done_at)}", "muted")))
    if status.awaiting:
        parts.append((0, (f"◇ {status.awaiting:,} to review", "key")))
    if status.alerts or status.exceptions:
        parts.append((0, _open_matters(status, width)))
    line = _fitting(parts, width)
    if line_width(line) > width and status.mode.endswith(TIME_STOPPED):
        return status_line(replace(status, mode=SHORT_TIME_STOPPED), trouble, width, loading)
    for index, (priority, (text, style)) in reversed(list(enumerate(parts))):
        if line_width(line) > width and text.startswith(COUNT_MARKS):
            parts[index] = priority, (" ".join(text.split()[:2]), style)
            line = _fitting(parts, width)
    return line


def _fitting(parts: Sequence[tuple[int, TextSegment]], width: int) -> Line:
    """Join the parts of priority 0, and of the others those that fit, the most important first."""
    shown = [index for index, (priority, _) in enumerate(parts) if not priority]
    line = _join([parts[index][1] for index in shown])
    for index in sorted(set(range(len(parts))) - set(shown), key=lambda index: parts[index][0]):
        longer = _join([parts[one][1] for one in sorted([*shown, index])])
        if line_width(longer) <= width:
            shown, line = [*shown, index], longer
    return line


def _times(status: StatusLine) -> list[tuple[int, TextSegment]]:
    """The date and time, the market session, and the next evaluation; each part with a priority (0: never removed)."""
    session, _, rest = status.session.partition(" · ")
    parts: list[tuple[int, TextSegment]] = [
        (3, (day_text(status.now.astimezone(NEW_YORK).date()), "muted")),
        (0, (f"{formats.clock(status.now)} NY", "")),
        (1, (session, "good" if session.startswith("OPEN") else "muted")),
    ]
    if rest:
        parts.append((2, (rest, "muted")))
    if status.next_evaluation is not None:
        parts.append((4, (f"next evaluation {next_time_text(status.next_evaluation, status.now)}", "muted")))
    return parts


def _open_matters(status: StatusLine, width: int) -> TextSegment:
    """Counts of exceptions and alerts; on a narrow terminal, alerts are counted only if there is no exception."""
    if not status.exceptions:
        return (f"▲ {count_text(status.alerts, 'alert')}", "warn")
    counts = [count_text(status.exceptions, "exception")]
    if status.alerts and width >= FULL_FAULTS_WIDTH:
        counts.append(count_text(status.alerts, "alert"))
    return (f"! {', '.join(counts)}", "bad")


def section_of(part: str) -> str:
    """Return the section to open when this part of the status line is clicked; empty if it opens none."""
    if part.lstrip().startswith("!"):
        return EXCEPTIONS
    if part.lstrip().startswith("◇"):
        return REVIEW
    part = part.strip(" ▲■")
    if part.endswith((" alert", " alerts", " exception", " exceptions")) or part.startswith("NOT UPDATING"):
        return EXCEPTIONS
    if part.startswith(("SIMULATED", PAUSED_MODE, SHORT_TIME_STOPPED, "REPLAY", "prices")):
        return Section.MARKET
    if "streams down" in part or "stream down" in part or part == ALL_FAULTS:
        return Section.LOG
    if part.startswith(("next evaluation", "streams", "clock", "OPEN", "CLOSED")):
        return Section.LOG
    return Section.RUNS if part.startswith("sending") else ""


def _connection(connection: ConnectionView, width: int) -> list[tuple[int, TextSegment]]:
    """The connection to the broker, each part with a priority (0: never removed).

    Faults are never removed; on a narrow terminal, several faults are shown by their short texts.
    """
    faults, short = _connection_faults(connection)
    parts: list[tuple[int, TextSegment]] = []
    if len(faults) > 1 and width < FULL_FAULTS_WIDTH:
        parts.append((0, (f"▲ {ALL_FAULTS if len(faults) == MAX_FAULTS else ', '.join(short)}", "warn")))
    else:
        parts += [(0, (f"▲ {fault}", "warn")) for fault in faults]
    if connection.streams and not connection.down:
        all_up = connection.up == connection.streams
        parts.append((6, (f"streams {connection.up} of {connection.streams}", "muted" if all_up else "warn")))
    if connection.skew_seconds is not None and not connection.skew_alert:
        parts.append((6, ("clock ok", "muted")))
    if connection.requests_left is not None and connection.requests is not None:
        low = connection.requests_left * 10 < connection.requests
        text = f"{connection.requests_left:,} of {connection.requests:,} requests left"
        parts.append((1 if low else 6, (f"▲ {text}" if low else text, "warn" if low else "muted")))
    return parts


def _connection_faults(connection: ConnectionView) -> tuple[list[str], list[str]]:
    """The faults of the connection, as full texts and as short ones."""
    faults, short = [], []
    if connection.down:
        faults.append(f"{len(connection.down)} of {connection.streams} streams down")
        short.append(f"{count_text(len(connection.down), 'stream')} down")
    if connection.skew_seconds is not None and connection.skew_alert:
        ahead = "behind" if connection.skew_seconds > 0 else "ahead"
        faults.append(f"clock {abs(connection.skew_seconds)} s {ahead}")
        short.append("clock off")
    if connection.price_delay is not None:
        late = formats.duration(connection.price_delay)
        faults.append(f"prices {late} late")
        short.append("prices late")
    return faults, short


def _mode_style(status: StatusLine) -> str:
    if status.mode.startswith("LIVE"):
        return "bad"
    return "warn" if status.mode in (PAUSED_MODE, SHORT_TIME_STOPPED) else "accent"


def _join(segments: list[TextSegment]) -> Line:
    line: list[TextSegment] = []
    for index, segment in enumerate(segments):
        if index:
            line.append((" · ", "rule"))
        line.append(segment)
    return tuple(line)


class StatusBar(StyledView, can_focus=False):
    """Widget that shows the status line."""

    DEFAULT_CSS = """
    StatusBar {
        height: auto; background: $panel; overflow: hidden;
        .status--halted { background: $error; color: $button-color-foreground; text-style: bold; }
    }
    StatusBar:ansi { .status--halted { text-style: bold reverse; } }
    StatusBar:nocolor { .status--halted { text-style: bold reverse; } }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {"status--halted"}
    status: reactive[StatusLine | None] = reactive(None)
    trouble: reactive[str] = reactive("")
    reading: reactive[str | None] = reactive("")

    class Chosen(Message):
        """A part of the status line was clicked; `section` is the section to open."""

        def __init__(self, section: str) -> None:
            super().__init__()
            self.section = section

    def get_content_height(self, container: object, viewport: object, width: int) -> int:
        del container, viewport, width
        return 2 if self.status is not None and self.status.halted else 1

    def watch_status(self, old: StatusLine | None, new: StatusLine | None) -> None:
        """Lay out the screen again only when the line of the kill switch appears or disappears."""
        if (old is not None and old.halted) != (new is not None and new.halted):
            self.refresh(layout=True)

    def on_click(self, event: Click) -> None:
        at = 0
        if event.y:
            return
        for text, _ in status_line(self.status, self.trouble, self.size.width, self.reading):
            at += cell_len(text)
            if event.x < at:
                section = section_of(text)
                if section:
                    self.post_message(self.Chosen(section))
                return

    def render_line(self, y: int) -> Strip:
        width = self.size.width
        if y:
            return self.strip(((HALTED, ""),), width, self.get_component_rich_style("status--halted"))
        return self.strip(status_line(self.status, self.trouble, width, self.reading), width, self.rich_style)
