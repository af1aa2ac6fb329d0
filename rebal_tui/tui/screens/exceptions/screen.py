"""Exceptions section: states that need a person although no drift band is exceeded, and open alerts (R-58)."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import ClassVar

from textual.binding import BindingType
from textual.screen import Screen

from rebal_tui.domain.text import count_text
from rebal_tui.services.view_models.exceptions import ExceptionKind, ExceptionList, ExceptionView
from rebal_tui.services.view_models.log import AlertView
from rebal_tui.tui import actions
from rebal_tui.tui.book_services import account_queries, exception_list, log_queries, status_queries
from rebal_tui.tui.screens.exceptions import lines
from rebal_tui.tui.screens.exceptions.lines import ALERTS_TAB, EXCEPTIONS_TAB, Ended, Row, ShownRow
from rebal_tui.tui.screens.shared.holds import ask_to_reconcile, ask_to_release_asset
from rebal_tui.tui.screens.shared.row_page import Page
from rebal_tui.tui.screens.shared.tiled_list_screen import TiledListScreen
from rebal_tui.tui.sections import EXCEPTIONS, LISTS
from rebal_tui.tui.widgets.lines import Builder
from rebal_tui.tui.widgets.table import BookTable
from rebal_tui.tui.widgets.tabs import ALL


class ExceptionsScreen(TiledListScreen, inherit_bindings=False):
    """List of exceptions, most urgent first, followed by the open alerts."""

    SECTION = EXCEPTIONS
    EXPORT = "audit"
    NOUN = "exception"
    CSS_PATH = ["../shared/list.tcss", "exceptions.tcss"]  # noqa: RUF012 - read only, as Textual declares it
    BINDINGS: ClassVar[list[BindingType]] = [*Screen.BINDINGS, *actions.bindings(EXCEPTIONS, LISTS)]

    def __init__(self) -> None:
        super().__init__()
        self._found: ExceptionList | None = None
        self._rows: Sequence[ShownRow] = ()
        """All exceptions and alerts, and those that ended while the order of the rows was kept."""
        self._kept_since: float | None = None
        """Since when that order is kept."""
        self._entered_on: Hashable | None = None
        """The row to which entering the section has moved the cursor; None once newer rows were shown."""

    def make_table(self) -> BookTable[ShownRow]:
        return BookTable(lines.columns(), lines.row_key, search=lines.search, empty="Reading the exceptions…")

    async def pull(self) -> None:
        self.show_status(await self.host.ask(status_queries.status_line))
        seen = self._found.stamp if self._found is not None else None
        found = await self.host.ask(exception_list.exception_list, seen)
        kept_since = self.table.kept_since
        if found is None:
            if kept_since != self._kept_since and any(isinstance(row, Ended) for row in self._rows):
                self._take(self._found, None)
                self.show_rows()
            self.table.adopt_order()
            self._start_again()
            return
        self._take(found, kept_since)
        detail = await self.read_detail()
        with self.app.batch_update():
            self.show_rows()
            self._start_again()
            self.show_detail(detail)
        self.table.marked = self.table.marked & {lines.row_key(row) for row in found.alerts}

    def entered(self) -> None:
        """Called when the user presses the key of this section: sort the rows and move the cursor to the first one.

        When newer rows are shown next, the cursor goes to their first row, unless the user has moved it.
        """
        super().entered()
        if self.is_mounted:
            self.table.action_edge(False)
            self._entered_on = self.table.cursor_key

    def _start_again(self) -> None:
        """After the section was entered, move the cursor to the first of the newer rows, unless it was moved."""
        if self._entered_on is not None and self._entered_on == self.table.cursor_key:
            self.table.action_edge(False)
        self._entered_on = None

    def _take(self, found: ExceptionList | None, kept_since: float | None) -> None:
        """Take new data. While the order of the rows is kept (since `kept_since`), exceptions and alerts that have
        ended keep their places.

        If not all exceptions are loaded as rows, it is unknown whether one that is no longer among the rows has ended.
        """
        before = self._rows if self._kept_since == kept_since is not None else self._lasting()
        self._found, self._kept_since = found, kept_since
        rows = self._lasting()
        status = self.host.last_status
        is_whole = found is not None and found.total == len(found.items)
        if kept_since is not None and is_whole and status is not None:
            self._rows = lines.with_ended(before, rows, status.now)
        else:
            self._rows = rows

    def _lasting(self) -> tuple[Row, ...]:
        return (*self._found.items, *self._found.alerts) if self._found is not None else ()

    def show_rows(self) -> None:
        if self._found is None:
            return
        empty = not self._found.total and not self._found.alerts
        self.table.set_empty("Nothing needs a person." if empty else f"Nothing under “{self.tile}”; escape shows all.")
        kinds: dict[str, type[Row]] = {ALERTS_TAB: AlertView, EXCEPTIONS_TAB: ExceptionView}
        kind = kinds.get(self.tile)
        self.table.set_rows(self._rows, None if kind is None else lambda row: isinstance(lines.lasting(row), kind))
        self.show_tiles()

    def show_tiles(self) -> None:
        if self._found is None:
            return
        view, exceptions, alerts = self.table.view, self._found.total, len(self._found.alerts)
        if view.text:
            found = [row for row in self.table.found if not isinstance(row, Ended)]
            alerts = sum(isinstance(row, AlertView) for row in found)
            exceptions = len(found) - alerts
        self.tiles.tabs = lines.tabs(exceptions, alerts, sorted_by_column=view.sort is not None or view.reverse)

    def action_sort(self) -> None:
        super().action_sort()
        self.show_rows()

    def action_reverse(self) -> None:
        super().action_reverse()
        self.show_rows()

    @property
    def detail_in_sight(self) -> bool:
        """Always True: on a narrow terminal the detail is below the list, because reasons do not fit into the rows."""
        return True

    async def detail_of(self, key: str) -> Builder | None:
        row = self._row_of(key)
        return lines.detail_lines(row) if row is not None else None

    def _row_of(self, key: str) -> ShownRow | None:
        return next((row for row in self._rows if lines.row_key(row) == key), None)

    async def page_of(self, key: str) -> Page | None:
        row = self._row_of(key)
        if row is None:
            return None
        return Page(lines.kind_text(row), lines.detail_lines(row), lines.lasting(row).text, idle_on(row))

    def idle_actions(self) -> frozenset[str]:
        return super().idle_actions() | {"list.export"}

    def idle_on_row(self) -> frozenset[str]:
        row: ShownRow | None = self.table.cursor_row
        if row is None or (not isinstance(row, AlertView) and self._marked_alerts()):
            return frozenset()
        return idle_on(row)

    async def open_row(self, key: str) -> None:
        row = self.row_here(key)
        if isinstance(row, ExceptionView) and row.kind in lines.OF_PORTFOLIOS and row.portfolio_id is not None:
            self.host.navigation.open_portfolio(row.portfolio_id)
        else:
            await super().open_row(key)

    def leave_list(self) -> None:
        if self.tile != ALL:
            self.reset_filters()
        else:
            self.host.go(self.host.previous_mode)

    def action_export(self) -> None:
        self.host.say("Exceptions have no export; the API and the check command list them.")

    def _row(self) -> Row | None:
        """Return the row under the cursor; if there is none, or it has ended, show a message and return None."""
        row: ShownRow | None = self.table.cursor_row
        if isinstance(row, Ended):
            self.host.say(f"{lines.ended_text(row)}: nothing is left to do; the key . takes it out of the list.")
            return None
        return row if self.selected_id() is not None else None

    def action_answer(self) -> None:
        row = self._row()
        if isinstance(row, AlertView):
            self.host.say("This is an alert: a acknowledges it, g goes to its subject.")
        elif row is not None:
            self._answer(row)

    def _answer(self, row: ExceptionView) -> None:
        if row.kind is ExceptionKind.ASSET_ON_HOLD and row.symbol is not None:
            ask_to_release_asset(self, row.symbol, row.text.removesuffix("."), row.accounts)
        elif row.kind is ExceptionKind.UNEXPLAINED_DIFFERENCE and row.account_id is not None:
            self.host.work(self._reconcile(row.account_id), name="reconcile")
        elif row.kind is ExceptionKind.RUN_FAILED:
            alerts = self._found.alerts if self._found is not None else ()
            self._acknowledge(tuple(alert.key for alert in alerts if alert.subject == row.run_id))
        elif row.kind in lines.OF_PORTFOLIOS and row.portfolio_id is not None and not row.over:
            self.host.navigation.edit_portfolio(row.portfolio_id)
        else:
            self._go_to(row)
            self.host.say(f"To do: {row.remedy}.")

    async def _reconcile(self, account_id: str) -> None:
        account = await self.host.ask(account_queries.account_row, account_id)
        await ask_to_reconcile(self, account_id, account.client)

    def action_acknowledge(self) -> None:
        row = self._row()
        if row is None:
            return
        marked = self._marked_alerts()
        if marked:
            self._acknowledge(marked)
        elif isinstance(row, AlertView):
            self._acknowledge((row.key,))
        else:
            self.host.say(f"An exception lasts until its cause ends. To do: {row.remedy}.")

    def _marked_alerts(self) -> tuple[int, ...]:
        """Return the keys of the marked alerts that the list shows."""
        if not self.table.marked:
            return ()
        alerts = (one for one in self.table.rows if isinstance(one, AlertView))
        return tuple(one.key for one in alerts if lines.row_key(one) in self.table.marked)

    def _acknowledge(self, keys: tuple[int, ...]) -> None:
        if not keys:
            self.host.say("No alert is open for it.")
            return
        done = "Acknowledged; it is raised again if its cause recurs"
        if len(keys) > 1:
            done = f"{count_text(len(keys), 'alert')} acknowledged"
        change = self.host.change(lambda: self.host.ask(log_queries.acknowledge_all, keys), done)
        self.host.work(change, name="acknowledge")

    def action_go_to(self) -> None:
        row = self._row()
        if row is not None:
            self._go_to(row)

    def _go_to(self, row: Row) -> None:
        navigation = self.host.navigation
        if isinstance(row, AlertView):
            navigation.show_subject(row.kind, row.subject)
        elif row.run_id is not None:
            navigation.show_run(row.run_id)
        elif row.account_id is not None:
            navigation.show_in_accounts(row.account_id)
        elif row.portfolio_id is not None:
            navigation.show_portfolio(row.portfolio_id)
        elif row.symbol is not None:
            navigation.show_asset(row.symbol)
        else:
            self.host.say("No section shows its subject.")


def idle_on(row: ShownRow) -> frozenset[str]:
    """Return the ids of the actions that cannot work on a row: only alerts are acknowledged, only exceptions resolved.

    Neither can be done if the exception or alert has ended.
    """
    resolve, acknowledge = "exceptions.answer", "log.acknowledge"
    if isinstance(row, Ended):
        return frozenset({resolve, acknowledge, "log.go"})
    return frozenset({resolve if isinstance(row, AlertView) else acknowledge})
