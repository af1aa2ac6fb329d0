"""Dialog to choose one item from a filtered list."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import Input, Static

from rebal_tui.domain.text import fold
from rebal_tui.tui.screens.shared.dialog import Dialog
from rebal_tui.tui.text import ui_text
from rebal_tui.tui.widgets.table import BookTable
from rebal_tui.tui.widgets.table_layout import Column
from rebal_tui.tui.widgets.table_order import View


@dataclass(frozen=True, slots=True)
class Choice:
    """An item to choose; `note` explains it, and `style` is the style of the note."""

    key: str
    label: str
    note: str = ""
    style: str = ""


class PickScreen(Dialog[str]):
    """A filter input above the choices. Enter returns the key of the choice under the cursor, escape an empty text."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss('')", "Cancel"),
        Binding("down", "move(1)", show=False, priority=True),
        Binding("up", "move(-1)", show=False, priority=True),
        Binding("pagedown", "page(1)", show=False, priority=True),
        Binding("pageup", "page(-1)", show=False, priority=True),
    ]
    AUTO_FOCUS = "Input"
    DEFAULT_CSS = """
    PickScreen { align: center middle; background: $background 60%; }
    PickScreen > Vertical {
        width: 84%; height: auto; max-height: 90%;
        background: $surface; border: round $primary; padding: 0 2;
    }
    PickScreen.-narrow > Vertical { width: 96%; }
    PickScreen #pick-title { text-style: bold; margin: 1 0; }
    PickScreen BookTable { height: 14; max-height: 50vh; margin-top: 1; background: $surface; }
    PickScreen #pick-note { color: $foreground 60%; margin-top: 1; }
    """

    def __init__(self, title: str, choices: Sequence[Choice], noun: str) -> None:
        super().__init__()
        self._heading = title
        self._choices = tuple(choices)
        self._noun = noun

    def compose(self) -> ComposeResult:
        widest = max((len(choice.label) for choice in self._choices), default=8)
        columns: tuple[Column[Choice], ...] = (
            Column("label", self._noun.capitalize(), min(max(widest, 12), 30), lambda choice: choice.label),
            Column("note", "", 20, lambda choice: ((choice.note, choice.style or "muted"),), grow=1, max_width=130),
        )
        with Vertical():
            yield Static(ui_text(self._heading), id="pick-title", markup=False)
            yield Input(placeholder="type to filter, ↑ ↓ to select", compact=True)
            yield BookTable(
                columns,
                lambda choice: choice.key,
                search=lambda choice: f"{choice.label} {choice.note}",
                empty=f"No {self._noun} matches.",
            )
            yield Static("enter select · esc back", id="pick-note", markup=False)

    def on_mount(self) -> None:
        table = self.query_one(BookTable)
        table.no_match = table.empty
        table.set_rows(self._choices)

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        """Filter by label; if no label matches, by label and note."""
        typed, table = fold(event.value.strip()), self.query_one(BookTable)
        table.set_rows([choice for choice in self._choices if typed in fold(choice.label)] or self._choices)
        table.renew_order()
        table.view = View(text=event.value)

    @on(Input.Submitted)
    @on(BookTable.Opened)
    def _chosen(self) -> None:
        row = self.query_one(BookTable).cursor_row
        if isinstance(row, Choice):
            self.dismiss(row.key)
        else:
            self.host.say(f"No {self._noun} to select.")

    def action_move(self, step: int) -> None:
        self.query_one(BookTable).action_move(step)

    def action_page(self, direction: int) -> None:
        self.query_one(BookTable).action_page(direction)
