"""Market section: assets with their prices, and actions of the simulator with their effects."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import ClassVar, Concatenate, ParamSpec

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.reactive import reactive
from textual.screen import Screen
from textual.strip import Strip

from rebal_tui.domain.quantities import percent_text
from rebal_tui.domain.text import count_text
from rebal_tui.services.book.book import Book
from rebal_tui.services.view_models.desk import Among
from rebal_tui.services.view_models.market import AssetRow, AssetView, MarketSnapshot
from rebal_tui.services.view_models.status import TIME_STOPPED
from rebal_tui.tui import actions, formats
from rebal_tui.tui.book_services import corporate_actions, market_queries, simulator
from rebal_tui.tui.navigation import ShowsAsset
from rebal_tui.tui.screens.market import lines as market_lines
from rebal_tui.tui.screens.market.corporate_action import CorporateActionScreen
from rebal_tui.tui.screens.market.shock import Shock, ShockScreen
from rebal_tui.tui.screens.shared.detail_panel import Detail
from rebal_tui.tui.screens.shared.holds import ask_to_release_asset
from rebal_tui.tui.screens.shared.list_screen import ListScreen
from rebal_tui.tui.screens.shared.row_page import Page
from rebal_tui.tui.sections import LISTS, Section
from rebal_tui.tui.segments import Line, line_width
from rebal_tui.tui.widgets.lines import Builder
from rebal_tui.tui.widgets.styles import StyledView
from rebal_tui.tui.widgets.table import BookTable

P = ParamSpec("P")


class SimulatorBar(StyledView, can_focus=False):
    """One line with the state of the simulated market."""

    DEFAULT_CSS = "SimulatorBar { height: 1; background: $surface; overflow: hidden; }"
    line: reactive[Line] = reactive(())
    shorter: reactive[Line] = reactive(())
    """Shown instead of `line` if that does not fit."""

    def render_line(self, y: int) -> Strip:
        del y
        whole = line_width(self.line) <= self.size.width
        return self.strip(self.line if whole else self.shorter, self.size.width, self.rich_style)


class MarketScreen(ShowsAsset, ListScreen, inherit_bindings=False):
    """List of all assets, those with an abnormal state first."""

    SECTION = Section.MARKET
    EXPORT = "assets"
    NOUN = "asset"
    CSS_PATH = "../shared/list.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [*Screen.BINDINGS, *actions.bindings(Section.MARKET, LISTS)]

    def __init__(self) -> None:
        super().__init__()
        self._snapshot: MarketSnapshot | None = None
        self._last = ""
        self._left: Among | None = None
        """The accounts that the last market action moved out of their bands; None before the first action."""

    def make_table(self) -> BookTable[AssetRow]:
        return BookTable(
            market_lines.columns(),
            lambda row: row.symbol,
            search=market_lines.search,
            natural=market_lines.natural,
            empty="Loading assets…",
        )

    def compose_body(self) -> ComposeResult:
        yield SimulatorBar(id="simulator")
        yield from self.compose_list()

    async def pull(self) -> None:
        await super().pull()
        version, key = self._snapshot.version if self._snapshot is not None else None, self.detail_key
        found = await self.host.ask(market_queries.market_with_asset, version, key)
        self._show_simulator()
        if found is None:
            self.table.adopt_order()
            return
        snapshot, view = found
        detail = None if key is None or view is None else Detail(key, self._lines(view, snapshot))
        self._snapshot = snapshot
        with self.app.batch_update():
            self.table.set_empty("No assets." if not snapshot.assets else "No assets match this filter.")
            self.table.set_rows(snapshot.assets)
            self._show_simulator()
            self.show_detail(detail)

    def _show_simulator(self) -> None:
        stopped = self.host.mode_shown.endswith(TIME_STOPPED)
        bar = self.query_one(SimulatorBar)
        bar.line = market_lines.simulator_line(self._snapshot, self._last, stopped=stopped)
        bar.shorter = market_lines.simulator_line(self._snapshot, "", stopped=stopped)

    @property
    def copied_name(self) -> str:
        return "the symbol"

    def _show_effect(self, text: str) -> None:
        """Show the effect of a market action next to the state of the simulation; the text stays as it is."""
        self._last = text
        self._show_simulator()

    @property
    def _simulated(self) -> bool:
        return self._snapshot is not None and self._snapshot.speed is not None

    async def detail_of(self, key: str) -> Builder:
        return self._lines(await self.host.ask(market_queries.asset_view, key), self._snapshot)

    def _lines(self, view: AssetView, snapshot: MarketSnapshot | None, *, whole: bool = False) -> Builder:
        simulated, left = snapshot is not None and snapshot.speed is not None, bool(self.first_actions)
        return market_lines.asset_lines(view, simulated=simulated, left=left, whole=whole)

    async def page_of(self, key: str) -> Page:
        view = await self.host.ask(market_queries.asset_view, key)
        return Page(f"Asset {key}", self._lines(view, self._snapshot, whole=True), key)

    def _controlled(self) -> AssetRow | None:
        """Return the asset under the cursor. Without a row or a simulated market, show a message and return None."""
        row = self.table.cursor_row
        if self.selected_id() is None or not isinstance(row, AssetRow):
            return None
        if not self._simulated:
            self.host.say("Available with the simulated broker only.", "warning")
            return None
        return row

    def show_asset(self, symbol: str) -> None:
        """Clear the filter and move the cursor to an asset."""
        self.show_only("")
        self.table.go_to(symbol)

    async def _measure(
        self, what: str, service: Callable[Concatenate[Book, P], object], *args: P.args, **kwargs: P.kwargs
    ) -> str:
        """Run a market action; return its effect on the accounts, and show it in the line of the simulation.

        `what` names the action in that text. Both texts have the time of the action: other accounts may be outside when
        prices have moved on.
        """
        effect = await self.host.ask(market_queries.measured, lambda book: service(book, *args, **kwargs))
        at = f", {formats.short_timestamp(effect.at)}" if effect.at is not None else ""
        self._show_effect(f"{what}: {effect.moved}{at}")
        self._left = Among(effect.left or frozenset(), f"left their bands: {what}")
        self.refresh_bindings()
        self.request_detail(self.table.cursor_key)
        shows = f"; b shows {'it' if len(effect.left) == 1 else 'them'}" if effect.left else ""
        return f"{effect}{at}{shows}"

    @property
    def first_actions(self) -> tuple[str, ...]:
        """The action that shows the accounts that left their bands, if there are any; its
        key then comes first in the bottom line.
        """
        return ("show_left",) if self._left is not None and self._left.account_ids else ()

    def action_show_left(self) -> None:
        if self._left is None or not self._left.account_ids:
            self.host.say("No account left its bands at the last change of the market.")
        else:
            self.host.navigation.show_among(self._left)

    def action_shock(self) -> None:
        row = self._controlled()
        if row is None:
            return

        def answered(shock: Shock | None) -> None:
            if shock is not None:
                what = f"{shock.symbol or 'All prices'} {percent_text(shock.percent)} %"
                change = self.host.change(
                    lambda: self._measure(what, simulator.shock, shock.symbol, shock.percent), what
                )
                self.host.work(change, name="shock")

        self.app.push_screen(ShockScreen(row.symbol), answered)

    def action_corporate_action(self) -> None:
        row = self._controlled()
        if row is None:
            return

        def answered(given: Mapping[str, str] | None) -> None:
            if given is not None:
                self.host.work(
                    self.host.change(lambda: self._act(given), "Corporate action applied"), name="corporate action"
                )

        self.app.push_screen(CorporateActionScreen(row.symbol), answered)

    async def _act(self, given: Mapping[str, str]) -> str:
        report = await self.host.ask(corporate_actions.apply_row, given)
        status = self.host.last_status
        self._show_effect(report.text if status is None else f"{report.text}, {formats.short_timestamp(status.now)}")
        return str(report.text)

    def action_halt_asset(self) -> None:
        row = self._controlled()
        if row is None:
            return
        symbol, halt = row.symbol, not row.halted
        used = f"In {count_text(row.portfolios, 'portfolio')} and {count_text(row.accounts, 'account')}."
        text = (
            f"Orders in {symbol} are accepted but do not fill until trading resumes. {used}"
            if halt
            else f"Open orders in {symbol} can fill again. {used}"
        )
        title = f"Halt {symbol}?" if halt else f"Resume trading in {symbol}?"
        done = f"{symbol} {'halted' if halt else 'trading resumed'}"
        self.host.confirm_sending(
            title,
            text,
            "Halt" if halt else "Resume",
            lambda: self._measure(done, simulator.halt, symbol, halt),
            done,
        )

    def action_release_asset(self) -> None:
        row = self.table.cursor_row
        if self.selected_id() is None or not isinstance(row, AssetRow):
            return
        if not row.hold:
            self.host.say(f"{row.symbol} is not on hold.")
            return
        ask_to_release_asset(self, row.symbol, row.hold, row.accounts)

    def action_set_tradable(self) -> None:
        row = self._controlled()
        if row is None:
            return
        symbol, tradable = row.symbol, not row.tradable
        text = (
            f"{symbol} can be bought again. Portfolios that need adjustment because of it stay in "
            "that status until reactivated."
            if tradable
            else f"The broker will reject buys of {symbol}, not sells. "
            f"{_untradable_text(symbol, row.active_portfolios)} Held by {count_text(row.accounts, 'account')}."
        )
        title = f"Make {symbol} tradable again?" if tradable else f"Make {symbol} untradable?"
        done = f"{symbol} {'tradable' if tradable else 'not tradable'}"
        self.host.confirm_sending(
            title,
            text,
            "Tradable" if tradable else "Untradable",
            lambda: self._measure(done, simulator.set_tradable, symbol, tradable),
            done,
        )


def _untradable_text(symbol: str, portfolios: int) -> str:
    """What follows for the active portfolios with an asset that becomes untradable, and when."""
    if not portfolios:
        return "No active portfolio has it."
    reported = "is an exception" if portfolios == 1 else "are exceptions"
    return (
        f"{count_text(portfolios, 'active portfolio')} with it {reported} at once, with an alert. At the next "
        f"evaluation that needs {symbol}, the whole portfolio needs adjustment, and its queued runs are canceled."
    )
