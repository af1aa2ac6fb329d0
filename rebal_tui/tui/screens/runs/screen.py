"""Runs section: all runs with their orders, kept up to date."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import ClassVar

from textual.binding import BindingType
from textual.screen import Screen

from rebal_tui.domain.runs import EVERY_RUN, RunGroup, RunStatus, RunType
from rebal_tui.domain.sessions import new_york_day
from rebal_tui.domain.text import count_text
from rebal_tui.services.view_models.filter_terms import RUN_CHOICES, RUN_FIELDS
from rebal_tui.services.view_models.report_subject import ReportKind, ReportSubject
from rebal_tui.services.view_models.runs import RunRow, RunsSnapshot
from rebal_tui.tui import actions, formats
from rebal_tui.tui.book_services import manual_runs, run_queries, run_search, status_queries
from rebal_tui.tui.navigation import ShowsRun
from rebal_tui.tui.notices import Lasts
from rebal_tui.tui.questions import Effect
from rebal_tui.tui.screens.files.trade_list import write_trade_list
from rebal_tui.tui.screens.runs import columns as run_columns
from rebal_tui.tui.screens.shared import approval
from rebal_tui.tui.screens.shared.export_choices import Reported
from rebal_tui.tui.screens.shared.json_lines import JsonScreen
from rebal_tui.tui.screens.shared.loads_older import LoadsOlder
from rebal_tui.tui.screens.shared.plan_effects import FILES_MODE
from rebal_tui.tui.screens.shared.row_page import Page
from rebal_tui.tui.screens.shared.run_lines import run_lines
from rebal_tui.tui.screens.shared.tiled_list_screen import TiledListScreen
from rebal_tui.tui.sections import LISTS, Section
from rebal_tui.tui.widgets.lines import Builder
from rebal_tui.tui.widgets.table import BookTable

TYPES: tuple[RunType | None, ...] = (None, *RunType)


def final_text(row: RunRow) -> str:
    """Return the reason why a run that has ended cannot be canceled, as a message."""
    return f"This run is {formats.words(row.status)}; only a queued or running run can be canceled."


def cancel_effects(row: RunRow) -> list[Effect]:
    """Return what the cancellation of a run does."""
    what = f"{formats.words(row.type)} of {row.client}, run {formats.short_id(row.id)}"
    if row.status != RunStatus.IN_PROGRESS:
        return [Effect(f"{what}, is canceled"), Effect("It has not started: no order has been or will be sent")]
    filled = f"{row.done:,} of {count_text(row.total, 'order')}"
    return [
        Effect(f"{what}, stops"),
        Effect("No further orders are sent"),
        Effect("Open orders are canceled if the broker allows it"),
        Effect("Filled orders are not changed", filled),
    ]


def idle_on(status: RunStatus, *, awaiting: bool) -> frozenset[str]:
    """Return the ids of the actions that cannot work on a run with this status; `awaiting`: it awaits approval."""
    ended = {"runs.cancel"} if status.final else set()
    return frozenset(ended if awaiting else {*ended, "runs.approve", "runs.reject"})


class RunsScreen(ShowsRun, LoadsOlder, TiledListScreen, inherit_bindings=False):
    """List of runs, newest first."""

    SECTION = Section.RUNS
    EXPORT = "runs"
    NOUN = "run"
    NARROWER = "for older ones filter by a date, such as / date<2026-03"
    FILTER_FIELDS = RUN_FIELDS
    FILTER_CHOICES = RUN_CHOICES
    EXAMPLE_TERMS = "23 nov or 11/23, date>=2026-03 status:error"
    CSS_PATH = "../shared/list.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        *Screen.BINDINGS,
        *actions.bindings(Section.RUNS, LISTS),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._snapshot: RunsSnapshot | None = None
        self._type: RunType | None = None
        self._search = ""
        self._read: tuple[str, RunGroup, int] | None = None
        """The search text, the group and the limit of rows with which the rows were last read."""
        self._wanted = ""
        self._widest: Mapping[str, int] = {}
        """The widths of the texts without a filter, by column key; empty before such rows were read."""

    @property
    def first_actions(self) -> tuple[str, ...]:
        """In a files book, the action that writes the trade list; empty in other books."""
        return ("trade_list",) if self.host.mode_shown == FILES_MODE else ()

    def make_table(self) -> BookTable[RunRow]:
        return BookTable(
            run_columns.columns(),
            lambda row: row.id,
            day=lambda row: new_york_day(row.created_at),
            empty="Reading the runs…",
        )

    @property
    def filter_text(self) -> str:
        return self._search

    def filter_by(self, text: str) -> None:
        """Filter while typing. The filter searches all runs of the book, not only those loaded."""
        self._search = text.strip()
        self.show_filter()
        self.read_anew()

    @property
    def row_counts(self) -> tuple[int, int]:
        return (self._snapshot.matching, self._snapshot.total) if self._snapshot is not None else (0, 0)

    async def pull(self) -> None:
        self.show_status(await self.host.ask(status_queries.status_line))
        old, before = self._snapshot, self._read
        reading = search, group, limit = self._search, self._group, self.older.limit
        seen = old.version if old is not None and reading == before and not self._wanted else None
        changed = await self.host.ask(run_search.changed_runs, seen, search, limit, group)
        # After another filter, the row under the cursor may be another one: its detail would only delay the rows.
        detail = await self.read_detail() if changed is not None and reading == before else None
        snapshot = changed or old
        if snapshot is None:
            return
        if reading == (self._search, self._group, self.older.limit):
            self.older.note(limit, len(snapshot.rows), self.NOUN, more=snapshot.more)
        if changed is None:
            self.table.adopt_order()
            return
        self._wanted, wanted = "", self._wanted
        if wanted and not search and all(row.id != wanted for row in snapshot.rows):
            self.show_only(wanted, f"run {formats.short_id(wanted)}")
        self._snapshot, self._read = snapshot, reading
        others = before is None or (search, group) != before[:2]
        searched, key = before is not None and search != before[0], self.table.cursor_key
        with self.app.batch_update():
            if others:
                self.table.renew_order()
            self.show_rows()
            self.show_filter()
            if searched and not wanted:
                self.show_cursor_or_first(key)
            elif others:
                self.table.show_cursor()
            self.show_detail(detail)

    def idle_actions(self) -> frozenset[str]:
        """Return the ids of the actions that cannot work now.

        In a files book, these include writing a trade list, unless an approved order waits for one.
        """
        waits = self._snapshot is not None and self._snapshot.waits_for_list
        none_waits = self.host.mode_shown == FILES_MODE and not waits
        return super().idle_actions() | ({"runs.list"} if none_waits else frozenset())

    @property
    def _group(self) -> RunGroup:
        """The status tab and the run type by which the list is filtered."""
        return replace(run_columns.GROUPS.get(self.tile, EVERY_RUN), type=self._type)

    def show_rows(self) -> None:
        if self._snapshot is None:
            return
        tile, kind, rows = self.tile, self._type, self._snapshot.rows
        none_yet = not self._snapshot.total
        self.table.set_empty("No run yet." if none_yet else "No run matches these filters; escape clears them.")
        self.table.set_rows(rows, lambda row: run_columns.in_group(row, tile) and (kind is None or row.type == kind))
        self._keep_columns()
        self.show_tiles()

    def _keep_columns(self) -> None:
        """Keep the widths that the unfiltered rows need, so that filtering neither moves nor replaces a column."""
        found = self.table.widest
        if self._read is None or self._read[:2] == ("", EVERY_RUN):
            self._widest = found
        self.table.fit_columns((), {key: max(size, found.get(key, 0)) for key, size in self._widest.items()} or found)

    def show_tiles(self) -> None:
        """Show the filter tabs (tiles) with the counts that were read together with the rows.

        They are not counted from the rows, because the text filter searches all runs of the book, not only those
        loaded.
        """
        if self._snapshot is not None:
            here = self.tile if self._read is not None and self._read[1] == self._group else ""
            self.tiles.tabs = run_columns.group_tabs(self._snapshot, here)

    async def detail_of(self, key: str) -> Builder:
        return run_lines(await self.host.ask(run_queries.run_view, key))

    def show_run(self, run_id: str) -> None:
        """Clear all filters and move the cursor to a run. If the run is older than those loaded, only it is shown."""
        self.show_only("")
        self._wanted = run_id
        self.table.go_to(run_id)
        self.host.pull_soon()

    def reset_filters(self) -> None:
        self._type = None
        super().reset_filters()

    def set_tile(self, tile: str) -> None:
        super().set_tile(tile)
        self.read_anew()

    def action_cycle_type(self) -> None:
        self._type = TYPES[(TYPES.index(self._type) + 1) % len(TYPES)]
        self.table.renew_order()
        self.show_rows()
        self.read_anew()
        self.host.say(f"Type: {formats.words(self._type) if self._type else 'all'}.", lasts=Lasts.HERE)

    def reported(self) -> Reported | None:
        row = self.table.cursor_row
        if not isinstance(row, RunRow):
            return None
        return Reported(ReportSubject(ReportKind.RUN, row.id), f"run {formats.short_id(row.id)}, {row.client}")

    async def page_of(self, key: str) -> Page:
        view = await self.host.ask(run_queries.run_view, key)
        idle = idle_on(view.run.status, awaiting=view.run.awaits_approval)
        return Page(f"Run {formats.short_id(key)} · {view.client}", run_lines(view, whole=True), key, idle)

    def idle_on_row(self) -> frozenset[str]:
        row = self.table.cursor_row
        if not isinstance(row, RunRow):
            return frozenset()
        return idle_on(RunStatus(row.status), awaiting=row.awaiting_approval)

    def action_json(self) -> None:
        run_id = self.selected_id()
        if run_id is not None:
            self.host.work(self._json(run_id), name="json")

    async def _json(self, run_id: str) -> None:
        text = (await self.host.ask(run_queries.run_view, run_id)).api_json
        if self.is_current:
            self.app.push_screen(JsonScreen(f"Run {formats.short_id(run_id)} · API format", text))

    def action_cancel_run(self) -> None:
        run_id = self.selected_id()
        row = self.table.cursor_row
        if run_id is None or row is None:
            return
        if RunStatus(row.status).final:
            self.host.say(final_text(row))
            return
        effects = cancel_effects(row)

        async def do() -> str:
            return (await self.host.ask(manual_runs.cancel_run, run_id)).status

        self.host.confirm_sending(
            "Cancel this run?", "", "Cancel run", do, "Canceling the run", effects=effects, no="Keep"
        )

    def _awaiting(self) -> RunRow | None:
        """Return the run under the cursor if it awaits review; else show a message and return None."""
        row = self.table.cursor_row
        if self.selected_id() is None or not isinstance(row, RunRow):
            return None
        if not row.awaiting_approval:
            self.host.say("This run does not await review.")
            return None
        return row

    def action_approve(self) -> None:
        row = self._awaiting()
        if row is not None:
            self.host.work(approval.ask_to_approve(self, [row.id]), name="approve")

    def action_reject(self) -> None:
        row = self._awaiting()
        if row is not None:
            approval.ask_to_reject(self, [row])

    def action_trade_list(self) -> None:
        write_trade_list(self)

    def action_account(self) -> None:
        row = self.table.cursor_row
        if self.selected_id() is not None and row is not None:
            self.host.navigation.show_account(row.account_id)
