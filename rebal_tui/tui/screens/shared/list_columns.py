"""Dialog to choose the columns of a list; the choice is saved in the settings of the screens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import Static

from rebal_tui.tui.host import Host
from rebal_tui.tui.screens.shared.dialog import Dialog
from rebal_tui.tui.settings import save_settings
from rebal_tui.tui.text import ui_text
from rebal_tui.tui.widgets.table import BookTable
from rebal_tui.tui.widgets.table_layout import Column


@dataclass(frozen=True, slots=True)
class ColumnChoice:
    """A column to choose; `note` is why it is not shown, empty if it is shown."""

    key: str
    title: str
    note: str


class ColumnsScreen(Dialog[tuple[str, ...]]):
    """The columns of a list; those shown are marked. Returns the keys of the chosen columns; empty for the default."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "dismiss(None)", "Cancel"),
        Binding("enter", "apply", "Apply", priority=True),
        Binding("d", "default", "Default"),
    ]
    AUTO_FOCUS = "BookTable"
    DEFAULT_CSS = """
    ColumnsScreen { align: center middle; background: $background 60%; }
    ColumnsScreen > Vertical {
        width: 60; max-width: 96%; height: auto; max-height: 90%;
        background: $surface; border: round $primary; padding: 0 2;
    }
    ColumnsScreen #columns-title { text-style: bold; margin: 1 0; }
    ColumnsScreen BookTable { height: 14; max-height: 60vh; background: $surface; }
    ColumnsScreen #columns-note { color: $foreground 60%; margin-top: 1; }
    """

    def __init__(self, title: str, choices: Sequence[ColumnChoice], chosen: Sequence[str]) -> None:
        super().__init__()
        self._heading = title
        self._choices = tuple(choices)
        self._chosen = frozenset(chosen)

    def compose(self) -> ComposeResult:
        columns: tuple[Column[ColumnChoice], ...] = (
            Column("title", "Column", 14, lambda choice: ((choice.title, "title"),)),
            Column("note", "", 20, lambda choice: ((choice.note, "muted"),), grow=1, max_width=40),
        )
        with Vertical():
            yield Static(ui_text(self._heading), id="columns-title", markup=False)
            yield BookTable(columns, lambda choice: choice.key)
            yield Static("space choose · enter apply · d default · esc cancel", id="columns-note", markup=False)

    def on_mount(self) -> None:
        table = self.query_one(BookTable)
        table.set_rows(self._choices)
        table.marked = self._chosen

    def action_apply(self) -> None:
        table = self.query_one(BookTable)
        chosen = tuple(str(key) for key in table.marked_in_order())
        if chosen:
            self.dismiss(chosen)
        else:
            self.host.say("Choose at least one column.", "warning")

    def action_default(self) -> None:
        self.dismiss(())

    @on(BookTable.Opened)
    def _opened(self) -> None:
        self.action_apply()


def choices_of(table: BookTable[Any]) -> tuple[ColumnChoice, ...]:
    """Return the columns of a table that have a title, each with the reason why it is not shown."""
    available, placed = table.available_columns, table.placed_columns

    def note(column: Column[Any]) -> str:
        if column in placed:
            return ""
        return "does not fit" if column in available else "hidden"

    return tuple(ColumnChoice(column.key, column.title, note(column)) for column in table.columns if column.title)


def columns_screen(table: BookTable[Any], title: str) -> ColumnsScreen:
    """Return the dialog for the columns of a table; `title` names the list."""
    chosen = [column.key for column in table.available_columns if column.title]
    return ColumnsScreen(f"Columns · {title}", choices_of(table), chosen)


def apply_columns(host: Host, table: BookTable[Any], name: str, keys: tuple[str, ...]) -> None:
    """Show the columns with these keys (empty: the default columns) and save the choice; `name` is the list's name in
    the settings.
    """
    table.choose_columns(keys or None)
    settings = host.settings_file.settings
    columns = {**settings.columns, name: keys} if keys else {n: k for n, k in settings.columns.items() if n != name}
    saved = save_settings(host, replace(settings, columns=columns))
    left_out = [column.title for column in table.available_columns if column not in table.placed_columns]
    room = f" Not enough width for {', '.join(left_out)}." if left_out else ""
    if saved:
        host.say(f"Columns {'saved' if keys else 'as by default'}.{room}")
