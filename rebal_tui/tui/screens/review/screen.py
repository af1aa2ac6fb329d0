"""Review section: runs awaiting approval, each with its plan (R-27)."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.screen import Screen

from rebal_tui.domain.errors import Refusal
from rebal_tui.services.view_models.report_subject import ReportKind, ReportSubject
from rebal_tui.services.view_models.review import ReviewSnapshot, ReviewView
from rebal_tui.services.view_models.runs import RunRow
from rebal_tui.tui import actions, formats
from rebal_tui.tui.book_services import policy, review_queries
from rebal_tui.tui.keymap import BY_ID, key_text, keys_of
from rebal_tui.tui.screens.files.trade_list import write_trade_list
from rebal_tui.tui.screens.review import lines
from rebal_tui.tui.screens.shared import approval
from rebal_tui.tui.screens.shared.evaluating import EvaluatesAll
from rebal_tui.tui.screens.shared.export_choices import Reported
from rebal_tui.tui.screens.shared.override_form import ask_for_queued_override
from rebal_tui.tui.screens.shared.plan_effects import FILES_MODE
from rebal_tui.tui.screens.shared.row_page import Page
from rebal_tui.tui.sections import LISTS, REVIEW
from rebal_tui.tui.widgets.lines import Builder
from rebal_tui.tui.widgets.table import BookTable
from rebal_tui.tui.widgets.tabs import TabBar


class ReviewScreen(EvaluatesAll, inherit_bindings=False):
    """List of runs awaiting approval, those waiting longest first."""

    SECTION = REVIEW
    EXPORT = "runs"
    NOUN = "run"
    CSS_PATH = ["../shared/list.tcss", "review.tcss"]  # noqa: RUF012 - read only, as Textual declares it
    BINDINGS: ClassVar[list[BindingType]] = [*Screen.BINDINGS, *actions.bindings(REVIEW, LISTS)]

    def __init__(self) -> None:
        super().__init__()
        self._snapshot: ReviewSnapshot | None = None

    def make_table(self) -> BookTable[RunRow]:
        return BookTable(
            lines.columns(), lambda row: row.id, search=lines.search, ids=lines.ids, empty="Reading the queue…"
        )

    def compose_body(self) -> ComposeResult:
        yield TabBar((), "queue", id="tiles")
        yield from self.compose_list()

    def on_mount(self) -> None:
        self.watch(self.table, "marked", self._marks_changed, init=False)

    @property
    def first_actions(self) -> tuple[str, ...]:
        """The actions shown first in a files book, where approved runs go into a trade list; empty in other books."""
        return ("approve", "reject", "trade_list") if self.host.mode_shown == FILES_MODE else ()

    def idle_actions(self) -> frozenset[str]:
        """Return the ids of the actions that cannot work now.

        In a files book, these include the review of every automatic run, as each needs approval anyway, and the trade
        list unless an approved order waits for one.
        """
        idle = super().idle_actions()
        if self.host.mode_shown != FILES_MODE:
            return idle
        waits = self._snapshot is not None and self._snapshot.waits_for_list
        return idle | {"review.policy"} | (frozenset() if waits else {"review.list"})

    def _marks_changed(self) -> None:
        self._show_tabs()
        self.request_detail(self.table.cursor_key)

    def _show_tabs(self) -> None:
        if self._snapshot is not None:
            self.query_one("#tiles", TabBar).tabs = lines.queue_tabs(self._snapshot, len(self._marked()))

    async def pull(self) -> None:
        await super().pull()
        snapshot = await self.host.ask(review_queries.review_snapshot)
        if self._snapshot is not None and snapshot.version == self._snapshot.version:
            self.table.adopt_order()
            return
        detail = await self.read_detail()
        self._snapshot = snapshot
        with self.app.batch_update():
            self.table.set_empty("No run matches this filter." if snapshot.rows else self._empty_text(snapshot))
            self.table.set_rows(snapshot.rows)
            self.table.marked = self.table.marked & {row.id for row in snapshot.rows}
            self._show_tabs()
            self.show_detail(detail)

    def _empty_text(self, snapshot: ReviewSnapshot) -> str:
        return lines.empty_text(
            snapshot, key_text(keys_of(BY_ID["review.policy"], self.host.settings_file.settings.keys))
        )

    async def detail_of(self, key: str) -> Builder:
        try:
            review = approval.review_lines(await self._view(key))
            marked = self._marked()
            return lines.with_marks(review, len(marked), any(row.id == key for row in marked)) if marked else review
        except Refusal as refusal:
            return lines.refusal_lines(str(refusal))

    def leave_list(self) -> None:
        self.host.go(self.host.previous_mode)

    def reported(self) -> Reported | None:
        row = self.table.cursor_row
        if not isinstance(row, RunRow):
            return None
        return Reported(ReportSubject(ReportKind.RUN, row.id), f"run {formats.short_id(row.id)}, {row.client}")

    async def page_of(self, key: str) -> Page:
        view = await self._view(key)
        return Page(f"Review · {view.preview.client} · A approves, R rejects", approval.review_lines(view), key)

    async def _view(self, run_id: str) -> ReviewView:
        return await self.host.ask(review_queries.review_view, run_id)

    def _marked(self) -> tuple[RunRow, ...]:
        return tuple(row for row in self.table.rows if row.id in self.table.marked)

    def _chosen(self) -> tuple[RunRow, ...]:
        """Return the marked rows that the filter shows; if none, the row under the cursor.

        Without a row, shows a message and returns an empty tuple.
        """
        if rows := self._marked():
            return rows
        row = self.table.cursor_row
        return (row,) if self.selected_id() is not None and isinstance(row, RunRow) else ()

    def action_mark_shown(self) -> None:
        self.mark_shown("run")

    def action_trade_list(self) -> None:
        write_trade_list(self)

    def action_approve(self) -> None:
        rows = self._chosen()
        if rows:
            self.host.work(approval.ask_to_approve(self, [row.id for row in rows]), name="approve")

    def action_reject(self) -> None:
        rows = self._chosen()
        if rows:
            approval.ask_to_reject(self, rows)

    def action_policy(self) -> None:
        self.host.work_to_open(self._ask_policy(), name="review")

    async def _ask_policy(self) -> None:
        scope = await self.host.ask(review_queries.review_scope)
        if scope.fixed:
            self.host.say("In a book kept from custodians' files, every automatic run is reviewed.")
            return
        if self.is_current:
            self.host.confirm(lines.policy_question(scope), lambda _note: self._turn_review(not scope.everything))

    def _turn_review(self, on: bool) -> None:
        async def apply() -> None:
            await self.host.ask(policy.apply_review, on)

        done = "Every automatic run is reviewed now" if on else "Review of every automatic run is off now"
        self.host.work(self.host.change(apply, done), name="review")

    def action_override(self) -> None:
        self._with_row(self._override)

    def _override(self, row: RunRow) -> None:
        self.host.work(ask_for_queued_override(self, row.id, row.account_id, row.client), name="override")

    def _with_row(self, do: Callable[[RunRow], None]) -> None:
        row = self.table.cursor_row
        if self.selected_id() is not None and isinstance(row, RunRow):
            do(row)

    def action_run(self) -> None:
        self._with_row(lambda row: self.host.navigation.show_run(row.id))

    def action_account(self) -> None:
        self._with_row(lambda row: self.host.navigation.show_account(row.account_id))
