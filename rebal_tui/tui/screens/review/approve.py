"""Dialog to approve runs: shows their plans and takes a note for the audit trail."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import Button, Input, Static

from rebal_tui.domain.quantities import Money
from rebal_tui.domain.text import MAX_NOTE_LENGTH, count_text, display_text
from rebal_tui.services.view_models.review import ReviewView
from rebal_tui.tui import formats
from rebal_tui.tui.screens.review.lines import plans_lines
from rebal_tui.tui.text import ui_text
from rebal_tui.tui.widgets.lines import LinesView


class ApproveScreen(ModalScreen[str | None]):
    """Returns the note of the approval, None without approval. With `typed`, approval requires typing that word."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss(None)", "Not now")]
    DEFAULT_CSS = """
    ApproveScreen { align: center middle; background: $background 60%; }
    ApproveScreen > Vertical {
        width: 116; max-width: 98%; height: auto; max-height: 96%;
        background: $surface; border: round $primary; padding: 0 2;
    }
    ApproveScreen #approve-title { text-style: bold; }
    ApproveScreen LinesView { height: auto; max-height: 46vh; min-height: 3; margin: 1 0; padding: 0; }
    ApproveScreen .fault { color: $text-error; height: auto; }
    ApproveScreen Horizontal { height: auto; margin-top: 1; align-horizontal: right; }
    ApproveScreen Button { margin-left: 2; min-width: 10; }
    """

    def __init__(self, views: Sequence[ReviewView], *, typed: str = "", changed: bool = False) -> None:
        super().__init__()
        self._views = views
        self._typed = typed
        self._changed = changed

    def compose(self) -> ComposeResult:
        plans = [view.preview.plan for view in self._views]
        sells, buys = sum(len(plan.sells) for plan in plans), sum(len(plan.buys) for plan in plans)
        turnover = Money(sum(view.preview.turnover for view in self._views))
        title = "Approve this run?" if len(plans) == 1 else f"Approve {len(plans)} runs?"
        if self._changed:
            title = "The plan has changed, nothing was sent. Approve the new plan?"
        text = (
            f"{count_text(sells, 'sell')} and {count_text(buys, 'buy')} are sent, turnover "
            f"{formats.money(turnover)}. Nothing is sent for a run whose plan has changed by then."
        )
        with Vertical():
            yield Static(ui_text(title), id="approve-title", markup=False)
            yield Static(ui_text(text), markup=False)
            yield LinesView(plans_lines(self._views))
            yield Input(placeholder="optional note for the audit trail; enter approves", id="note", compact=True)
            yield Static("", classes="fault", markup=False)
            if self._typed:
                yield Input(placeholder=f"type {self._typed} to continue", id="typed", compact=True)
            with Horizontal():
                yield Button("Not now", id="no", compact=True)
                yield Button("Approve", id="yes", variant="primary", compact=True)

    def on_mount(self) -> None:
        self.query_one("#note").focus()

    @on(Input.Changed, "#note")
    def _typing(self) -> None:
        self.query_one(".fault", Static).update(ui_text(self._fault()))

    def _fault(self) -> str:
        try:
            display_text(self.query_one("#note", Input).value.strip(), MAX_NOTE_LENGTH)
        except ValueError as error:
            return str(error)
        return ""

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        if event.button.id == "yes":
            self._confirm()
        else:
            self.dismiss(None)

    @on(Input.Submitted)
    def _confirm(self) -> None:
        if self._typed and self.query_one("#typed", Input).value != self._typed:
            self.query_one("#typed").focus()
            self.notify(f"Type {self._typed} first.", markup=False)
        elif not self._fault():
            self.dismiss(self.query_one("#note", Input).value.strip())
