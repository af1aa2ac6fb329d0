"""Review section: runs awaiting approval, each with its plan (R-27)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.screen import Screen

from rebal_tui.domain.errors import PlanChanged, Refusal
from rebal_tui.domain.text import count_text
from rebal_tui.services.view_models.accounts import BulkResult
from rebal_tui.services.view_models.review import ReviewSnapshot, ReviewView
from rebal_tui.services.view_models.runs import RunRow
from rebal_tui.tui import actions, formats
from rebal_tui.tui.book_services import review_queries
from rebal_tui.tui.screens.files.trade_list import TradeListScreen
from rebal_tui.tui.screens.review import lines
from rebal_tui.tui.screens.review.approve import ApproveScreen
from rebal_tui.tui.screens.runs import columns as run_columns
from rebal_tui.tui.screens.shared.dialog import AskScreen, ReadScreen
from rebal_tui.tui.screens.shared.list_screen import ListScreen
from rebal_tui.tui.sections import LISTS, REVIEW
from rebal_tui.tui.widgets.lines import Builder
from rebal_tui.tui.widgets.table import BookTable
from rebal_tui.tui.widgets.tabs import TabBar


class ReviewScreen(ListScreen, inherit_bindings=False):
    """List of runs awaiting approval, longest waiting first."""

    SECTION = REVIEW
    EXPORT = "runs"
    NOUN = "run"
    CSS_PATH = ["../shared/list.tcss", "review.tcss"]  # noqa: RUF012
    BINDINGS: ClassVar[list[BindingType]] = [*Screen.BINDINGS, *actions.bindings(REVIEW, LISTS)]

    def __init__(self) -> None:
        super().__init__()
        self._snapshot: ReviewSnapshot | None = None

    def make_table(self) -> BookTable[RunRow]:
        return BookTable(lines.columns(), lambda row: row.id, search=run_columns.search, empty="Reading the queue…")

    def compose_body(self) -> ComposeResult:
        yield TabBar((), "queue", id="tiles")
        yield from self.compose_list()

    async def pull(self) -> None:
        await super().pull()
        snapshot = await self.host.ask(review_queries.review_snapshot)
        if self._snapshot is not None and snapshot.version == self._snapshot.version:
            return
        self._snapshot = snapshot
        with self.app.batch_update():
            self.query_one("#tiles", TabBar).tabs = lines.queue_tabs(snapshot)
            self.table.set_empty("No run awaits approval." if not snapshot.rows else "No run matches this filter.")
            self.table.set_rows(snapshot.rows)
            self.table.marked = self.table.marked & {row.id for row in snapshot.rows}
        self.request_detail(self.table.cursor_key)

    async def detail_of(self, key: str) -> Builder:
        try:
            return lines.review_lines(await self._view(key))
        except Refusal as refusal:
            return lines.refusal_lines(str(refusal))

    def action_back(self) -> None:
        line = self.query_one("#filter")
        if line.display or not self.table.has_focus:
            super().action_back()
        else:
            self.host.go(self.host.previous_mode)

    async def open_row(self, key: str) -> None:
        view = await self._view(key)
        if self.is_current:
            title = f"Review · {view.preview.client} · A approves, R rejects in the list"
            self.app.push_screen(ReadScreen(title, lines.review_lines(view), copy=key))

    async def _view(self, run_id: str) -> ReviewView:
        return await self.host.ask(review_queries.review_view, run_id)

    def _chosen(self) -> tuple[RunRow, ...]:
        """Return the marked rows after filtering, else the one under the cursor; shows a message when there is none."""
        rows = tuple(row for row in self.table.rows if row.id in self.table.marked)
        if rows:
            return rows
        row = self.table.cursor_row
        return (row,) if self.selected_id() is not None and isinstance(row, RunRow) else ()

    def action_trade_list(self) -> None:
        self.app.push_screen(TradeListScreen())

    def action_approve(self) -> None:
        rows = self._chosen()
        if rows:
            self.host.work(self._ask_to_approve([row.id for row in rows]), name="approve")

    async def _ask_to_approve(self, run_ids: Sequence[str], changed: bool = False) -> None:
        views = [await self._view(run_id) for run_id in run_ids]
        if not self.is_attached:
            return

        def answered(note: str | None) -> None:
            if note is not None:
                self.host.work(self._approve(views, note), name="approve")

        live = self.host.mode_shown.startswith("LIVE")
        self.app.push_screen(ApproveScreen(views, typed="LIVE" if live else "", changed=changed), answered)

    async def _approve(self, views: Sequence[ReviewView], note: str) -> None:
        plans = {view.row.id: view.preview.plan for view in views}
        if len(views) > 1:
            self._report_results("approved", await self.host.ask(review_queries.approve_all, plans, note))
            return
        (run_id, plan), client = next(iter(plans.items())), views[0].preview.client
        try:
            status = await self.host.ask(review_queries.approve, run_id, plan, note)
        except PlanChanged as refusal:
            self.host.say(f"Not approved, nothing was sent: {refusal}.", "warning")
            await self._ask_to_approve([run_id], changed=True)
            return
        self.host.say(f"Approved the run of {client}: {formats.words(status)}.")
        self.host.pull_soon()

    def action_reject(self) -> None:
        rows = self._chosen()
        if not rows:
            return
        run_ids = [row.id for row in rows]

        def answered(note: str | None) -> None:
            if note:
                self.host.work(self._reject(run_ids, note), name="reject")

        one = f"{formats.words(rows[0].type)} of {rows[0].client}, run {formats.short_id(rows[0].id)}, is canceled."
        text = one if len(rows) == 1 else f"{count_text(len(rows), 'run')} are canceled with the same note."
        title = "Reject this run?" if len(rows) == 1 else f"Reject {len(rows)} runs?"
        self.app.push_screen(AskScreen(title, f"{text} Nothing has been sent. Why?", "a note, then enter"), answered)

    async def _reject(self, run_ids: Sequence[str], note: str) -> None:
        self._report_results("rejected", await self.host.ask(review_queries.reject_all, run_ids, note))

    def _report_results(self, done: str, results: Sequence[BulkResult]) -> None:
        """Show the result: a message for one run, a list for several."""
        self.table.marked = frozenset()
        good = sum(not result.refusal for result in results)
        if len(results) == 1:
            message = f"Not {done}: {results[0].refusal}" if results[0].refusal else f"{done.capitalize()}"
            self.host.say(f"{message}: {results[0].client}.", "warning" if results[0].refusal else "information")
        elif self.is_attached:
            title = f"{good} of {count_text(len(results), 'run')} {done}"
            self.app.push_screen(ReadScreen(title, lines.outcome_lines(done, results)))
        self.host.pull_soon()

    def _with_row(self, do: Callable[[RunRow], None]) -> None:
        row = self.table.cursor_row
        if self.selected_id() is not None and isinstance(row, RunRow):
            do(row)

    def action_run(self) -> None:
        self._with_row(lambda row: self.host.navigation.show_run(row.id))

    def action_account(self) -> None:
        self._with_row(lambda row: self.host.navigation.show_account(row.account_id))
