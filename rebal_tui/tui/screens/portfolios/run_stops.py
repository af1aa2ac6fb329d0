"""Choice of how far drift-band runs of a portfolio go, with the calculated effect of each choice (R-62, R-63)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Static

from rebal_tui.domain.portfolios import Destination, RebalanceScope
from rebal_tui.domain.quantities import Money
from rebal_tui.domain.text import count_text
from rebal_tui.services.view_models.portfolios import PortfolioRow
from rebal_tui.services.view_models.restrictions import RunStops
from rebal_tui.tui import formats
from rebal_tui.tui.book_services import run_stop_queries, run_stop_settings
from rebal_tui.tui.questions import Effect
from rebal_tui.tui.screens.shared.dialog import Dialog
from rebal_tui.tui.screens.shared.list_screen import ListScreen
from rebal_tui.tui.text import ui_text
from rebal_tui.tui.widgets.key_bar import KeyBar
from rebal_tui.tui.widgets.table import BookTable
from rebal_tui.tui.widgets.table_layout import Column

DESTINATIONS = {
    Destination.TARGET: "to target",
    Destination.MIDDLE: "halfway to the edge of the band",
    Destination.EDGE: "to the edge of the band",
}
_ENDS = {Destination.TARGET: "target", Destination.MIDDLE: "halfway", Destination.EDGE: "edge"}
_ASSETS = {RebalanceScope.WHOLE: "all", RebalanceScope.BREACHED: "outside"}
SCOPES = {RebalanceScope.WHOLE: "all assets", RebalanceScope.BREACHED: "only assets outside a band"}


LEGEND = (
    "* current setting. Halfway: midway from the target to the edge of the band. Assets: all, or only those outside a "
    "band. "
    "Figures: the runs that drift bands would make now. Drift left: the largest after them, in percentage points."
)


class StopsScreen(Dialog[RunStops | None]):
    """Lists each destination (how far) and scope (which assets) with its effect. Enter
    returns the choice, escape None.
    """

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q", "dismiss", "Back")]
    AUTO_FOCUS = "BookTable"
    DEFAULT_CSS = """
    StopsScreen { background: $background; }
    StopsScreen #stops-title { dock: top; height: 1; background: $panel; text-style: bold; padding: 0 1; }
    StopsScreen #stops-legend { height: auto; color: $text-muted; padding: 0 1 1 1; }
    """

    def __init__(self, name: str, found: Sequence[RunStops]) -> None:
        super().__init__()
        self._name = name
        self._found = tuple(found)

    def compose(self) -> ComposeResult:
        title = f"How far drift-band runs of {self._name} go · enter selects"
        yield Static(ui_text(title), id="stops-title", markup=False)
        left_out = left_out_text(self._found[0])
        legend = f"{LEGEND} {left_out}" if left_out else LEGEND
        yield Static(legend, id="stops-legend", markup=False)
        yield BookTable[RunStops](
            (
                Column("current", "", 1, lambda one: "*" if one.current else ""),
                Column("destination", "End at", 8, lambda one: _ENDS[Destination(one.destination)]),
                Column("scope", "Assets", 8, lambda one: _ASSETS[RebalanceScope(one.scope)]),
                Column("runs", "Runs", 7, _runs, "right"),
                Column("orders", "Orders", 6, lambda one: f"{one.orders:,}", "right"),
                Column("bought", "Bought $", 12, lambda one: formats.money(Money(one.bought)), "right"),
                Column("sold", "Sold $", 12, lambda one: formats.money(Money(one.sold)), "right"),
                Column("left", "Drift left", 10, lambda one: f"{one.worst_left / 100:.2f}", "right"),
            ),
            _key,
        )
        yield KeyBar()

    def on_mount(self) -> None:
        table = self.query_one(BookTable)
        table.set_rows(self._found)
        for one in self._found:
            if one.current:
                table.move_to(_key(one))

    @on(BookTable.Opened)
    def _chosen(self) -> None:
        row = self.query_one(BookTable).cursor_row
        if isinstance(row, RunStops):
            self.dismiss(row)


def _key(one: RunStops) -> str:
    return f"{one.destination} {one.scope}"


def _runs(one: RunStops) -> str:
    return f"{one.accounts:,}/{one.due:,}" if one.due > one.accounts else f"{one.accounts:,}"


async def choose_stops(screen: ListScreen, row: PortfolioRow) -> None:
    """Show every destination and scope with its effect, and store the chosen ones after a confirmation."""
    found: Sequence[RunStops] = await screen.host.ask(run_stop_queries.run_stops, row.id)

    def picked(one: RunStops | None) -> None:
        if one is not None:
            _confirm(screen, row, one)

    if screen.is_current:
        screen.app.push_screen(StopsScreen(row.name, found), picked)


def left_out_text(one: RunStops) -> str:
    """Return a sentence about the accounts outside a band that the figures leave out; empty if there are none."""
    parts = []
    if one.with_run:
        have = "has" if one.with_run == 1 else "have"
        parts.append(f"{one.with_run:,} that {have} a run already")
    if one.held_back:
        parts.append(f"{one.held_back:,} that can get no run now")
    return f"Not counted, though outside a band: {' and '.join(parts)}." if parts else ""


def figures(one: RunStops) -> str:
    """The effect of a choice: `3 runs: 8 orders, bought $1,200.00, sold $1,100.00, 2.50 points left`.

    The last figure is the largest drift that the runs leave, in percentage points.
    """
    if not one.accounts:
        return left_out_text(one).rstrip(".") or "no band fires now"
    of = f" of {one.due}" if one.due > one.accounts else ""
    return (
        f"{count_text(one.accounts, 'run')}{of}: {count_text(one.orders, 'order')}, "
        f"bought ${formats.money(Money(one.bought))}, sold ${formats.money(Money(one.sold))}, "
        f"{one.worst_left / 100:.2f} points left"
    )


def _confirm(screen: ListScreen, row: PortfolioRow, one: RunStops) -> None:
    destination, scope = Destination(one.destination), RebalanceScope(one.scope)

    async def do() -> str:
        await screen.host.ask(run_stop_settings.set_run_stops, row.id, destination, scope)
        return f"drift-band runs of {row.name} rebalance {DESTINATIONS[destination]}, trading {SCOPES[scope]}"

    effects = [
        Effect(f"Drift-band runs rebalance {DESTINATIONS[destination]}, trading {SCOPES[scope]}."),
        Effect(figures(one)),
        Effect("All other runs rebalance to target, trading all assets.", style="muted"),
    ]
    screen.host.confirm_sending(
        f"Change how far drift-band runs of {row.name} go?", "", "Change", do, "Changed", effects=effects
    )
