"""Dialog for a corporate action: its kind, its figures, and a preview of the accounts that hold the asset."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Button, Input, Label, Static

from rebal_tui.domain.corporate_actions import ActionKind
from rebal_tui.domain.errors import Refusal
from rebal_tui.domain.quantities import price_text, qty_text
from rebal_tui.domain.text import count_text
from rebal_tui.tui.book_services import corporate_actions
from rebal_tui.tui.screens.shared.answers import Answers
from rebal_tui.tui.screens.shared.dialog import Dialog
from rebal_tui.tui.text import ui_text

KINDS = ", ".join(kind.label for kind in ActionKind)
FIELDS = {
    "kind": ("Kind", "split"),
    "ratio": ("Ratio", "10, 3:2 or 1:8"),
    "amount": ("Amount $", "cash per share"),
    "new_symbol": ("New symbol", ""),
    "price": ("Price", "first price of the new asset"),
}
"""Label and placeholder of each field."""


class CorporateActionScreen(Dialog[Mapping[str, str] | None]):
    """Asks for a corporate action of an asset and previews which accounts it affects.

    Enter returns the fields by name, in the form that the service for corporate actions expects; escape returns None.
    """

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss(None)", "Cancel")]
    DEFAULT_CSS = """
    CorporateActionScreen { align: center middle; background: $background 60%; }
    CorporateActionScreen > Vertical {
        width: 68; max-width: 95%; height: auto; background: $surface; border: round $primary; padding: 1 2;
    }
    CorporateActionScreen #action-title { text-style: bold; margin-bottom: 1; }
    CorporateActionScreen .action-line { height: 1; }
    CorporateActionScreen Label { width: 12; color: $foreground 60%; }
    CorporateActionScreen Input { width: 1fr; }
    CorporateActionScreen #action-effect { margin-top: 1; height: 4; }
    CorporateActionScreen #action-buttons { height: auto; margin-top: 1; align-horizontal: right; }
    """

    def __init__(self, symbol: str) -> None:
        super().__init__()
        self._symbol = symbol
        self._request = 0
        self._checked: Mapping[str, str] | None = None

    def compose(self) -> ComposeResult:
        with Vertical():
            yield Static(ui_text(f"Corporate action of {self._symbol}"), id="action-title", markup=False)
            for name, (label, placeholder) in FIELDS.items():
                with Horizontal(classes="action-line"):
                    yield Label(label, markup=False)
                    yield Input(placeholder=placeholder, id=f"action-{name}", compact=True)
            yield Static("", id="action-effect", markup=False)
            with Horizontal(id="action-buttons"):
                yield Answers("Apply", "apply", disabled=True)

    def on_mount(self) -> None:
        self.query_one("#action-kind").focus()
        self._show(f"Kind: {KINDS}.")

    def _show(self, text: str) -> None:
        self.query_one("#action-effect", Static).update(ui_text(text))

    def _row(self) -> dict[str, str]:
        given = {name: self.query_one(f"#action-{name}", Input).value.strip() for name in FIELDS}
        kind = given["kind"].lower().replace(" ", "_").replace("-", "_")
        return {**given, "kind": kind, "symbol": self._symbol, "new_symbol": given["new_symbol"].upper()}

    @on(Input.Changed)
    def _typing(self) -> None:
        self._request += 1
        self._checked = None
        self.query_one("#apply", Button).disabled = True
        row = self._row()
        if row["kind"]:
            self.host.work(self._preview(row, self._request), name="corporate action preview")
        else:
            self._show(f"Kind: {KINDS}.")

    async def _preview(self, row: Mapping[str, str], request: int) -> None:
        try:
            preview = await self.host.ask(corporate_actions.preview_row, row)
        except Refusal as refusal:
            text, good = str(refusal.faults[0] if refusal.faults else refusal), None
        else:
            held = f"{qty_text(preview.shares)} shares in {count_text(preview.accounts, 'account')}"
            text = f"{preview.action.text}: {held} now, effective at once. Open orders in {self._symbol} are canceled."
            if preview.price is not None and preview.price_after not in (None, preview.price):
                text += f" Price {price_text(preview.price)} → {price_text(preview.price_after)}."
            good = row
        if request == self._request and self.is_attached:
            self._show(text)
            self._checked = good
            self.query_one("#apply", Button).disabled = good is None

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        if event.button.id == "apply":
            self._confirm()
        else:
            self.dismiss(None)

    @on(Input.Submitted)
    def _confirm(self) -> None:
        if self._checked is not None:
            self.dismiss(self._checked)
