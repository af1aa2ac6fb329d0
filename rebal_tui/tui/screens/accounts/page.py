"""Full-screen account page: positions, cash ledger, runs and decisions, refreshed live."""

from __future__ import annotations

from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Static

from rebal_tui.domain.decisions import Decision
from rebal_tui.services.view_models.accounts import AccountDetail, LedgerEntry, PositionView
from rebal_tui.services.view_models.runs import RunRow
from rebal_tui.tui import formats
from rebal_tui.tui.book_services import account_queries
from rebal_tui.tui.screens.accounts.lines import head_lines, settlement, signed
from rebal_tui.tui.screens.runs import columns as run_columns
from rebal_tui.tui.screens.shared.account_lines import OUTCOMES, decision_lines
from rebal_tui.tui.screens.shared.dialog import Dialog, LiveDialog, ReadScreen
from rebal_tui.tui.text import ui_text
from rebal_tui.tui.widgets.key_bar import KeyBar
from rebal_tui.tui.widgets.lines import LinesView
from rebal_tui.tui.widgets.table import BookTable
from rebal_tui.tui.widgets.table_layout import Column
from rebal_tui.tui.widgets.tabs import Tab, TabBar

TABS = ("Positions", "Cash", "Runs", "Decisions")
Numbered = tuple[int, LedgerEntry]
"""A ledger entry with its number, counted from the oldest entry, so that the number never changes."""


def _gain(row: PositionView) -> tuple[tuple[str, str]]:
    return (signed(row.gain),)


def position_columns() -> tuple[Column[PositionView], ...]:
    """Columns of positions with value, entry price and gain."""
    return (
        Column("symbol", "Asset", 7, lambda row: ((row.symbol, "title"),), sort=lambda row: row.symbol),
        Column("name", "Name", 14, lambda row: row.name, sort=lambda row: row.name, priority=3, grow=2, max_width=40),
        Column("qty", "Quantity", 15, lambda row: formats.qty(row.qty, 9), "right", 0, lambda row: row.qty, True),
        Column("price", "Price", 11, lambda row: formats.price(row.price), "right", 1),
        Column("value", "Value", 14, lambda row: formats.money(row.value), "right", 0, lambda row: row.value, True),
        Column("entry", "Entry", 11, lambda row: formats.price(row.avg_entry_price), "right", 2),
        Column("gain", "Gain", 13, _gain, "right", 0, lambda row: row.gain or 0, True),
    )


def ledger_columns() -> tuple[Column[Numbered], ...]:
    """Columns of the cash ledger with the settlement day."""
    return (
        Column("at", "When", 15, lambda row: formats.timestamp(row[1].at), sort=lambda row: row[1].at, descending=True),
        Column("kind", "Type", 11, lambda row: formats.words(row[1].kind), sort=lambda row: row[1].kind),
        Column("amount", "Amount", 15, lambda row: (signed(row[1].amount),), "right", 0, lambda row: row[1].amount),
        Column("settles", "Settlement", 14, lambda row: (settlement(row[1]),), sort=lambda row: row[1].settles_on),
        Column("text", "Reference", 18, lambda row: row[1].text, priority=1, grow=1, max_width=50),
    )


def decision_columns() -> tuple[Column[Decision], ...]:
    """Columns of decisions with outcome and reason."""
    return (
        Column("at", "When", 15, lambda row: formats.timestamp(row.at), sort=lambda row: row.at, descending=True),
        Column("outcome", "Outcome", 17, lambda row: (OUTCOMES[row.outcome],), sort=lambda row: row.outcome),
        Column("reason", "Reason", 30, lambda row: ((row.reason, "muted"),), grow=1, max_width=160),
    )


class AccountPage(LiveDialog, Dialog[str]):
    """An account with a table per tab; returns the id of the run to show, or an empty string."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "dismiss('')", "Back"),
        Binding("t", "tab(1)", "Next tab"),
        Binding("T", "tab(-1)", "Previous tab", show=False),
        Binding("s", "sort", "Sort"),
        Binding("S", "reverse", show=False),
        Binding("y", "copy", "Copy id", show=False),
    ]
    AUTO_FOCUS = ""
    DEFAULT_CSS = """
    AccountPage { background: $background; }
    AccountPage #page-title { dock: top; height: 1; background: $panel; text-style: bold; padding: 0 1; }
    AccountPage #page-head { height: auto; min-height: 4; max-height: 8; }
    AccountPage #page-tabs { background: $surface; }
    AccountPage BookTable { display: none; }
    AccountPage BookTable.-shown { display: block; }
    """

    def __init__(self, view: AccountDetail) -> None:
        super().__init__()
        self._view = view

    def compose(self) -> ComposeResult:
        row = self._view.row
        yield Static(ui_text(f"Account {row.account_number} · {row.client}"), id="page-title", markup=False)
        yield LinesView(id="page-head")
        yield TabBar((), TABS[0], id="page-tabs")
        yield BookTable(position_columns(), lambda row: row.symbol, empty="No positions.", id="tab-positions")
        yield BookTable(ledger_columns(), lambda row: row[0], empty="No cash movements.", id="tab-cash")
        yield BookTable(run_columns.columns(), lambda row: row.id, empty="No run yet.", id="tab-runs")
        yield BookTable(
            decision_columns(), lambda row: row.at, empty="No evaluation has been stored.", id="tab-decisions"
        )
        yield KeyBar()

    def on_mount(self) -> None:
        self._show(self._view)
        self._choose(TABS[0])

    async def pull(self) -> None:
        account_id = self._view.row.account_id
        view = await self.host.ask(account_queries.account_detail, account_id)
        if self.is_attached and view != self._view:
            self._show(view)

    def _show(self, view: AccountDetail) -> None:
        self._view = view
        self.query_one("#page-head", LinesView).show(lambda width, _: head_lines(view, width))
        counts = (len(view.positions), len(view.ledger), len(view.runs), len(view.decisions))
        tabs = zip(TABS, counts, strict=True)
        self.query_one("#page-tabs", TabBar).tabs = tuple(Tab(tab, tab, figure=f"{n:,}") for tab, n in tabs)
        self._table("Positions").set_rows(view.positions)
        ledger = [(len(view.ledger) - index, entry) for index, entry in enumerate(view.ledger)]
        self._table("Cash").set_rows(ledger)
        self._table("Runs").set_rows(view.runs)
        self._table("Decisions").set_rows(view.decisions)

    def _table(self, tab: str) -> BookTable[Any]:
        return self.query_one(f"#tab-{tab.lower()}", BookTable)

    @property
    def _current(self) -> BookTable[Any]:
        return self._table(self.query_one("#page-tabs", TabBar).current)

    def _choose(self, tab: str) -> None:
        self.query_one("#page-tabs", TabBar).current = tab
        for name in TABS:
            self._table(name).set_class(name == tab, "-shown")
        self._table(tab).focus()

    def action_tab(self, direction: int) -> None:
        self._choose(self.query_one("#page-tabs", TabBar).step(direction))

    @on(TabBar.Chosen, "#page-tabs")
    def _clicked(self, event: TabBar.Chosen) -> None:
        self._choose(event.key)

    def action_sort(self) -> None:
        if order_name := self._current.cycle_sort():
            self.host.say(f"Ordered by {order_name}.")

    def action_reverse(self) -> None:
        self._current.reverse_sort()

    def action_copy(self) -> None:
        self.app.copy_to_clipboard(self._view.row.account_id)
        self.host.say(f"Copied {self._view.row.account_id}.")

    @on(BookTable.Opened)
    def _opened(self) -> None:
        row = self._current.cursor_row
        if isinstance(row, RunRow):
            self.dismiss(row.id)
        elif isinstance(row, Decision):
            title = f"Decision · {self._view.row.client} · {formats.short_timestamp(row.at)}"
            self.app.push_screen(ReadScreen(title, lambda width, _: decision_lines(row, width)))
        else:
            self.host.say("This row has no further details.")
