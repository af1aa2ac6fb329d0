"""Runs: every run with its orders, live while it goes on."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.screen import Screen

from rebal_tui.domain.runs import RunStatus, RunType
from rebal_tui.services.views.runs import RunRow, RunsSnapshot
from rebal_tui.tui import actions, formats
from rebal_tui.tui.places import LISTS, Place
from rebal_tui.tui.screens import run_columns
from rebal_tui.tui.screens.dialog import AskScreen, ReadScreen
from rebal_tui.tui.screens.json_lines import json_lines
from rebal_tui.tui.screens.lists import ListScreen
from rebal_tui.tui.screens.run_lines import run_lines
from rebal_tui.tui.widgets.chips import ChipBar
from rebal_tui.tui.widgets.table import BookTable

TYPES: tuple[str | None, ...] = (None, *RunType)


class RunsScreen(ListScreen, inherit_bindings=False):
    """The newest runs first."""

    PLACE = Place.RUNS
    EXPORT = "runs"
    NOUN = "run"
    CSS_PATH = "desk.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        *Screen.BINDINGS,
        *actions.bindings(Place.RUNS, LISTS),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._snapshot: RunsSnapshot | None = None
        self._group = run_columns.ALL
        self._type: str | None = None
        self._wanted: str | None = None
        self._shown: str | None = None

    def make_table(self) -> BookTable[RunRow]:
        return BookTable(
            run_columns.columns(), lambda row: row.id, search=run_columns.search, empty="Reading the runs…"
        )

    def compose_body(self) -> ComposeResult:
        yield ChipBar((), run_columns.ALL, id="tiles")
        yield from self.compose_list()

    async def pull(self) -> None:
        self.show_status(await self.rebal.backend.status())
        snapshot = await self.rebal.backend.runs()
        if self._snapshot is not None and snapshot.version == self._snapshot.version:
            return
        self._snapshot = snapshot
        self.rebal.last_runs = snapshot
        with self.app.batch_update():
            self._show_rows()
        if self._wanted is not None and self.table.move_to(self._wanted):
            self._wanted = None
        self.request_detail(self.table.cursor_key)

    def _show_rows(self) -> None:
        if self._snapshot is None:
            return
        group, kind = self._group, self._type
        rows = self._snapshot.rows
        tiles = self.query_one("#tiles", ChipBar)
        tiles.chips = run_columns.group_chips(rows, self._snapshot.total)
        tiles.current = group
        self.table.set_empty("No run yet." if not rows else "No run under these filters; escape lifts them.")
        self.table.set_rows(rows, lambda row: run_columns.in_group(row, group) and (kind is None or row.type == kind))

    async def load_detail(self, key: str, request: int) -> None:
        view = await self.rebal.backend.run(key)
        if self.is_wanted(request):
            self.detail.show(run_lines(view), top=key != self._shown)
            self._shown = key

    def show_run(self, run_id: str) -> None:
        """Put the cursor on a run."""
        self.show_only("")
        if not self.table.move_to(run_id):
            self._wanted = run_id

    def reset_filters(self) -> None:
        self._group, self._type = run_columns.ALL, None
        self._show_rows()

    @on(ChipBar.Chosen, "#tiles")
    def _group_clicked(self, event: ChipBar.Chosen) -> None:
        self._group = event.key
        self._show_rows()

    def action_tile(self, direction: int) -> None:
        self._group = self.query_one("#tiles", ChipBar).step(direction) or run_columns.ALL
        self._show_rows()

    def action_cycle_type(self) -> None:
        self._type = TYPES[(TYPES.index(self._type) + 1) % len(TYPES)]
        self._show_rows()
        self.rebal.say(f"Type: {formats.words(self._type) if self._type else 'all'}.")

    @on(BookTable.Opened)
    def _opened(self, event: BookTable.Opened) -> None:
        self.rebal.work(self._open(str(event.key)), name="run")

    async def _open(self, run_id: str) -> None:
        view = await self.rebal.backend.run(run_id)
        if self.is_current:
            title = f"Run {formats.short_id(run_id)} · {view.client}"
            self.app.push_screen(ReadScreen(title, run_lines(view, whole=True), copy=run_id))

    def action_json(self) -> None:
        run_id = self.selected_id()
        if run_id is not None:
            self.rebal.work(self._json(run_id), name="json")

    async def _json(self, run_id: str) -> None:
        text = (await self.rebal.backend.run(run_id)).api_json
        if self.is_current:
            self.app.push_screen(
                ReadScreen(
                    f"Run {formats.short_id(run_id)} · as the API gives it · y copies it",
                    json_lines(text),
                    copy=text,
                )
            )

    def action_cancel_run(self) -> None:
        run_id = self.selected_id()
        row = self.table.cursor_row
        if run_id is None or row is None:
            return
        if RunStatus(row.status).final:
            self.rebal.say(f"This run is {formats.words(row.status)}; only a queued or running one can be cancelled.")
            return
        started = row.status == RunStatus.IN_PROGRESS
        what = (
            f"No further order is sent and open ones are cancelled as far as the broker allows. "
            f"{formats.counted(row.done, 'order')} of {row.total} done stay as they are."
            if started
            else "The run has not started; nothing has been sent and nothing will be."
        )
        text = f"{formats.words(row.type)} of {row.client}, run {formats.short_id(row.id)}.\n\n{what}"
        self.rebal.confirm_sending(
            "Cancel this run?", text, "Cancel run", lambda: self.rebal.backend.cancel_run(run_id), "Cancelling the run"
        )

    def _awaiting(self) -> RunRow | None:
        """The run under the cursor if it awaits review; says so when it does not."""
        row = self.table.cursor_row
        if self.selected_id() is None or not isinstance(row, RunRow):
            return None
        if not row.awaiting_approval:
            self.rebal.say("This run does not await review.")
            return None
        return row

    def action_approve(self) -> None:
        row = self._awaiting()
        if row is not None:
            self.rebal.work(self._approve(row), name="approve")

    async def _approve(self, row: RunRow) -> None:
        plan = (await self.rebal.backend.run(row.id)).plan
        if plan is None:
            self.rebal.say("This run has no plan yet.")
            return
        sells, buys = formats.counted(len(plan.sells), "sell"), formats.counted(len(plan.buys), "buy")
        text = (
            f"{formats.words(row.type)} of {row.client}, run {formats.short_id(row.id)}: {sells} and {buys} are sent. "
            "If prices have moved so that the plan is another one, nothing is sent and the new plan is shown."
        )
        self.rebal.confirm_sending(
            "Approve this run?", text, "Approve", lambda: self.rebal.backend.approve_run(row.id, plan), "Approved"
        )

    def action_reject(self) -> None:
        row = self._awaiting()
        if row is None:
            return

        def answered(note: str | None) -> None:
            if note:
                reject = self.rebal.change(lambda: self.rebal.backend.reject_run(row.id, note), "Rejected")
                self.rebal.work(reject, name="reject")

        text = f"{formats.words(row.type)} of {row.client}, run {formats.short_id(row.id)}, is cancelled. Why?"
        self.app.push_screen(AskScreen("Reject this run?", text, "a note, then enter"), answered)

    def action_account(self) -> None:
        row = self.table.cursor_row
        if self.selected_id() is not None and row is not None:
            self.rebal.ways.show_account(row.account_id)
