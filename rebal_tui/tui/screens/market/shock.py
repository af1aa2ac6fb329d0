"""Price shock dialog: asset, percentage and a preview of the effect."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
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
from rebal_tui.tui.text import ui_text


@dataclass(frozen=True, slots=True)
class Shock:
    """A price change by a signed percentage, for one asset, or for all if `symbol` is None."""

    symbol: str | None
    percent: Percent


def read_symbol(text: str, known: Sequence[str]) -> str | None:
    """Parse a symbol; None means all assets (empty text or `ALL`). Raises `ValueError` for unknown symbols."""
    symbol = text.strip().upper()
    if symbol in ("", "ALL"):
        return None
    if symbol not in known:
        near = difflib.get_close_matches(symbol[:16], known, n=1, cutoff=0.5)
        raise ValueError(f"no such asset; did you mean {near[0]}?" if near else "no such asset; empty means all")
    return symbol


def read_percent(text: str) -> Percent:
    """Parse a percentage above -100, at most +1000 and not 0. Raises `ValueError` with the expected format."""
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
    """Asks for a shock and previews how many accounts it affects; enter asks for confirmation."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss(None)", "Cancel")]
    DEFAULT_CSS = """
    ShockScreen { align: center middle; background: $background 60%; }
    ShockScreen > Vertical {
        width: 64; max-width: 95%; height: auto; background: $surface; border: round $primary; padding: 1 2;
    }
    ShockScreen #shock-title { text-style: bold; margin-bottom: 1; }
    ShockScreen .shock-line { height: 1; }
    ShockScreen Label { width: 12; color: $foreground 60%; }
    ShockScreen Input { width: 1fr; }
    ShockScreen .fault { color: $text-error; height: auto; min-height: 1; padding-left: 12; }
    ShockScreen #shock-effect { margin-top: 1; }
    ShockScreen #shock-buttons { height: auto; margin-top: 1; align-horizontal: right; }
    """

    def __init__(self, symbol: str, known: Sequence[str]) -> None:
        super().__init__()
        self._symbol = symbol
        self._known = known
        self._request = 0

    def compose(self) -> ComposeResult:
        with Vertical():
            yield Static(ui_text("Shock prices"), id="shock-title", markup=False)
            with Horizontal(classes="shock-line"):
                yield Label("Symbol", markup=False)
                yield Input(self._symbol, placeholder="empty: all", id="shock-symbol", compact=True)
            yield Static("", id="fault-symbol", classes="fault", markup=False)
            with Horizontal(classes="shock-line"):
                yield Label("Percent", markup=False)
                yield Input(placeholder="such as -8 or 2.5", id="shock-percent", compact=True)
            yield Static("", id="fault-percent", classes="fault", markup=False)
            yield Static("", id="shock-effect", markup=False)
            with Horizontal(id="shock-buttons"):
                yield Answers("Shock", "shock", disabled=True)

    def on_mount(self) -> None:
        self.query_one("#shock-symbol").focus()
        self._show_effect("Clear the symbol to change every price. Nothing changes before you confirm.")

    def _show_effect(self, text: str) -> None:
        self.query_one("#shock-effect", Static).update(ui_text(text))

    def _read(self) -> Shock | None:
        """Parse the fields and show their faults; None while a field is invalid."""
        symbol: str | None = None
        percent = Percent(0)
        faults = {"symbol": "", "percent": ""}
        try:
            symbol = read_symbol(self.query_one("#shock-symbol", Input).value, self._known)
        except ValueError as error:
            faults["symbol"] = str(error)
        typed = self.query_one("#shock-percent", Input).value
        try:
            percent = read_percent(typed)
        except ValueError as error:
            faults["percent"] = str(error) if typed.strip(" -+") else ""
        for name, fault in faults.items():
            self.query_one(f"#fault-{name}", Static).update(ui_text(fault))
        good = not faults["symbol"] and percent != 0
        self.query_one("#shock", Button).disabled = not good
        return Shock(symbol, percent) if good else None

    @on(Input.Changed)
    def _typing(self) -> None:
        self._request += 1
        shock = self._read()
        if shock is None:
            self._show_effect("Nothing changes before you confirm.")
            return
        self.host.work(self._count(shock, self._request), name="shock effect")

    async def _count(self, shock: Shock, request: int) -> None:
        text = await self._effect(shock)
        if request == self._request and self.is_attached:
            self._show_effect(text)

    async def _effect(self, shock: Shock) -> str:
        effect = await self.host.ask(market_queries.shock_effect, shock.symbol, shock.percent)
        after = f"{effect.after:,} of {effect.subscribed:,}"
        return (
            f"{shock.symbol or 'Every price'} {percent_text(Percent(shock.percent))} %, immediately and permanently. "
            f"Accounts outside a drift band: {effect.before:,} now, {after} after it. "
            "The next evaluation creates their runs, except for those that wait (cooldown, one run a session) or are "
            "stopped."
        )

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        if event.button.id == "shock":
            self._confirm()
        else:
            self.dismiss(None)

    @on(Input.Submitted, "#shock-symbol")
    def _symbol_entered(self) -> None:
        self.query_one("#shock-percent").focus()

    @on(Input.Submitted, "#shock-percent")
    def _confirm(self) -> None:
        """Ask before the shock, as before every change that trades; without a percentage, say what is missing."""
        shock = self._read()
        if shock is not None:
            self.host.work(self._ask(shock), name="shock")
        elif not self.query_one("#shock-percent", Input).value.strip():
            self.query_one("#fault-percent", Static).update(ui_text("expected a percentage, such as -8 or 2.5"))
            self.query_one("#shock-percent").focus()

    async def _ask(self, shock: Shock) -> None:
        text = await self._effect(shock)
        if self.is_current:
            self.host.confirm(Question("Shock prices?", "Shock", text), lambda _note: self._answered(shock))

    def _answered(self, shock: Shock) -> None:
        self.dismiss(shock)
