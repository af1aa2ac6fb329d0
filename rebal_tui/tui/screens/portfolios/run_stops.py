"""The choice of where drift-band runs of a portfolio stop, with the effect of each counted (R-62, R-63)."""

from __future__ import annotations

from collections.abc import Sequence

from rebal_tui.domain.portfolios import Destination, RebalanceScope
from rebal_tui.domain.quantities import Money
from rebal_tui.domain.text import count_text
from rebal_tui.services.view_models.portfolios import PortfolioRow
from rebal_tui.services.view_models.restrictions import RunStops
from rebal_tui.tui import formats
from rebal_tui.tui.book_services import run_stop_queries, run_stop_settings
from rebal_tui.tui.questions import Effect
from rebal_tui.tui.screens.shared.list_screen import ListScreen
from rebal_tui.tui.screens.shared.picker import Choice, PickScreen

DESTINATIONS = {
    Destination.TARGET: "to target",
    Destination.MIDDLE: "to the middle of the band",
    Destination.EDGE: "to the edge of the band",
}
SCOPES = {RebalanceScope.WHOLE: "all assets", RebalanceScope.BREACHED: "breached assets only"}


async def choose_stops(screen: ListScreen, row: PortfolioRow) -> None:
    """Show every destination and scope with its figures; confirm the chosen one and store it."""
    found: Sequence[RunStops] = await screen.host.ask(run_stop_queries.run_stops, row.id)
    by_key = {f"{one.destination} {one.scope}": one for one in found}

    def picked(key: str | None) -> None:
        if key:
            _confirm(screen, row, by_key[key])

    if screen.is_current:
        choices = [Choice(key, label(one), figures(one)) for key, one in by_key.items()]
        title = f"Where runs of {row.name} stop · runs that a band makes now"
        screen.app.push_screen(PickScreen(title, choices, "destination"), picked)


def label(one: RunStops) -> str:
    """`to target, all assets (current)`."""
    text = f"{DESTINATIONS[Destination(one.destination)]}, {SCOPES[RebalanceScope(one.scope)]}"
    return text + (" (current)" if one.current else "")


def figures(one: RunStops) -> str:
    """`3 runs: 8 orders, bought $1,200.00, sold $1,100.00, 2.50 points left`."""
    if not one.accounts:
        return "no band fires now"
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
        return f"runs of {row.name} go {DESTINATIONS[destination]}, {SCOPES[scope]}"

    effects = [
        Effect(f"Runs that a drift band makes go {DESTINATIONS[destination]}, {SCOPES[scope]}."),
        Effect(figures(one)),
        Effect("All other runs go to target with all assets.", style="muted"),
    ]
    screen.host.confirm_sending(f"Change where runs of {row.name} stop?", "", "Change", do, "Changed", effects=effects)
