"""The page of an account: why it trades or waits, positions, cash, runs, decisions and audit
entries; kept up to date.
"""

from __future__ import annotations

from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widget import Widget

from rebal_tui.domain.decisions import Decision
from rebal_tui.domain.sessions import new_york_day
from rebal_tui.domain.text import day_text
from rebal_tui.services.view_models.account_page import AccountPageView
from rebal_tui.services.view_models.report_subject import ReportKind, ReportSubject
from rebal_tui.services.view_models.runs import RunRow
from rebal_tui.tui import formats
from rebal_tui.tui.book_services import account_pages, account_trails
from rebal_tui.tui.keymap import BY_ID
from rebal_tui.tui.notices import Lasts
from rebal_tui.tui.screens.account.head import head_lines
from rebal_tui.tui.screens.account.tables import (
    decision_columns,
    keyed_decisions,
    ledger_columns,
    position_columns,
    trail_columns,
)
from rebal_tui.tui.screens.runs import columns as run_columns
from rebal_tui.tui.screens.shared.account_lines import decision_lines, overview_lines
from rebal_tui.tui.screens.shared.dialog import ReadScreen
from rebal_tui.tui.screens.shared.export_choices import Reported, report
from rebal_tui.tui.screens.shared.loads_older import OlderRows
from rebal_tui.tui.screens.shared.row_page import HasRows, PageOfList, with_keys_of
from rebal_tui.tui.sections import Section
from rebal_tui.tui.widgets.key_bar import KeyBar
from rebal_tui.tui.widgets.lines import LinesView
from rebal_tui.tui.widgets.page_title import PageTitle
from rebal_tui.tui.widgets.table import BookTable
from rebal_tui.tui.widgets.tabs import Tab, TabBar

OVERVIEW, AUDIT = "Overview", "Audit"
DAY_REPORT = "day report"
"""Key of the export choice that writes a report of one day."""
READING = "Reading the audit trail…"
NAMED = "Entries that name the account; the report of a run cites the run's entries."
MOST_TIMES = 5
"""Limit for runs and decisions, as a multiple of the number loaded first: all are read again after a change."""
TABS = (OVERVIEW, "Positions", "Cash", "Runs", "Decisions", AUDIT)
MORE_COUNTED = "A count with + is at least as many; the last row of the tab loads older ones."


class AccountPage(PageOfList[str]):
    """An account with one tab for each kind of data. Returns the id of the run that the user opened, or None.

    Audit entries are read only when their tab is chosen.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("t", "tab(1)", "Next tab", tooltip=MORE_COUNTED),
        Binding("T", "tab(-1)", "Previous tab", show=False),
        Binding("s", "sort", "Sort"),
        Binding("S", "reverse", show=False),
        Binding("y", "copy", "Copy id", show=False),
    ]
    AUTO_FOCUS = ""
    DEFAULT_CSS = """
    AccountPage { background: $background; }
    AccountPage #page-head { height: auto; min-height: 4; max-height: 8; }
    AccountPage #page-tabs { background: $surface; }
    AccountPage .page-tab { display: none; }
    AccountPage .page-tab.-shown { display: block; }
    """

    def __init__(self, owner: HasRows, page: AccountPageView, tab: str = OVERVIEW) -> None:
        """`owner` is the list from which the page is opened; `tab` is the tab shown first."""
        super().__init__()
        self.owner = owner
        self.row_key = page.view.account_id
        self._page, self._seen = page, page.version
        self._chosen = tab
        self._older = OlderRows(
            lambda text: self.host.say(text, lasts=Lasts.HERE), 1, MOST_TIMES, "a report (x) has all"
        )
        """Its limit is the number of runs and of decisions to load, as a multiple of the number loaded first."""
        self._times = self._older.limit
        """The limit of the runs and decisions that are shown."""

    def compose(self) -> ComposeResult:
        yield PageTitle(status=self.host.last_status)
        yield LinesView(id="page-head")
        yield TabBar((), OVERVIEW, id="page-tabs")
        yield LinesView(id="tab-overview", classes="page-tab")
        tables: tuple[BookTable[Any], ...] = (
            BookTable(position_columns(), lambda row: row.symbol, empty="No positions.", id="tab-positions"),
            BookTable(ledger_columns(), lambda row: row[0], empty="No cash movements.", id="tab-cash"),
            BookTable(run_columns.columns(), lambda row: row.id, empty="No run yet.", id="tab-runs"),
            BookTable(
                decision_columns(), lambda row: row[0], empty="No evaluation has been stored.", id="tab-decisions"
            ),
            BookTable(trail_columns(), lambda row: row.seq, empty=READING, id="tab-audit"),
        )
        for table in tables:
            table.add_class("page-tab")
            yield table
        yield KeyBar()

    def on_mount(self) -> None:
        self.query_one("#page-head").can_focus = False
        self._show(self._page)
        self._choose(self._chosen)

    @property
    def account_id(self) -> str:
        """The account that the page shows."""
        return self._page.view.account_id

    async def renew(self) -> None:
        key, step, times = self.row_key, self._steps, self._older.limit
        page = await self.host.ask(account_pages.account_page, key, times)
        if not self.shows(key, step):
            return
        recorded, self._times = _records(self._page), times
        self._show(page)
        self._note_loaded()
        if self._tab == AUDIT and _records(page) != recorded:
            await self._read_trail()

    async def turn_to(self, key: str, step: int) -> None:
        page = await self.host.ask(account_pages.account_page, key)
        if not self.is_latest(step):
            return
        self._older.restart()
        self.row_key, self._times = key, self._older.limit
        self._table(AUDIT).set_empty(READING)
        self._table(AUDIT).set_rows(())
        self._show(page)
        self._choose(self._tab)

    def _show(self, page: AccountPageView) -> None:
        self._page, self._seen = page, page.version
        view, detail = page.view, page.detail
        row = detail.row
        self.query_one(PageTitle).title = f"Account {row.account_number} · {row.client}"
        self.query_one("#page-head", LinesView).show(lambda width, _: head_lines(detail, width))
        counts = (len(detail.positions), len(detail.ledger), len(detail.runs), len(detail.decisions))
        older = (False, False, "runs" in detail.more, "decisions" in detail.more)
        figures = ("", *(f"{count:,}{'+' * more}" for count, more in zip(counts, older, strict=True)), "")
        self.query_one("#page-tabs", TabBar).tabs = tuple(
            Tab(tab, tab, figure=figure) for tab, figure in zip(TABS, figures, strict=True)
        )
        self.query_one("#tab-overview", LinesView).show(overview_lines(view))
        self._table("Positions").set_rows(detail.positions)
        ledger = [(len(detail.ledger) - index, entry) for index, entry in enumerate(detail.ledger)]
        self._table("Cash").set_rows(ledger)
        before = ""
        if not detail.runs and detail.last_rebalanced is not None:
            before = f" It was rebalanced on {day_text(detail.last_rebalanced)}, before this book has its runs."
        self._table("Runs").set_empty(f"No run yet.{before}")
        self._table("Runs").set_rows(detail.runs)
        self._table("Decisions").set_rows(keyed_decisions(detail.decisions))

    def _table(self, tab: str) -> BookTable[Any]:
        return self.query_one(f"#tab-{tab.lower()}", BookTable)

    @property
    def _tab(self) -> str:
        return self.query_one("#page-tabs", TabBar).current

    @property
    def _current(self) -> BookTable[Any] | None:
        """The table that is shown. On the overview, which has none, shows a message and returns None."""
        if self._tab != OVERVIEW:
            return self._table(self._tab)
        self.host.say("The overview has no rows to sort; t shows the next tab.", lasts=Lasts.HERE)
        return None

    def _choose(self, tab: str) -> None:
        self._chosen = self.query_one("#page-tabs", TabBar).current = tab
        for name in TABS:
            shown: Widget = self.query_one(f"#tab-{name.lower()}")
            shown.set_class(name == tab, "-shown")
            if name == tab:
                shown.focus()
        self._note_loaded()
        self.query_one(KeyBar).left_out = frozenset({"sort"} if tab == OVERVIEW else ())
        if tab == AUDIT:
            self.host.say(NAMED, lasts=Lasts.HERE)
            self.host.work(self._read_trail(), name="audit trail")

    async def _read_trail(self) -> None:
        account_id = self.account_id
        entries = await self.host.ask(account_trails.account_trail, account_id)
        if self.is_attached and account_id == self.account_id:
            self._table(AUDIT).set_empty("No audit entry names this account.")
            self._table(AUDIT).set_rows(entries)

    @on(BookTable.Highlighted)
    def _load_older(self, event: BookTable.Highlighted) -> None:
        if event.table.id == f"tab-{self._tab.lower()}" and self._older.wanted(event.table, self._noun):
            self.host.work(self.renew(), name="older rows")

    @property
    def _noun(self) -> str:
        return self._tab.lower().removesuffix("s")

    def _note_loaded(self) -> None:
        """Record how much of the tab is loaded; only runs and decisions can have older rows."""
        tab = self._tab
        count = 0 if tab == OVERVIEW else len(self._table(tab).rows)
        self._older.note(self._times, count, self._noun, more=tab.lower() in self._page.detail.more)

    def action_tab(self, direction: int) -> None:
        self._choose(self.query_one("#page-tabs", TabBar).step(direction))

    @on(TabBar.Chosen, "#page-tabs")
    def _clicked(self, event: TabBar.Chosen) -> None:
        self._choose(event.key)

    def action_export(self) -> None:
        """Open the export dialog for a report of the account; on the tab Decisions, a report of the day of the decision
        under the cursor.
        """
        row, make_report = self._table("Decisions").cursor_row, self.host.make_report
        if self._tab != "Decisions" or row is None or make_report is None:
            super().action_export()
            return
        day = new_york_day(row[1].at)
        subject = ReportSubject(ReportKind.ACCOUNT, self.account_id, day, day)
        name = f"{self._page.view.client}, {day_text(day)}"
        self.owner.export(DAY_REPORT, [report(make_report, Reported(subject, name), DAY_REPORT)])

    def action_of_objects(self, identity: str) -> None:
        """Go to Accounts and run the action with this id on the account; after that, return to this page."""
        host, section = self.host, self.app.current_mode

        async def back() -> None:
            host.go(section)
            await self.open_again()

        self.dismiss()
        host.navigation.act_on_account(self.account_id, BY_ID[identity].method, back)

    async def open_again(self) -> None:
        owner = self.owner
        if isinstance(owner, PageOfList):
            await owner.open_again()
            above = self.app.screen
            if not isinstance(above, type(owner)):
                return
            owner = above
            owner.table.go_to(self.row_key)
        await open_account(owner, self.row_key, self._chosen)

    def action_sort(self) -> None:
        table = self._current
        if table is not None and (order_name := table.cycle_sort()):
            self.host.say(f"Ordered by {order_name}.", lasts=Lasts.HERE)

    def action_reverse(self) -> None:
        table = self._current
        if table is not None:
            table.reverse_sort()

    def action_copy(self) -> None:
        self.app.copy_to_clipboard(self.account_id)
        self.host.say(f"Copied the account's id {self.account_id}.")

    @on(BookTable.Opened)
    def _opened(self, event: BookTable.Opened) -> None:
        row = event.table.cursor_row
        if isinstance(row, RunRow):
            self.dismiss(row.id)
        elif row is not None and event.table is self._table("Decisions"):
            decision: Decision = row[1]
            title = f"Decision · {self._page.view.client} · {formats.short_timestamp(decision.at)}"
            self.app.push_screen(ReadScreen(title, lambda width, _: decision_lines(decision, width)))
        else:
            self.host.say("This row has no further details.")


def _records(page: AccountPageView) -> tuple[object, ...]:
    """The data that changes with most audit entries of the account. The audit trail is read again only if it has
    changed.
    """
    detail = page.detail
    return detail.runs, detail.ledger, detail.decisions


async def open_account(owner: HasRows, account_id: str, tab: str = OVERVIEW) -> None:
    """Open the page of an account on the tab `tab`, unless another screen was opened meanwhile.

    A run that the user opens there is shown in Runs.
    """
    page = await owner.host.ask(account_pages.account_page, account_id)

    def answered(run_id: str | None) -> None:
        if run_id:
            owner.host.navigation.show_run(run_id)

    if owner.is_current:
        page_class = with_keys_of(owner, AccountPage, Section.ACCOUNTS)
        owner.app.push_screen(page_class(owner, page, tab), answered)
