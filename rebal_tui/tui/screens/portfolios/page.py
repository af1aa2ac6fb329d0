"""The page of a portfolio: its weights and conditions, and its subscribers, those with the largest drift first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container

from rebal_tui.services.view_models.desk import DeskRow
from rebal_tui.services.view_models.portfolios import PortfolioView
from rebal_tui.services.view_models.report_subject import ReportKind, ReportSubject
from rebal_tui.tui.book_services import desk_queries, portfolio_queries
from rebal_tui.tui.screens.account.page import open_account
from rebal_tui.tui.screens.desk.columns import columns
from rebal_tui.tui.screens.portfolios.lines import dense_facts, portfolio_facts, subscribers_heading
from rebal_tui.tui.screens.shared.export import ExportScreen
from rebal_tui.tui.screens.shared.export_choices import ExportChoice, Reported, report, shown_rows, whole_book
from rebal_tui.tui.screens.shared.row_page import HasPages, PageOfList, with_keys_of
from rebal_tui.tui.widgets.key_bar import KeyBar
from rebal_tui.tui.widgets.lines import LinesView
from rebal_tui.tui.widgets.page_title import PageTitle
from rebal_tui.tui.widgets.table import BookTable

SCROLL, OPEN = "app.focus_next", "open"
_AROUND_BODY = 2
"""Lines of the title and of the keys."""
_ABOVE_ROWS = 2
"""Lines of the heading and of the column titles above the first subscriber."""
MAX_SUBSCRIBERS = 500
"""How many subscribers the page lists at most; the Desk lists all."""


class Subscribers(BookTable[DeskRow]):
    """The table of subscribers; the bottom line shows the key that opens the page of the account under the cursor."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "enter", OPEN, "Open account", key_display="enter", tooltip="Open the page of the account under the cursor."
        )
    ]


class PortfolioPage(PageOfList[None]):
    """A portfolio and its subscribers; enter opens the page of the account under the cursor."""

    SECTION = ""
    NOUN = "account"
    owner: HasPages
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("a", "of_list('portfolios.accounts')", "Show subscribers"),
        Binding(
            "tab", SCROLL, "Scroll details", tooltip="Move the focus to the details, whose lines exceed their space."
        ),
        Binding("y", "copy", "Copy id", show=False),
    ]
    AUTO_FOCUS = "Subscribers"
    DEFAULT_CSS = """
    PortfolioPage { background: $background; }
    PortfolioPage #portfolio-body { layout: horizontal; height: 1fr; }
    PortfolioPage.-narrow #portfolio-body { layout: vertical; }
    PortfolioPage #portfolio-facts { width: 2fr; }
    PortfolioPage.-narrow #portfolio-facts { width: 1fr; height: auto; max-height: 60%; }
    PortfolioPage #portfolio-accounts { width: 3fr; }
    PortfolioPage.-narrow #portfolio-accounts { width: 1fr; height: 1fr; }
    PortfolioPage #subscribers-head { height: 1; }
    """

    def __init__(self, owner: HasPages, view: PortfolioView, rows: Sequence[DeskRow]) -> None:
        super().__init__()
        self.owner = owner
        self.row_key = view.row.id
        self._view, self._rows = view, rows

    def compose(self) -> ComposeResult:
        yield PageTitle(status=self.host.last_status)
        with Container(id="portfolio-body"):
            yield LinesView(id="portfolio-facts")
            with Container(id="portfolio-accounts"):
                head = LinesView(id="subscribers-head")
                head.can_focus = False
                yield head
                shown = tuple(column for column in columns() if column.key != "portfolio")
                yield Subscribers(shown, lambda row: row.account_id, empty="No subscribers.")
        yield KeyBar()

    def on_mount(self) -> None:
        self.watch(self.query_one("#portfolio-facts", LinesView), "overflows", self._offer_keys)
        self._show(top=True)

    def _show(self, *, top: bool) -> None:
        """Show the portfolio; with `top`, scroll its details to the first line."""
        view = self._view
        self.query_one(PageTitle).title = f"Portfolio {view.row.name}"
        facts, dense = portfolio_facts(view), dense_facts(view)
        self.query_one("#portfolio-facts", LinesView).show(
            lambda width, height: (dense if self.has_class("-narrow") else facts)(width, height), top=top
        )
        self.query_one("#subscribers-head", LinesView).show(subscribers_heading(view, len(self._rows)))
        self.table.set_rows(self._rows)
        self._give_free_rows()
        self._offer_keys()

    def on_resize(self) -> None:
        self.call_after_refresh(self._give_free_rows)

    def _give_free_rows(self) -> None:
        """Let the details above the subscribers take the rows that a short list of subscribers does not need."""
        body = self.app.size.height - _AROUND_BODY
        free = body - max(len(self._rows), 1) - _ABOVE_ROWS
        facts = self.query_one("#portfolio-facts", LinesView)
        facts.styles.max_height = free if self.has_class("-narrow") and free > body * 6 // 10 else None

    def _offer_keys(self) -> None:
        """Let tab go to the details only while they do not fit, and enter open an account only while there is one."""
        facts = self.query_one("#portfolio-facts", LinesView)
        facts.can_focus = facts.overflows
        if facts.has_focus and not facts.overflows:
            self.table.focus()
        idle = {SCROLL: not facts.overflows, OPEN: not self._rows}
        self.query_one(KeyBar).left_out = frozenset(action for action, is_idle in idle.items() if is_idle)

    async def turn_to(self, key: str, step: int) -> None:
        view, rows = await _read(self.owner, key)
        if self.is_latest(step):
            self.row_key, self._view, self._rows = key, view, rows
            self.table.renew_order()
            self._show(top=True)
            self.table.action_edge(last=False)

    async def renew(self) -> None:
        key, step = self.row_key, self._steps
        view, rows = await _read(self.owner, key)
        if self.shows(key, step):
            self._view, self._rows = view, rows
            self._show(top=False)

    def action_copy(self) -> None:
        self.app.copy_to_clipboard(self.row_key)
        self.host.say(f"Copied the portfolio's id {self.row_key}.")

    @property
    def table(self) -> Subscribers:
        """The table of subscribers."""
        return self.query_one(Subscribers)

    def export(self, first: str = "", more: Sequence[ExportChoice] = ()) -> None:
        """Open the export dialog with the subscribers, and with a report of the account under the cursor."""
        row, make_report = self.table.cursor_row, self.host.make_report
        choices = [shown_rows(self.table, "subscribers", self.NOUN)]
        if row is not None and make_report is not None:
            choices.append(report(make_report, Reported(ReportSubject(ReportKind.ACCOUNT, row.account_id), row.client)))
        self.app.push_screen(ExportScreen([*choices, *more, whole_book(self.host, "accounts")], first))

    @on(BookTable.Opened)
    def _opened(self, event: BookTable.Opened) -> None:
        self.host.work(self.open_row(str(event.key)), name="account")

    async def open_row(self, key: str) -> None:
        """Show the page of the subscriber with this account id."""
        await open_account(self, key)


async def _read(section: HasPages, portfolio_id: str) -> tuple[PortfolioView, Sequence[DeskRow]]:
    view = await section.host.ask(portfolio_queries.portfolio_view, portfolio_id)
    return view, await section.host.ask(desk_queries.worst_subscribers, portfolio_id, MAX_SUBSCRIBERS)


async def open_portfolio(section: HasPages, portfolio_id: str) -> None:
    """Open the page of a portfolio, unless another screen was opened meanwhile."""
    view, rows = await _read(section, portfolio_id)
    if section.is_current:
        await section.app.push_screen(with_keys_of(section, PortfolioPage)(section, view, rows))
