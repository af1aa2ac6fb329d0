"""Lab section: compares rebalancing policies for a portfolio by backtests over a history of daily prices."""

from __future__ import annotations

import asyncio
import importlib
import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, ClassVar, TypeVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import Screen
from textual.widgets import Input

from rebal_tui.domain.errors import Refusal
from rebal_tui.tui import actions
from rebal_tui.tui.book_services import (
    backtest_comparison,
    backtest_report,
    backtest_verification,
    portfolio_queries,
)
from rebal_tui.tui.notices import Lasts
from rebal_tui.tui.screens.lab import adopt, charts
from rebal_tui.tui.screens.lab.columns import policy_columns
from rebal_tui.tui.screens.lab.fan_page import fan_lines
from rebal_tui.tui.screens.lab.head import Step, head_lines
from rebal_tui.tui.screens.lab.heat_map import HeatMapScreen
from rebal_tui.tui.screens.lab.policy_page import policy_lines, policy_note
from rebal_tui.tui.screens.lab.words import cut, lab_help_lines
from rebal_tui.tui.screens.portfolios.editor import PortfolioEditor
from rebal_tui.tui.screens.shared.dialog import ReadScreen
from rebal_tui.tui.screens.shared.export import ExportScreen
from rebal_tui.tui.screens.shared.export_choices import LIST_FORMATS, ExportChoice, Progress, Written, shown_rows
from rebal_tui.tui.screens.shared.section_screen import SectionScreen
from rebal_tui.tui.sections import Section
from rebal_tui.tui.segments import Line
from rebal_tui.tui.widgets.lines import Builder, LinesView, nothing
from rebal_tui.tui.widgets.table import BookTable
from rebal_tui.typed_paths import read_path, require_input_file

if TYPE_CHECKING:
    from pathlib import Path

    from rebal_tui.lab.policies import Policy
    from rebal_tui.services.backtest.comparison import Comparison, NamedPortfolio, PolicyRow, Subject
    from rebal_tui.services.backtest.verification import OpenReplay

T = TypeVar("T")
OnStep = Callable[[int, int], None]
POLL_SECONDS = 0.25
FIRST_HISTORIES, MORE_HISTORIES = 250, 1_000
"""How many histories are resampled after a backtest, and on key `b`."""


class LabScreen(SectionScreen, inherit_bindings=False):
    """A chart and a table of policies. Computations run on a thread of their own, and can be canceled."""

    SECTION = Section.LAB
    AUTO_FOCUS = "BookTable"
    CSS_PATH = "lab.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [*Screen.BINDINGS, *actions.bindings(Section.LAB)]

    def __init__(self) -> None:
        super().__init__()
        self._portfolios: tuple[NamedPortfolio, ...] = ()
        self._chosen = 0
        self._closes: Path | None = None
        self._found: Comparison | None = None
        self._subject: Subject | None = None
        self._started = False
        self._fault = ""
        self._look_for_covered = False
        self._show_worse = False
        self._stop = threading.Event()
        self._done: Step | None = None
        self._verified: dict[int, str] = {}

    def compose_body(self) -> ComposeResult:
        yield LinesView(id="lab-header")
        with Horizontal(id="lab-body"):
            with Vertical(id="lab-left"):
                yield LinesView(id="lab-verdict")
                yield LinesView(id="lab-chart")
            with Vertical():
                yield BookTable(policy_columns("yours"), lambda row: row.number, empty="", id="lab-table")
                yield LinesView(id="lab-policy")
        line = Input(placeholder="file of daily closes: date,SYM,SYM,…", id="lab-closes", compact=True)
        line.display = False
        yield line

    def on_mount(self) -> None:
        for name in ("#lab-header", "#lab-verdict", "#lab-chart", "#lab-policy"):
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

    @property
    def _position(self) -> int:
        """The index of the chosen portfolio in the list of portfolios; after the last one, it begins again at 0."""
        return self._chosen % max(len(self._portfolios), 1)

    def _start(self) -> None:
        """Run the backtest of the chosen portfolio; cancels a computation in progress."""
        self._stop.set()
        self._stop, self._done = threading.Event(), None
        self.host.work(self._compute(self._stop), name="backtest")

    async def _compute(self, stop: threading.Event) -> None:
        if self._look_for_covered and self._closes is not None:
            self._look_for_covered = False
            self._chosen = await asyncio.to_thread(
                backtest_comparison.first_covered, self._portfolios, self._closes, self._position
            )
        chosen = self._portfolios[self._position].id if self._portfolios else None
        choice = await self.host.ask(backtest_comparison.choose, chosen)
        # On a thread of its own, because reading a history takes long and heartbeats need the book's thread.
        try:
            subject: Subject = await asyncio.to_thread(backtest_comparison.subject, choice, self._closes)
        except Refusal as refusal:
            name = self._portfolios[self._position].name if self._portfolios else ""
            self._fault = f'"{name}" cannot be tested: {refusal}' if name else str(refusal)
            self._found = None
            self._show()
            return
        if stop.is_set():
            return
        self._fault = ""
        self._subject, self._found, self._verified = subject, None, {}
        self._show()
        found = await self._in_thread(
            "policies", stop, lambda step: backtest_comparison.compare(subject, step, stop.is_set)
        )
        if found is not None and not stop.is_set():
            self._found = found
            self._show()
            self.table.focus()
            await self._resample(found, FIRST_HISTORIES, stop)

    async def _resample(self, found: Comparison, histories: int, stop: threading.Event) -> None:
        """Resample histories for a finished backtest, and add to it which differences are beyond luck."""
        judged = await self._in_thread(
            "histories", stop, lambda step: backtest_comparison.with_luck(found, histories, step, stop.is_set)
        )
        if judged is not None and not stop.is_set():
            self._found = judged
            self._show()

    async def _in_thread(self, what: str, stop: threading.Event, work: Callable[[OnStep], T]) -> T | None:
        """Run a long computation on a thread of its own, with its progress shown; returns None if it was canceled.

        `what` names what the progress counts, such as policies.
        """
        canceled = importlib.import_module("rebal_tui.lab.progress").Canceled

        def step(done: int, total: int) -> None:
            if not stop.is_set():
                self._done = Step(what, done, total, loop.time() - began)

        loop = asyncio.get_running_loop()
        began = loop.time()
        self._done = Step(what, 0, 0, 0.0)
        try:
            return await asyncio.to_thread(work, step)
        except canceled:
            return None
        finally:
            # Another computation may have begun, whose progress this is.
            if self._stop is stop:
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

    def _header(self, width: int, height: int) -> Sequence[Line]:
        return cut(self._head(width), width, height)

    def _head(self, width: int) -> Sequence[Line]:
        return head_lines(self._subject, self._found, self._done, self._fault, width)

    def idle_actions(self) -> frozenset[str]:
        if self._found is None:
            return actions.needing_row(self.SECTION)
        return frozenset({"lab.adopt"}) if self._found.subject.sample else frozenset()

    def help_builder(self) -> Builder:
        return lab_help_lines(self._head, super().help_builder())

    def _show(self) -> None:
        """Show all results, or that there are none yet."""
        found = self._found
        rows = () if found is None else tuple(r for r in found.rows if self._show_worse or not r.worse or r.own)
        rows = tuple(sorted(rows, key=lambda row: (not row.own, not row.cheaper, row.turnover, row.rms)))
        with self.app.batch_update():
            self.table.set_empty("" if found is None else "No policies.")
            if self._subject is not None:
                self.table.columns = policy_columns(charts.short_own(self._subject))
            self.table.set_rows(rows)
            self.show_keys()
            self._show_header()
            if found is None:
                for name in ("#lab-verdict", "#lab-chart", "#lab-policy"):
                    self.query_one(name, LinesView).show(nothing)
            else:
                verdict = self.query_one("#lab-verdict", LinesView)
                verdict.show(lambda width, _height: charts.verdict(found, width))
                self._show_cursor()

    def _show_cursor(self) -> None:
        """Show the row under the cursor in the chart, and in words."""
        found = self._found
        if found is None:
            return
        number, worse = self._under_cursor(found), self._show_worse

        def chart(width: int, height: int) -> list[Line]:
            return charts.chart(found, number, width, height, worse_shown=worse)

        self.query_one("#lab-chart", LinesView).show(chart)
        self.query_one("#lab-policy", LinesView).show(lambda *size: policy_note(found, number, *size))

    @on(BookTable.Highlighted)
    def _highlighted(self) -> None:
        self._show_cursor()

    @on(BookTable.Opened)
    def _opened(self, event: BookTable.Opened) -> None:
        found, number = self._found, event.key
        if found is None or not isinstance(number, int):
            return
        title, verified = f"{found.backtest.name} · {found.rows[number].label}", self._verified.get(number, "")
        page = ReadScreen(title, lambda width, _height: policy_lines(found, number, verified, width))
        self.app.push_screen(page)

    def action_portfolio(self) -> None:
        if (self._found is not None or self._fault) and len(self._portfolios) > 1:
            self._chosen = self._position + 1
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
        self._look_for_covered = True
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
            self.host.say(f"Sorted by {order_name}.", lasts=Lasts.HERE)

    def action_heat_map(self) -> None:
        if self._subject is not None:
            self.app.push_screen(HeatMapScreen(self._subject))

    def action_worse(self) -> None:
        self._show_worse = not self._show_worse
        self._show()

    def _ready(self) -> Comparison | None:
        """Return the finished backtest. While something is computed, or without a backtest,
        show a message and return None.
        """
        if self._found is None or self._done is not None:
            self.host.say("Wait until the computation has finished, or stop it with esc.")
            return None
        return self._found

    def _under_cursor(self, found: Comparison) -> int:
        cursor = self.table.cursor_key
        return cursor if isinstance(cursor, int) else found.rows[0].number

    def action_bootstrap(self) -> None:
        found = self._ready()
        if found is not None:
            self._stop = threading.Event()
            self.host.work(self._resample(found, MORE_HISTORIES, self._stop), name="bootstrap")

    def action_fan(self) -> None:
        found = self._ready()
        if found is not None:
            self._stop = threading.Event()
            self.host.work(self._show_fan(found, self._under_cursor(found), self._stop), name="fan")

    async def _show_fan(self, found: Comparison, number: int, stop: threading.Event) -> None:
        fans = await self._in_thread(
            "sessions", stop, lambda step: backtest_comparison.fans(found, number, step, stop.is_set)
        )
        if fans is not None and self.is_current:
            title = f"{found.backtest.name} · {found.rows[number].label} · luck of the day"
            self.app.push_screen(ReadScreen(title, lambda width, _height: fan_lines(fans, width)))

    def action_adopt(self) -> None:
        found = self._ready()
        if found is None:
            return
        identity, policy = found.subject.portfolio_id, found.outcome(self._under_cursor(found)).policy
        if identity is None:
            self.host.say("The sample is no portfolio of this book: o opens a file of closes for one.")
        elif fault := adopt.not_adoptable(policy):
            self.host.say(fault)
        else:
            self.host.work(self._edit(identity, policy), name="adopt")

    async def _edit(self, identity: str, policy: Policy) -> None:
        draft = await self.host.ask(portfolio_queries.portfolio_draft, identity)
        portfolio = draft.portfolio
        if portfolio is None or not self.is_current:
            return
        if fault := adopt.not_editable(portfolio):
            self.host.say(fault)
            return
        self.app.push_screen(PortfolioEditor(draft, adopt.adopted(portfolio, policy)), self._saved)

    def _saved(self, identity: str | None) -> None:
        if identity is not None:
            self._start()

    def action_export(self) -> None:
        found = self._ready()
        if found is None:
            return

        async def make(fmt: str, _progress: Progress) -> Written:
            text = await asyncio.to_thread(backtest_report.report_text, found, fmt)
            return Written(text, f"all {len(found.rows)} policies")

        whole = ExportChoice("all", "All policies, all fields", f"{len(found.rows)}", "lab-all", LIST_FORMATS, make)
        self.app.push_screen(ExportScreen([shown_rows(self.table, "lab", "policy"), whole]))

    def action_verify(self) -> None:
        found, open_replay = self._ready(), self.host.open_replay
        if found is None:
            return
        if open_replay is None:
            self.host.say("This book has no replay to verify with.")
            return
        marked = [key for key in self.table.marked if isinstance(key, int)]
        numbers = sorted(marked) or [self._under_cursor(found)]
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
