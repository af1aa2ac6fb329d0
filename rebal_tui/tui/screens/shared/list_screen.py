"""Base class of list screens with a detail panel: filter, sort, copy and export."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType
from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.widgets import Input

from rebal_tui.domain.text import count_text
from rebal_tui.services.view_models.filter_terms import FieldKind, parse_filter
from rebal_tui.tui import actions
from rebal_tui.tui.book_services import scheduler
from rebal_tui.tui.key_meanings import OPENING_KEY
from rebal_tui.tui.navigation import ShowsMatching
from rebal_tui.tui.notices import Lasts
from rebal_tui.tui.screens.shared.detail_panel import DetailPanel
from rebal_tui.tui.screens.shared.export import ExportScreen
from rebal_tui.tui.screens.shared.export_choices import ExportChoice, Reported, report, shown_rows, whole_book
from rebal_tui.tui.screens.shared.list_columns import apply_columns, columns_screen
from rebal_tui.tui.screens.shared.list_sort import ask_sort, key_of, view_of
from rebal_tui.tui.screens.shared.row_page import row_page
from rebal_tui.tui.screens.shared.saved_filters import SavedFilter, SavedFiltersScreen
from rebal_tui.tui.sections import section_label
from rebal_tui.tui.widgets.lines import LinesView
from rebal_tui.tui.widgets.list_foot import ListFoot
from rebal_tui.tui.widgets.pane import Pane, Panes
from rebal_tui.tui.widgets.table import BookTable
from rebal_tui.tui.widgets.table_order import View
from rebal_tui.tui.widgets.text_field import FilterField

MANUAL_JOB_BUDGET_SECONDS = 2.0
"""Time limit for running a job at once; heartbeats do what remains."""
MANY_ROWS = 5_000
"""From this number of rows on, filtering takes longer than drawing the typed letter, so it runs on another thread."""


class ListScreen(ShowsMatching, DetailPanel):
    """A table, a filter input opened with `/`, and a detail panel for the row under the cursor.

    `EXPORT` is the kind of records that key `x` exports. `FILTER_FIELDS` are the fields that a filter can name, as in
    `drift>5`; `FILTER_CHOICES` has the valid values of some of them. `EXAMPLE_TERMS` is a filter shown as a hint.
    """

    AUTO_FOCUS = "BookTable"
    EXPORT: ClassVar[str]
    FILTER_FIELDS: ClassVar[Mapping[str, FieldKind]] = MappingProxyType({})
    FILTER_CHOICES: ClassVar[Mapping[str, Collection[str]]] = MappingProxyType({})
    EXAMPLE_TERMS: ClassVar[str] = ""

    def __init__(self) -> None:
        super().__init__()
        self._filter_label = ""
        self._filter_set_elsewhere = False
        self._sort_explained = False
        self._filtering = False
        """Whether a typed filter is still being applied."""

    async def run_job(self, job: str) -> str:
        """Run a scheduler job now and return its result as text."""
        return await self.host.ask(scheduler.run_now, job, MANUAL_JOB_BUDGET_SECONDS)

    def make_table(self) -> BookTable[Any]:
        """Create the table of this section."""
        raise NotImplementedError

    def compose_tables(self) -> ComposeResult:
        """Yield the table, or the container with several tables."""
        yield self.make_table()

    def compose_list(self) -> ComposeResult:
        """Yield the tables and the detail panel, each in a pane, the filter input and the bottom line."""
        with Panes(id="body"):
            with Pane(section_label(self.SECTION), id="list-pane"):
                yield from self.compose_tables()
            with Pane(self.NOUN.capitalize(), id="detail-pane"):
                yield LinesView(id="detail")
        filter_line = FilterField(placeholder=self.filter_hint, id="filter")
        filter_line.display = False
        yield filter_line
        yield ListFoot(id="foot")

    @property
    def filter_hint(self) -> str:
        """The placeholder text of the filter input."""
        terms = f" or {self.EXAMPLE_TERMS}" if self.EXAMPLE_TERMS else ""
        return f"filter {self.NOUN}s: words of any column{terms}"

    @property
    def filter_text(self) -> str:
        """The text by which the rows are filtered; empty if there is no filter."""
        return self.table.view.text

    @property
    def row_counts(self) -> tuple[int, int]:
        """The number of rows that match the filter, and the number of all rows."""
        return self.table.counts

    @property
    def foot(self) -> ListFoot:
        return self.query_one(ListFoot)

    def show_filter(self) -> None:
        """Show the filter in the bottom line, with its row counts and its error."""
        foot, text = self.foot, self.filter_text
        foot.counts = self.row_counts
        foot.fault = parse_filter(text, self.FILTER_FIELDS, self.FILTER_CHOICES).fault
        foot.chip = self._filter_label or text if text and not self.query_one("#filter", Input).display else ""

    @property
    def table(self) -> BookTable[Any]:
        return self.query_one(BookTable)

    def selected_id(self) -> str | None:
        """Return the id of the row under the cursor; if there is no row, show a message and return None."""
        key = self.table.cursor_key
        if key is None:
            self.host.say(f"No {self.NOUN} selected.")
            return None
        return str(key)

    async def open_row(self, key: str) -> None:
        """Show the page of a row."""
        page = await self.page_of(key)
        if page is not None and self.is_current:
            self.app.push_screen(row_page(self, page, key))

    def idle_actions(self) -> frozenset[str]:
        return actions.needing_row(self.SECTION) if self.table.cursor_key is None else self.idle_on_row()

    def idle_on_row(self) -> frozenset[str]:
        """Return the ids of the actions that cannot work on the row under the cursor; called after every move."""
        return frozenset()

    @on(BookTable.Opened)
    def _opened(self, event: BookTable.Opened) -> None:
        self.host.work(self.open_row(str(event.key)), name=self.NOUN)

    def take_unbound(self, key: str) -> bool:
        opens = key == OPENING_KEY and self.table.has_focus and self.table.cursor_key is not None
        if opens and self.meanings(key):
            self.table.action_open()
            return True
        return super().take_unbound(key)

    def action_filter(self) -> None:
        self.query_one("#filter", FilterField).open()
        self._filter_label, self._filter_set_elsewhere = "", False
        self.show_filter()

    @on(Input.Changed, "#filter")
    def _filter_changed(self, event: Input.Changed) -> None:
        if self.table.total < MANY_ROWS:
            self.filter_by(event.value)
        elif not self._filtering:
            self._filtering = True
            self.call_after_refresh(lambda: self.host.work(self._filter_many(event.input), name="filter"))

    async def _filter_many(self, line: Input) -> None:
        """Filter many rows on another thread, after the typed letter is drawn.

        If more is typed meanwhile, only the last text is applied.
        """
        try:
            while not self.table.has_arranged(line.value):
                await asyncio.to_thread(self.table.arrange_ahead, line.value)
        finally:
            self._filtering = False
            self.filter_by(line.value)
            self.host.keys_ready()

    @property
    def ready(self) -> bool:
        return super().ready and not self._filtering

    def filter_by(self, text: str) -> None:
        """Filter the rows by text."""
        view = self.table.view
        self.table.view = View(view.sort, view.reverse, text)
        self.show_filter()

    @on(Input.Submitted, "#filter")
    def _filter_done(self, event: Input.Submitted) -> None:
        event.input.display = False
        self.table.focus()
        self.show_filter()

    def action_back(self) -> None:
        line = self.query_one("#filter", Input)
        if self._filter_set_elsewhere and self.host.way_back.go_back():
            self._clear_filter()
        elif line.display or line.value:
            self._clear_filter()
            self.table.focus()
        elif not self.table.has_focus:
            self.table.focus()
        elif self.host.way_back.go_back():
            self._clear_filter()
        else:
            self.leave_list()

    def _clear_filter(self) -> None:
        line = self.query_one("#filter", Input)
        self._filter_label, self._filter_set_elsewhere = "", False
        line.value, line.display = "", False
        self.filter_by("")

    def show_only(self, text: str, label: str = "") -> None:
        """Filter by text and clear all other filters; the bottom line shows `label` for the
        filter, by default its text.
        """
        self.reset_filters()
        line = self.query_one("#filter", Input)
        line.value, line.display = text, False
        self._filter_label, self._filter_set_elsewhere = label, bool(text)
        self.filter_by(text)

    def entered(self) -> None:
        """Called when the user presses the key of the section that is shown already.

        Sorts the rows now and again at the next refresh, and clears a filter that another section has set.
        """
        if self.is_mounted:
            self.table.action_sort_now()
            self.table.renew_order()
        if self._filter_set_elsewhere:
            self._clear_filter()

    def keep_order(self) -> None:
        """Keep the order of the rows for some time.

        Called for each key and click, also in a dialog above the list, and when the user comes back to this section.
        """
        if self.is_mounted:
            self.table.touch()

    @on(ListFoot.Cleared)
    def _chip_clicked(self) -> None:
        self._clear_filter()

    @on(BookTable.Moved)
    def _rows_moved(self, event: BookTable.Moved) -> None:
        if event.table is self.table:
            self.foot.moved = event.moved

    @on(BookTable.Counted)
    def _rows_counted(self, event: BookTable.Counted) -> None:
        if event.table is self.table:
            self.foot.counts = self.row_counts

    def reset_filters(self) -> None:
        """Clear the filters other than the text filter."""

    def leave_list(self) -> None:
        """Called on escape if no text filter is set and the list has the focus. By default, clears other filters."""
        self.reset_filters()

    def action_sort(self) -> None:
        """Sort by the next column. The first time, a message names the keys for the other columns and for the default
        order.
        """
        if order_name := self.table.cycle_sort():
            self.host.say(f"Sorted by {order_name}.", lasts=Lasts.HERE)
        elif not self._sort_explained:
            self._sort_explained = True
            text = f"Sorted by the next column; {key_of(self.host)} chooses one, or the default order."
            self.host.say(text, lasts=Lasts.HERE)

    def action_sort_by(self) -> None:
        ask_sort(self, self.table, self.list_name, section_label(self.SECTION))

    def action_reverse(self) -> None:
        self.table.reverse_sort()

    def action_copy_id(self) -> None:
        key = self.selected_id()
        if key is not None:
            self.app.copy_to_clipboard(key)
            self.host.say(f"Copied {self.copied_name} {key}.")

    @property
    def copied_name(self) -> str:
        """What key `y` copies, in words, such as `the run's id`, for the message that is then shown."""
        return f"the {self.NOUN}'s id"

    def mark_shown(self, noun: str) -> None:
        """Mark every row shown; if all are marked already, clear the marks. `noun` is the word for a row."""
        shown = self.table.keys_shown
        if not shown:
            self.host.say(f"No {noun} to mark.")
        elif shown <= self.table.marked:
            self.table.marked = frozenset()
            self.host.say(f"No {noun} is marked.")
        else:
            self.table.marked = self.table.marked | shown
            self.host.say(f"{count_text(len(self.table.marked), noun)} marked.")

    @property
    def list_name(self) -> str:
        """The name of the list in the settings file."""
        identity = self.table.id
        return f"{self.SECTION}.{identity}" if identity else str(self.SECTION)

    def on_mount(self) -> None:
        settings = self.host.settings_file.settings
        for table in self.query(BookTable):
            name = f"{self.SECTION}.{table.id}" if table.id else str(self.SECTION)
            table.choose_columns(settings.columns.get(name))
            table.view = view_of(table, settings.sort.get(name, "")) or table.view
            self.watch(table, "marked", self.show_keys, init=False)

    def action_columns(self) -> None:
        table, name = self.table, self.list_name

        def chosen(keys: tuple[str, ...] | None) -> None:
            if keys is not None:
                apply_columns(self.host, table, name, keys)

        self.app.push_screen(columns_screen(table, section_label(self.SECTION)), chosen)

    def action_saved_filters(self) -> None:
        def chosen(found: SavedFilter | None) -> None:
            if found is not None:
                self.show_only(found.text, found.name)
                self._filter_set_elsewhere = False

        self.app.push_screen(SavedFiltersScreen(self.list_name, section_label(self.SECTION), self.filter_text), chosen)

    def reported(self) -> Reported | None:
        """The subject of a report on the row under the cursor; None without a row, or if
        rows of this list have no report.
        """
        return None

    def action_export(self) -> None:
        self.export()

    def export(self, first: str = "", more: Sequence[ExportChoice] = ()) -> None:
        stem = self.table.id or f"{self.NOUN}s"
        choices = [shown_rows(self.table, stem, self.NOUN)]
        reported, make_report = self.reported(), self.host.make_report
        if reported is not None and make_report is not None:
            choices.append(report(make_report, reported))
        self.app.push_screen(ExportScreen([*choices, *more, whole_book(self.host, self.EXPORT)], first))
