"""Dialog for a price shock: of one asset or of all prices, in percent, with a preview of the effect."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Button, Input, Label, Static

from rebal_tui.domain.quantities import HUNDRED_PERCENT, Percent, parse_percent, percent_text
from rebal_tui.services.simulation.simulator import LARGEST_SHOCK
from rebal_tui.tui.book_services import market_queries
from rebal_tui.tui.questions import Question
from rebal_tui.tui.screens.shared.answers import Answers
from rebal_tui.tui.screens.shared.dialog import Dialog
from rebal_tui.tui.screens.shared.field_help import FieldNote
from rebal_tui.tui.text import ui_text
from rebal_tui.tui.widgets.tabs import Tab, TabBar

ALL_PRICES = "all prices"
"""Key of the choice "all prices". It cannot be a symbol, because it has a space and lower-case letters."""

RUNS_FOLLOW = (
    " The next evaluation creates their runs, except for those that wait (cooldown, one run a session) or are stopped."
)
"""What follows where accounts are outside a band after the shock."""


@dataclass(frozen=True, slots=True)
class Shock:
    """A price change by a signed percentage, for one asset, or for all if `symbol` is None."""

    symbol: str | None
    percent: Percent


def read_percent(text: str) -> Percent:
    """Parse a percentage above -100, at most 1000, and not 0. Raises `ValueError` with the expected format."""
    expected = "expected a percentage above -100 and at most 1000, such as -8 or 2.5"
    plain = text.strip().removesuffix("%").strip().replace("−", "-")
    try:
        percent = parse_percent(plain.removeprefix("+"))
    except ValueError:
        raise ValueError(expected) from None
    if not -HUNDRED_PERCENT < percent <= LARGEST_SHOCK or not percent:
        raise ValueError(expected)
    return percent


class ShockScreen(Dialog[Shock | None]):
    """Asks for a price shock of all assets or of one, and previews how many accounts would be outside a band.

    The asset is chosen at first, so that enter never shocks all prices unless they were chosen. Left and right choose
    too while no text is in the field with the focus; else they move its cursor. Enter asks for confirmation; on yes,
    the dialog returns the shock. It returns None if canceled.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "Cancel"),
        Binding("down", "choose(1)", "Next choice", show=False),
        Binding("up", "choose(-1)", "Previous choice", show=False),
        Binding("right", "choose_aside(1)", "Next choice", show=False, priority=True),
        Binding("left", "choose_aside(-1)", "Previous choice", show=False, priority=True),
    ]
    AUTO_FOCUS = "#shock-percent"
    DEFAULT_CSS = """
    ShockScreen { align: center middle; background: $background 60%; }
    ShockScreen > Vertical {
        width: 64; max-width: 95%; height: auto; background: $surface; border: round $primary; padding: 1 2;
    }
    ShockScreen #shock-title { text-style: bold; margin-bottom: 1; }
    ShockScreen #shock-choices { background: $surface; margin-bottom: 1; }
    ShockScreen #shock-line { height: 1; }
    ShockScreen Label { width: 12; color: $foreground 60%; }
    ShockScreen Input { width: 1fr; }
    ShockScreen #fault-percent { color: $text-error; height: auto; min-height: 1; padding-left: 12; }
    ShockScreen #shock-effect { margin-top: 1; }
    ShockScreen FieldNote { margin-top: 1; }
    ShockScreen #shock-buttons { height: auto; align-horizontal: right; }
    """

    def __init__(self, symbol: str) -> None:
        """`symbol` is the asset whose price changes unless all prices are chosen."""
        super().__init__()
        self._symbol = symbol
        self._request = 0

    def compose(self) -> ComposeResult:
        tabs = (Tab(self._symbol, self._symbol), Tab(ALL_PRICES, "All prices"))
        with Vertical():
            yield Static(ui_text("Shock prices · ← → ↑ ↓ choose which"), id="shock-title", markup=False)
            yield TabBar(tabs, self._symbol, id="shock-choices")
            with Horizontal(id="shock-line"):
                yield Label("Percent", markup=False)
                yield Input(placeholder="such as -8 or 2.5", id="shock-percent", compact=True)
            yield Static("", id="fault-percent", markup=False)
            yield Static("", id="shock-effect", markup=False)
            yield FieldNote("f1 explains the field")
            with Horizontal(id="shock-buttons"):
                yield Answers("Shock", "shock", disabled=True)

    def on_mount(self) -> None:
        self._show_effect("")

    def _show_effect(self, text: str) -> None:
        self.query_one("#shock-effect", Static).update(ui_text(text or "Nothing changes before you confirm."))

    def action_choose(self, direction: int) -> None:
        """Choose between the price of the asset and all prices."""
        self._choose(self.query_one(TabBar).step(direction))

    action_choose_aside = action_choose

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Leave left and right to a field with text, whose cursor they move."""
        if action == "choose_aside":
            return not (isinstance(self.focused, Input) and self.focused.value)
        return super().check_action(action, parameters)

    @on(TabBar.Chosen)
    def _clicked(self, event: TabBar.Chosen) -> None:
        self._choose(event.key)

    def _choose(self, key: str) -> None:
        self.query_one(TabBar).current = key
        self._preview()

    def _read(self) -> Shock | None:
        """Parse the field and show its fault; returns None while it is invalid."""
        typed = self.query_one(Input).value
        percent, fault = Percent(0), ""
        try:
            percent = read_percent(typed)
        except ValueError as error:
            fault = str(error) if typed.strip(" -+") else ""
        self.query_one("#fault-percent", Static).update(ui_text(fault))
        self.query_one("#shock", Button).disabled = percent == 0
        chosen = self.query_one(TabBar).current
        return Shock(None if chosen == ALL_PRICES else chosen, percent) if percent else None

    @on(Input.Changed)
    def _preview(self) -> None:
        self._request += 1
        shock = self._read()
        if shock is None:
            self._show_effect("")
            return
        self.host.work(self._count(shock, self._request), name="shock effect")

    async def _count(self, shock: Shock, request: int) -> None:
        text = await self._effect(shock)
        if request == self._request and self.is_attached:
            self._show_effect(text)

    async def _effect(self, shock: Shock) -> str:
        effect = await self.host.ask(market_queries.shock_effect, shock.symbol, shock.percent)
        after = f"{effect.after:,} of {effect.subscribed:,}"
        runs = RUNS_FOLLOW if effect.after else ""
        return (
            f"{shock.symbol or 'All prices'} {percent_text(Percent(shock.percent))} %, immediately and permanently. "
            f"Accounts outside a drift band: {effect.before:,} now, {after} after it.{runs}"
        )

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        if event.button.id == "shock":
            self._confirm()
        else:
            self.dismiss(None)

    @on(Input.Submitted)
    def _confirm(self) -> None:
        """Ask for confirmation of the shock; without a percentage, report that it is missing."""
        shock = self._read()
        if shock is not None:
            self.host.work(self._ask(shock), name="shock")
        elif not self.query_one(Input).value.strip():
            self.query_one("#fault-percent", Static).update(ui_text("expected a percentage, such as -8 or 2.5"))

    async def _ask(self, shock: Shock) -> None:
        text = await self._effect(shock)
        if self.is_current:
            self.host.confirm(Question("Shock prices?", "Shock", text), lambda _note: self._answered(shock))

    def _answered(self, shock: Shock) -> None:
        self.dismiss(shock)
