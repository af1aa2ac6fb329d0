"""A place that is not built yet says what it will hold and what works today."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Static

from rebal_tui.tui.actions import Place
from rebal_tui.tui.screens.place import PlaceScreen
from rebal_tui.tui.text import ui_text


@dataclass(frozen=True, slots=True)
class Promise:
    """What a place will hold, and what can be done today instead."""

    says: str
    now: Sequence[tuple[str, str]]


PROMISES: dict[Place, Promise] = {
    Place.ACCOUNTS: Promise(
        "Accounts arrive with the next release: positions, the cash ledger with settlement dates, runs and decisions "
        "day by day, subscribing and moving one account or many.",
        (
            ("rebal-tui import FILE", "accounts and subscriptions from a file"),
            ("1  enter", "one account with its holdings and why it trades or not"),
            ("1  x", "the accounts as CSV or JSON"),
        ),
    ),
    Place.CASH: Promise(
        "Cash arrives with the next release: withdrawals as a line of stages with their dates, deposits and journals.",
        (("1  t", "the tile Cash shows accounts with cash to invest"), ("4  f", "liquidations among the runs")),
    ),
    Place.MARKET: Promise(
        "Market arrives with the next release: prices, shocks, halts and untradable assets. "
        "A simulated market can already be driven from every place:",
        (("z", "stop or start it"), ("<  >", "slower and faster"), ("D", "to the next day")),
    ),
    Place.LAB: Promise(
        "Lab arrives with a later release: rebalancing policies compared over years of prices.",
        (("1  p", "preview what the present policy would do now"),),
    ),
}


class ComingScreen(PlaceScreen):
    """One calm panel."""

    CSS_PATH = "coming.tcss"
    CONTEXT: Place

    def __init__(self, place: Place) -> None:
        self.place = place
        super().__init__()

    def compose(self) -> ComposeResult:
        self.PLACE = self.place  # type: ignore[misc]
        yield from super().compose()

    def compose_body(self) -> ComposeResult:
        promise = PROMISES[self.place]
        width = max(len(keys) for keys, _ in promise.now)
        today = "\n".join(f"{keys.ljust(width)}   {what}" for keys, what in promise.now)
        with Vertical(id="middle"), Vertical(id="coming"):
            yield Static(ui_text(self.place.label, "bold"), classes="title", markup=False)
            yield Static(ui_text(promise.says), classes="says", markup=False)
            yield Static(ui_text("What works today", "bold"), classes="title", markup=False)
            yield Static(ui_text(today), markup=False)
