"""Lab section: rebalancing policies of a portfolio over a price history, side by side."""

from __future__ import annotations

import asyncio
import importlib
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar, TypeVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import Screen
from textual.widgets import Input

from rebal_tui.domain.errors import Refusal
from rebal_tui.tui import actions
from rebal_tui.tui.book_services import backtest_comparison, backtest_verification
from rebal_tui.tui.screens.lab import charts
from rebal_tui.tui.screens.lab.columns import policy_columns
from rebal_tui.tui.screens.lab.heat_map import HeatMapScreen
from rebal_tui.tui.screens.shared.dialog import ReadScreen
from rebal_tui.tui.screens.shared.section_screen import SectionScreen
from rebal_tui.tui.sections import Section
from rebal_tui.tui.segments import Line, paragraph
from rebal_tui.tui.widgets.lines import LinesView, nothing
from rebal_tui.tui.widgets.table import BookTable
from rebal_tui.typed_paths import read_path, require_input_file

if TYPE_CHECKING:
    from pathlib import Path

    from rebal_tui.services.backtest.comparison import Comparison, PolicyRow, Subject
    from rebal_tui.services.backtest.verification import OpenReplay

T = TypeVar("T")
Step = Callable[[int, int], None]
POLL_SECONDS = 0.25


class LabScreen(SectionScreen, inherit_bindings=False):
    """A chart and a table of policies; the computation runs on a thread of its own."""

    SECTION = Section.LAB
    AUTO_FOCUS = "BookTable"
    CSS_PATH = "lab.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [*Screen.BINDINGS, *actions.bindings(Section.LAB)]

    def __init__(self) -> None:
        super().__init__()
        self._portfolios: tuple[tuple[str, str], ...] = ()
        self._chosen = 0
        self._closes: Path | None = None
        self._found: Comparison | None = None
        self._subject: Subject | None = None
        self._started = False
        self._show_worse = False
        self._stop = threading.Event()
        self._done: tuple[str, int, int] | None = None
        self._verified: dict[int, str] = {}

    def compose_body(self) -> ComposeResult:
        yield LinesView(id="lab-header")
        with Horizontal(id="lab-body"):
            with Vertical(id="lab-left"):
                yield LinesView(id="lab-verdict")
                yield LinesView(id="lab-chart")
            yield BookTable(policy_columns(), lambda row: row.number, empty="", id="lab-table")
        line = Input(placeholder="file of daily closes: date,SYM,SYM,…", id="lab-closes", compact=True)
        line.display = False
        yield line

    def on_mount(self) -> None:
        for name in ("#lab-header", "#lab-verdict", "#lab-chart"):
            self.query_one(name, LinesView).can_focus = False
        self.set_interval(POLL_SECONDS, self._show_progress)

    async def pull(self) -> None:
        await super().pull()
        self._portfolios = await self.host.ask(backtest_comparison.portfolio_names)
        if not self._started:
            self._started = True
            self._start()

    @property
    def table(self) -> BookTable[PolicyRow]:
        return self.query_one("#lab-table", BookTable)

    def _start(self) -> None:
        """Compute the chosen portfolio; a computation in progress is canceled."""
        self._stop.set()
        self._stop = threading.Event()
        self.host.work(self._compute(self._stop), name="backtest")

    async def _compute(self, stop: threading.Event) -> None:
        chosen = self._portfolios[self._chosen % len(self._portfolios)][0] if self._portfolios else None
        choice = await self.host.ask(backtest_comparison.choose, chosen)
        # On a thread of its own, because reading a history takes long and heartbeats need the book's thread.
        subject: Subject = await asyncio.to_thread(backtest_comparison.subject, choice, self._closes)
        if stop.is_set():
            return
        self._subject, self._found, self._verified = subject, None, {}
        self._show()
        found = await self._in_thread(
            "policies", stop, lambda step: backtest_comparison.compare(subject, step, stop.is_set)
        )
        if found is not None and not stop.is_set():
            self._found = found
            self._show()
            self.table.focus()

    async def _in_thread(self, what: str, stop: threading.Event, work: Callable[[Step], T]) -> T | None:
        """Run a long computation on a thread of its own; None when it was canceled."""
        canceled = importlib.import_module("rebal_tui.lab.progress").Canceled

        def step(done: int, total: int) -> None:
            if not stop.is_set():
                self._done = (what, done, total)

        self._done = (what, 0, 0)
        try:
            return await asyncio.to_thread(work, step)
        except canceled:
            return None
        finally:
            self._done = None
            if self.is_attached:
                self._show_header()

    def on_unmount(self) -> None:
        self._stop.set()

    def _show_progress(self) -> None:
        if self._done is not None:
            self._show_header()

    def _show_header(self) -> None:
        self.query_one("#lab-header", LinesView).show(self._header)

    def _header(self, width: int, _height: int) -> list[Line]:
        """The sentence, what was computed, and progress."""
        subject, found = self._subject, self._found
        if subject is None:
            return [(("Reading the portfolio…", "muted"),)]
        lines: list[Line] = []
        if found is not None:
            lines.append(((found.luck.sentence, "title"),))
            lines += paragraph(found.cheaper, width, "good")
            lines += paragraph(" · ".join(found.backtest.header), width, "muted")
        if self._done is not None:
            what, done, total = self._done
            count = f" {done:,} of {total:,} {what}" if total else ""
            lines.append(((f"Computing {subject.name}…{count}", "accent"), ("  esc stops", "muted")))
        elif found is None:
            lines.append((("Stopped. p computes again.", "warn"),))
        notes = (f"Prices: {subject.source.label}", *subject.notes, *subject.source.notes)
        return [*lines, *(line for note in notes for line in paragraph(note, width, "muted"))]

    def _show(self) -> None:
        """Show everything that was computed."""
        found = self._found
        rows = () if found is None else tuple(r for r in found.rows if self._show_worse or not r.worse or r.own)
        rows = tuple(sorted(rows, key=lambda row: (not row.own, row.turnover, row.rms)))
        with self.app.batch_update():
            self.table.set_empty("" if found is None else "No policies.")
            self.table.set_rows(rows)
            self._show_header()
            verdict, chart = self.query_one("#lab-verdict", LinesView), self.query_one("#lab-chart", LinesView)
            if found is None:
                verdict.show(nothing)
                chart.show(nothing)
            else:
                verdict.show(lambda width, _height: charts.verdict(found, width))
                self._show_chart()

    def _show_chart(self) -> None:
        found = self._found
        if found is None:
            return
        rows = found.rows
        hidden = sum(row.worse and not row.own for row in rows)
        shown = "shown" if self._show_worse else "hidden"
        note = f"{hidden} of {len(rows)} policies, worse in everything or the same days: {shown} (d)"
        cursor = self.table.cursor_key

        def build(width: int, height: int) -> list[Line]:
            below = [charts.legend(), *paragraph(note, width, "muted")]
            lines = charts.scatter(rows, cursor if isinstance(cursor, int) else None, width, height - len(below))
            return [*lines, *below]

        self.query_one("#lab-chart", LinesView).show(build)

    @on(BookTable.Highlighted)
    def _highlighted(self, event: BookTable.Highlighted) -> None:
        del event
        self._show_chart()

    @on(BookTable.Opened)
    def _opened(self, event: BookTable.Opened) -> None:
        found, number = self._found, event.key
        if found is None or not isinstance(number, int):
            return
        outcome, verified = found.outcome(number), self._verified.get(number, "")

        def build(width: int, _height: int) -> list[Line]:
            return charts.policy_lines(found.backtest, outcome, verified, width)

        self.app.push_screen(ReadScreen(f"{found.backtest.name} · {outcome.policy.label}", build))

    def action_portfolio(self) -> None:
        if self._found is not None and len(self._portfolios) > 1:
            self._chosen = (self._chosen + 1) % len(self._portfolios)
        self._start()

    def action_closes(self) -> None:
        line = self.query_one("#lab-closes", Input)
        line.display = True
        line.focus()

    @on(Input.Submitted, "#lab-closes")
    def _closes_given(self, event: Input.Submitted) -> None:
        event.input.display = False
        self.table.focus()
        before, self._closes = self._closes, None
        if event.value.strip():
            try:
                self._closes = read_path(event.value)
                require_input_file(self._closes)
            except Refusal as refusal:
                self._closes = before
                self.host.say(str(refusal), "error")
                return
        self._start()

    def action_back(self) -> None:
        line = self.query_one("#lab-closes", Input)
        if line.display:
            line.display = False
            self.table.focus()
        elif self._done is not None:
            self._stop.set()

    def action_sort(self) -> None:
        if order_name := self.table.cycle_sort():
            self.host.say(f"Sorted by {order_name}.")

    def action_heat_map(self) -> None:
        if self._subject is not None:
            self.app.push_screen(HeatMapScreen(self._subject))

    def action_worse(self) -> None:
        self._show_worse = not self._show_worse
        self._show()

    def action_verify(self) -> None:
        found, open_replay = self._found, self.host.open_replay
        if found is None or open_replay is None or self._done is not None:
            self.host.say("Nothing to verify yet.")
            return
        marked = [key for key in self.table.marked if isinstance(key, int)]
        cursor = self.table.cursor_key
        numbers = sorted(marked) or ([cursor] if isinstance(cursor, int) else [])
        self._stop = threading.Event()
        self.host.work(self._verify(found, numbers, open_replay, self._stop), name="verify")

    async def _verify(
        self, found: Comparison, numbers: list[int], open_replay: OpenReplay, stop: threading.Event
    ) -> None:
        outcomes = [found.outcome(number) for number in numbers]
        results = await self._in_thread(
            "sessions of the replay",
            stop,
            lambda step: backtest_verification.verify(found.backtest, outcomes, open_replay, step, stop.is_set),
        )
        if results is None:
            return
        for number, result in zip(numbers, results, strict=True):
            self._verified[number] = backtest_verification.verification_text([result])
        wrong = any(not result.identical for result in results)
        self.host.say(backtest_verification.verification_text(results), "error" if wrong else "information")
