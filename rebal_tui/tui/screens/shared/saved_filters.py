"""Dialog of the saved filters of a list: apply one, save the current filter under a name, or delete one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import Input, Static

from rebal_tui.tui.host import Host
from rebal_tui.tui.screens.shared.dialog import Dialog
from rebal_tui.tui.settings import MAX_FILTER_NAME, MAX_FILTER_TEXT, MAX_FILTERS, save_settings
from rebal_tui.tui.text import printable, ui_text
from rebal_tui.tui.widgets.table import BookTable
from rebal_tui.tui.widgets.table_layout import Column
from rebal_tui.tui.widgets.table_order import View


@dataclass(frozen=True, slots=True)
class SavedFilter:
    """The name and the text of a saved filter."""

    name: str
    text: str


class SavedFiltersScreen(Dialog[SavedFilter]):
    """The saved filters of a list. Returns the filter to apply, or None if the user cancels.

    Typed text searches the filters; `ctrl+s` saves the list's current filter under the typed text as its name.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "Cancel"),
        Binding("down", "move(1)", show=False, priority=True),
        Binding("up", "move(-1)", show=False, priority=True),
        Binding("ctrl+s", "save", "Save", priority=True),
        Binding("ctrl+d", "forget", "Delete", priority=True),
    ]
    AUTO_FOCUS = "Input"
    DEFAULT_CSS = """
    SavedFiltersScreen { align: center middle; background: $background 60%; }
    SavedFiltersScreen > Vertical {
        width: 76; max-width: 96%; height: auto; max-height: 90%;
        background: $surface; border: round $primary; padding: 0 2;
    }
    SavedFiltersScreen #filters-title { text-style: bold; margin: 1 0; }
    SavedFiltersScreen BookTable { height: 10; max-height: 50vh; margin-top: 1; background: $surface; }
    SavedFiltersScreen #filters-note { color: $foreground 60%; margin-top: 1; }
    """

    def __init__(self, name: str, title: str, current: str) -> None:
        """`name` is the list's name in the settings, `title` its name on screen, `current` its filter text (empty for
        none).
        """
        super().__init__()
        self._list = name
        self._heading = title
        self._current = current

    @property
    def _saved(self) -> Mapping[str, str]:
        return self.host.settings_file.settings.filters.get(self._list, {})

    def compose(self) -> ComposeResult:
        columns: tuple[Column[SavedFilter], ...] = (
            Column("name", "Name", 20, lambda one: ((one.name, "title"),), grow=1, max_width=MAX_FILTER_NAME),
            Column("text", "Filter", 24, lambda one: one.text, grow=2, max_width=MAX_FILTER_TEXT),
        )
        hint = f"name for “{self._current}”, then ctrl+s" if self._current else "type to find"
        keys = "enter apply · ctrl+d delete · esc cancel"
        with Vertical():
            yield Static(ui_text(f"Saved filters · {self._heading}"), id="filters-title", markup=False)
            yield Input(placeholder=printable(hint), max_length=MAX_FILTER_NAME, compact=True)
            yield BookTable(
                columns,
                lambda one: one.name,
                search=lambda one: f"{one.name} {one.text}",
                empty="No saved filter: / filters the list, then F and ctrl+s save it.",
            )
            yield Static(
                ui_text(f"ctrl+s save this filter · {keys}" if self._current else keys), id="filters-note", markup=False
            )

    def on_mount(self) -> None:
        self._show()

    def _show(self) -> None:
        self.query_one(BookTable).set_rows([SavedFilter(name, text) for name, text in self._saved.items()])

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        self.query_one(BookTable).view = View(text=event.value)

    @on(Input.Submitted)
    @on(BookTable.Opened)
    def _apply(self) -> None:
        row = self.query_one(BookTable).cursor_row
        if isinstance(row, SavedFilter):
            self.dismiss(row)
        elif self._current:
            self.host.say("No saved filter matches; ctrl+s saves this filter under the typed name.")
        else:
            self.host.say("No saved filter matches.")

    def action_move(self, step: int) -> None:
        self.query_one(BookTable).action_move(step)

    def action_save(self) -> None:
        name = self.query_one(Input).value.strip() or self._current[:MAX_FILTER_NAME]
        saved = self._saved
        if not self._current:
            self.host.say("There is no filter to save: / filters the list.", "warning")
        elif name not in saved and len(saved) >= MAX_FILTERS:
            self.host.say(f"A list has at most {MAX_FILTERS} saved filters; ctrl+d deletes one.", "warning")
        elif len(self._current) > MAX_FILTER_TEXT:
            self.host.say(f"A saved filter has at most {MAX_FILTER_TEXT} characters.", "warning")
        elif save_filters(self.host, self._list, {**saved, name: self._current}):
            self.host.say(f"Filter saved as “{name}”.")
            self.dismiss(SavedFilter(name, self._current))

    def action_forget(self) -> None:
        row = self.query_one(BookTable).cursor_row
        if not isinstance(row, SavedFilter):
            self.host.say("No saved filter to delete.")
        elif save_filters(self.host, self._list, {n: text for n, text in self._saved.items() if n != row.name}):
            self.host.say(f"Filter “{row.name}” deleted.")
            self._show()


def save_filters(host: Host, name: str, filters: Mapping[str, str]) -> bool:
    """Save the filters of a list, given by filter name. If the settings file cannot be
    written, show a message and return False.
    """
    settings = host.settings_file.settings
    others = {other: saved for other, saved in settings.filters.items() if other != name}
    return save_settings(host, replace(settings, filters={**others, name: filters} if filters else others))
