"""Dialog to choose the column by which a list is sorted; the choice is saved in the settings of the screens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Protocol

from textual import on
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import Static

from rebal_tui.tui.host import Host
from rebal_tui.tui.keymap import BY_ID, key_text
from rebal_tui.tui.screens.shared.dialog import Dialog
from rebal_tui.tui.settings import save_settings
from rebal_tui.tui.text import ui_text
from rebal_tui.tui.widgets.table import BookTable
from rebal_tui.tui.widgets.table_layout import Column
from rebal_tui.tui.widgets.table_order import View

DEFAULT = "Default order"
REVERSED = "-"
"""Stands before a column key in the settings if the order is descending."""


class HasHost(Protocol):
    """A screen of the app."""

    @property
    def host(self) -> Host:
        """The app as `Host`."""

    @property
    def app(self) -> App[Any]:
        """The app."""


@dataclass(frozen=True, slots=True)
class SortChoice:
    """A column to sort by, or, with an empty key, the default order; `note` is shown at the current order."""

    key: str
    title: str
    note: str = ""


class SortScreen(Dialog[str]):
    """The columns by which a list can be sorted. Returns the key of the chosen column; empty for the default order."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q", "dismiss(None)", "Cancel")]
    AUTO_FOCUS = "BookTable"
    DEFAULT_CSS = """
    SortScreen { align: center middle; background: $background 60%; }
    SortScreen > Vertical {
        width: 60; max-width: 96%; height: auto; max-height: 90%;
        background: $surface; border: round $primary; padding: 0 2;
    }
    SortScreen #sort-title { text-style: bold; margin: 1 0; }
    SortScreen BookTable { height: auto; max-height: 60vh; background: $surface; }
    SortScreen #sort-note { color: $foreground 60%; margin-top: 1; }
    """

    def __init__(self, title: str, choices: Sequence[SortChoice], current: str) -> None:
        super().__init__()
        self._heading, self._choices, self._current = title, choices, current

    def compose(self) -> ComposeResult:
        columns: tuple[Column[SortChoice], ...] = (
            Column("title", "Column", 16, lambda choice: ((choice.title, "title"),)),
            Column("note", "", 20, lambda choice: ((choice.note, "muted"),), grow=1, max_width=40),
        )
        with Vertical():
            yield Static(ui_text(self._heading), id="sort-title", markup=False)
            yield BookTable(columns, lambda choice: choice.key)
            yield Static("enter sorts by it, again reverses it · esc cancel", id="sort-note", markup=False)

    def on_mount(self) -> None:
        table = self.query_one(BookTable)
        table.set_rows(self._choices)
        table.move_to(self._current)

    @on(BookTable.Opened)
    def _opened(self, event: BookTable.Opened) -> None:
        self.dismiss(str(event.key))


def sort_screen(table: BookTable[Any], title: str) -> SortScreen:
    """Return the dialog that asks for the order of a table; `title` names the list."""
    view, shown = table.view, table.placed_columns

    def note(column: Column[Any]) -> str:
        if column.key == view.sort:
            return f"now, {column.directions[view.reverse]}"
        return "" if column in shown else "not shown"

    by_column = [SortChoice(one.key, one.title, note(one)) for one in table.columns if one.sort is not None]
    default = SortChoice("", DEFAULT, "" if view.sort else "now, reversed" if view.reverse else "now")
    return SortScreen(f"Sort by · {title}", (default, *by_column), view.sort or "")


def ask_sort(screen: HasHost, table: BookTable[Any], name: str, title: str) -> None:
    """Let the user choose the column by which a table is sorted, and save it.

    `name` is the list's name in the settings, `title` its name in the dialog.
    """

    def chosen(key: str | None) -> None:
        if key is not None:
            apply_sort(screen.host, table, name, key)

    screen.app.push_screen(sort_screen(table, title), chosen)


def key_of(host: Host) -> str:
    """Return the key that opens the dialog for the sort order, as displayed."""
    return key_text(host.settings_file.settings.keys.get("list.sort_by", BY_ID["list.sort_by"].keys))


def view_of(table: BookTable[Any], saved: str) -> View | None:
    """Return the view for a saved order, such as `equity` or `-equity`; None if the table
    cannot be sorted by that column.
    """
    key, reverse = saved.removeprefix(REVERSED), saved.startswith(REVERSED)
    known = any(column.key == key and column.sort is not None for column in table.columns)
    return View(key, reverse, table.view.text) if known else None


def apply_sort(host: Host, table: BookTable[Any], name: str, key: str) -> None:
    """Sort by the column with this key, and save the order. An empty key means the default order.

    If the rows are sorted by that column already, the order is reversed. `name` is the list's name in the settings.
    """
    column, view = next((one for one in table.columns if one.key == key), None), table.view
    settings = host.settings_file.settings
    sort = {other: order for other, order in settings.sort.items() if other != name}
    if column is None:
        table.view = View(text=view.text)
        text = "Default order"
    else:
        reverse = not view.reverse if view.sort == key else column.descending
        table.view = View(key, reverse, view.text)
        sort[name] = f"{REVERSED if reverse else ''}{key}"
        text = f"Sorted by {column.title}, {column.directions[reverse]}"
    if save_settings(host, replace(settings, sort=sort)):
        host.say(f"{text}; saved.")
