"""Heat map of band pairs (an absolute and a relative band): one result of the backtest for each pair, as a shade."""

from __future__ import annotations

import asyncio
import importlib
import threading
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import ModalScreen
from textual.widgets import Static

from rebal_tui.tui.book_services import backtest_heat_maps
from rebal_tui.tui.host import host_of
from rebal_tui.tui.segments import Line, TextSegment, line_width
from rebal_tui.tui.text import ui_text
from rebal_tui.tui.widgets.key_bar import KeyBar
from rebal_tui.tui.widgets.lines import LinesView

if TYPE_CHECKING:
    from rebal_tui.lab.heat_map import BandPairs, HeatMap
    from rebal_tui.services.backtest.comparison import Subject

SHADES = "·░▒▓█"
"""From the lowest to the highest fifth of the values shown."""
FIGURES = (
    ("turnover", "turnover, % a year", 100.0), ("rms", "rms deviation, points", 100.0),
    ("worst", "worst deviation, points", 100.0), ("rebalances", "rebalances a year", 1.0),
    ("annual_return", "return, % a year", 100.0),
)  # fmt: skip
"""Figures that the map can show: attribute of `HeatMap`, title, and factor that converts it to the title's unit."""
COOLDOWNS = (0, 7, 31, 91)
"""Cooldowns in days; key `c` computes the map for the next of them."""
_AXIS = 8
_AROUND = 10
"""Number of lines of the screen that are not part of the map itself: title and keys, two lines above the map, its axis
of two, the figures under the cursor in three, and a blank one.
"""


class HeatMapScreen(ModalScreen[None]):
    """Shows a heat map of band pairs (absolute, relative), as many as fit on the screen, computed on a thread of its
    own.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "dismiss", "Back"),
        Binding("f", "figure", "Figure"),
        Binding("c", "cooldown", "Cooldown"),
        Binding("left", "move(0,-1)", "Move", key_display="arrows"),
        Binding("right", "move(0,1)", show=False),
        Binding("up", "move(1,0)", show=False),
        Binding("down", "move(-1,0)", show=False),
    ]
    AUTO_FOCUS = ""
    DEFAULT_CSS = """
    HeatMapScreen { background: $background; }
    HeatMapScreen #heat-title { dock: top; height: 1; background: $panel; text-style: bold; padding: 0 1; }
    """

    def __init__(self, subject: Subject) -> None:
        super().__init__()
        self._subject = subject
        self._map: HeatMap | None = None
        self._pairs: BandPairs | None = None
        self._room = (0, 0)
        self._figure = self._cooldown = 0
        self._at = (0, 0)
        self._stop = threading.Event()

    def compose(self) -> ComposeResult:
        title = f"{self._subject.name} · absolute and relative bands, whichever is exceeded first"
        yield Static(ui_text(title), id="heat-title", markup=False)
        yield LinesView(self._lines, id="heat-lines")
        yield KeyBar()

    def on_mount(self) -> None:
        self.query_one(LinesView).can_focus = False
        self._compute()

    def on_resize(self) -> None:
        self._compute()

    def on_unmount(self) -> None:
        self._stop.set()

    def _compute(self) -> None:
        self._stop.set()
        self._stop = threading.Event()
        host_of(self).work(self._computed(self._stop), name="heat-map")

    async def _computed(self, stop: threading.Event) -> None:
        canceled = importlib.import_module("rebal_tui.lab.progress").Canceled
        days = COOLDOWNS[self._cooldown]
        columns, rows = self.size.width - _AXIS - 4, self.size.height - _AROUND
        if columns < 2 or rows < 2:
            return
        try:
            if self._pairs is None or self._room != (columns, rows):
                self._room = (columns, rows)
                self._pairs = backtest_heat_maps.of_subject(self._subject, columns, rows)
            found = await asyncio.to_thread(self._pairs.map, days, stop.is_set)
        except canceled:
            return
        if stop.is_set() or not self.is_attached:
            return
        if self._map is None or self._map.turnover.shape != found.turnover.shape:
            policy = self._subject.policy
            self._at = found.nearest(policy.absolute or 500, policy.relative or 2000)
        self._map = found
        self._show()

    def _show(self) -> None:
        self.query_one(LinesView).show(self._lines)

    def _lines(self, width: int, _height: int) -> list[Line]:
        found = self._map
        if found is None:
            return [(("Computing the heat map…", "accent"),)]
        name, title, factor = FIGURES[self._figure]
        values = factor * getattr(found, name)
        low, high = float(values.min()), float(values.max())
        head: Line = (
            (title, "title"), (f"   {low:.2f}  {SHADES}  {high:.2f}", "muted"),
            (f"   cooldown {found.cooldown_days} d", "accent"), (self._next(found), "warn"),
        )  # fmt: skip
        lines = [head, (("relative %", "muted"),)]
        rows = len(found.relative)
        for row in range(rows - 1, -1, -1):
            labeled = row in (0, rows // 2, rows - 1) or row == self._at[0]
            label = f"{found.relative[row] / 100:{_AXIS - 1}.1f}" if labeled else " " * (_AXIS - 1)
            style = "accent" if row == self._at[0] else "muted"
            lines.append(((label, style), ("┤" if labeled else "│", "rule"), *self._row(values, row, low, high)))
        return [*lines, *self._axis(found), *self._under_cursor(found, width)]

    def _row(self, values: object, row: int, low: float, high: float) -> list[TextSegment]:
        shades = []
        for column, value in enumerate(values[row]):  # type: ignore[index] # an array, whose type would load NumPy
            part = (float(value) - low) / (high - low) if high > low else 0.0
            mark = (SHADES[min(int(part * len(SHADES)), len(SHADES) - 1)], "")
            shades.append(("◆", "accent") if (row, column) == self._at else mark)
        return shades

    def _next(self, found: HeatMap) -> str:
        """Text about the cooldown for which the map is being computed; empty if the map shown is for that cooldown."""
        days = COOLDOWNS[self._cooldown]
        return "" if days == found.cooldown_days else f"   computing {days} d…"

    def _axis(self, found: HeatMap) -> list[Line]:
        columns = len(found.absolute)
        half = f"{found.absolute[columns // 2] / 100:.1f}"
        end = f"{found.absolute[-1] / 100:.1f} absolute, points"
        scale = f"{found.absolute[0] / 100:.1f}".ljust(columns // 2) + half
        return [
            ((" " * (_AXIS - 1) + "└" + "─" * columns, "rule"),),
            ((" " * _AXIS + scale.ljust(columns - len(end)) + end, "muted"),),
        ]

    def _under_cursor(self, found: HeatMap, width: int) -> list[Line]:
        row, column = self._at
        pair = f"◆ ±{found.absolute[column] / 100:.2f} points or {found.relative[row] / 100:.1f} % of the target"
        line: list[TextSegment] = [(pair, "title")]
        lines: list[Line] = []
        for name, title, factor in FIGURES:
            figure = f"  {title.split(',')[0]} {factor * float(getattr(found, name)[row, column]):.2f}"
            if line_width((*line, (figure, ""))) > width:
                lines.append(tuple(line))
                line = []
            line.append((figure, ""))
        name, title, factor = FIGURES[self._figure]
        low, high = (factor * bound for bound in found.around(getattr(found, name), row, column))
        return [
            *lines,
            tuple(line),
            ((f"  {title} within ±1 point of the absolute band: {low:.2f} to {high:.2f}", "muted"),),
        ]

    def action_move(self, up: int, right: int) -> None:
        if self._map is None:
            return
        rows, columns = len(self._map.relative), len(self._map.absolute)
        self._at = (min(max(self._at[0] + up, 0), rows - 1), min(max(self._at[1] + right, 0), columns - 1))
        self._show()

    def action_figure(self) -> None:
        self._figure = (self._figure + 1) % len(FIGURES)
        self._show()

    def action_cooldown(self) -> None:
        self._cooldown = (self._cooldown + 1) % len(COOLDOWNS)
        if self._map is not None:
            self._show()
        self._compute()
