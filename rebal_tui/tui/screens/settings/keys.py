"""Dialogs to change the keys of actions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from string import ascii_lowercase, ascii_uppercase
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.events import Key
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from rebal_tui.domain.text import fold
from rebal_tui.tui.action import Action
from rebal_tui.tui.action_table import ACTIONS
from rebal_tui.tui.host import host_of
from rebal_tui.tui.keymap import BY_ID, key_fault, key_text, keys_of, usable_keys
from rebal_tui.tui.segments import Line
from rebal_tui.tui.text import ui_text
from rebal_tui.tui.widgets.key_bar import KeyBar
from rebal_tui.tui.widgets.table import BookTable
from rebal_tui.tui.widgets.table_layout import Column
from rebal_tui.tui.widgets.table_look import KEYS
from rebal_tui.tui.widgets.text_field import FilterField

CANDIDATES = (*ascii_lowercase, *ascii_uppercase, *(f"f{number}" for number in range(3, 13)))
"""The keys that are offered for an action if they are free. It can have others, such as `ctrl+t` and signs."""


class PressScreen(ModalScreen[str]):
    """Waits until the user presses a key that the action can have, and returns its name; an empty text for escape."""

    DEFAULT_CSS = """
    PressScreen { align: center middle; background: $background 60%; }
    PressScreen > Vertical {
        width: 60; max-width: 95%; height: auto; background: $surface; border: round $primary; padding: 1 2;
    }
    PressScreen #press-fault { color: $text-error; }
    PressScreen #press-free { color: $text-muted; }
    """

    def __init__(self, action: Action, present: str, fault_of: Callable[[str], str]) -> None:
        """`present` is the key that the action has now. `fault_of` returns why the action cannot have a key, empty if
        it can.
        """
        super().__init__()
        self._action = action
        self._present = present
        self._fault_of = fault_of

    def compose(self) -> ComposeResult:
        with Vertical():
            action = f"“{self._action.label}” ({self._action.scope.capitalize()}), now {key_text(self._present)}"
            yield Static(ui_text(f"Press the new key for {action}."), markup=False)
            yield Static("", id="press-fault", markup=False)
            taken = self._present.split(",")
            free = [key for key in CANDIDATES if key not in taken and not self._fault_of(key)]
            yield Static(ui_text(f"Free: {' '.join(free) or 'none of the letters'}"), id="press-free", markup=False)
            yield Static(ui_text("escape cancels"), markup=False)

    def on_key(self, event: Key) -> None:
        event.stop()
        event.prevent_default()
        fault = "" if event.key == "escape" else self._fault_of(event.key)
        if fault:
            self.query_one("#press-fault", Static).update(ui_text(f"✗ {fault}; press another key."))
        else:
            self.dismiss("" if event.key == "escape" else event.key)


class KeyTable(BookTable[Action], inherit_bindings=False):
    """The list of actions. The letters that move the cursor in other lists are typed into the filter here."""

    BINDINGS: ClassVar[list[BindingType]] = [
        replace(one, key=one.key.partition(",")[0])
        for one in KEYS
        if isinstance(one, Binding) and one.key not in ("space", "full_stop")
    ]


class KeysScreen(ModalScreen[dict[str, str]]):
    """List of all actions with their keys, filtered by the typed words. Escape returns the user-defined keys by action
    id.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "back", "Done"),
        Binding("backspace,delete", "default", "Default key"),
        Binding("slash", "filter", "Filter"),
        Binding("down", "leave_filter", show=False),
    ]
    AUTO_FOCUS = "BookTable"
    DEFAULT_CSS = """
    KeysScreen { background: $background; }
    KeysScreen #keys-title { dock: top; height: 1; background: $panel; text-style: bold; padding: 0 1; }
    KeysScreen #keys-help { height: 2; color: $text-muted; padding: 0 1; }
    KeysScreen #filter { background: $panel; }
    """

    def __init__(self, keys: Mapping[str, str]) -> None:
        super().__init__()
        self._keys = dict(keys)

    def compose(self) -> ComposeResult:
        yield Static(
            ui_text("Keys · type to filter · enter changes a key · ↓ then backspace: its default"),
            id="keys-title",
            markup=False,
        )
        yield KeyTable(
            (
                Column("key", "Key", 12, self._key, grow=1, max_width=28),
                Column("label", "Action", 18, lambda action: action.label),
                Column("where", "Section", 11, lambda action: action.scope.capitalize()),
                Column("help", "Does", 24, lambda action: ((action.help, "muted"),), priority=2, grow=2, max_width=160),
                Column("id", "Name in settings", 23, lambda action: ((action.id, "muted"),), priority=1),
            ),
            lambda action: action.id,
            empty="No action has this key or these words; escape shows all.",
        )
        yield Static(id="keys-help", markup=False)
        filter_line = FilterField(placeholder="words of an action, or one key", id="filter")
        filter_line.display = False
        yield filter_line
        yield KeyBar()

    def _key(self, action: Action) -> Line:
        text = key_text(keys_of(action, self._keys))
        return ((f"{text} (default {key_text(action.keys)})", "key"),) if action.id in self._keys else ((text, ""),)

    def on_mount(self) -> None:
        self._show()

    def _show(self) -> None:
        table = self.query_one(BookTable)
        table.notify_style_update()
        text = self._filter.value.strip()
        table.set_rows([action for action in ACTIONS if self._matches(action, text)])

    @property
    def _filter(self) -> FilterField:
        return self.query_one(FilterField)

    def _matches(self, action: Action, text: str) -> bool:
        """Whether `text` is a key of an action, or all words of `text` are found in the action's keys, label, section,
        help or id.
        """
        keys = key_text(keys_of(action, self._keys))
        if text in keys.split() or len(text) == 1:
            return text in keys.split()
        found = fold(f"{keys} {action.label} {action.scope} {action.help} {action.id}")
        return all(word in found for word in fold(text).split())

    def on_key(self, event: Key) -> None:
        """Begin a filter with a typed character, unless its key is a command of the list below the filter."""
        if event.is_printable and event.character is not None and not self._filter.has_focus:
            event.stop()
            self._filter.open(event.character.strip())

    def action_filter(self) -> None:
        self._filter.open()

    @on(Input.Changed, "#filter")
    def _filtered(self) -> None:
        self.query_one(BookTable).renew_order()
        self._show()

    def action_leave_filter(self) -> None:
        """Move the focus from the filter to the list."""
        self.query_one(BookTable).focus()

    @on(Input.Submitted, "#filter")
    def _filter_done(self) -> None:
        """Enter changes the key of the row under the cursor, as in the list."""
        self.action_leave_filter()
        self.query_one(BookTable).action_open()

    def action_back(self) -> None:
        """Clear a filter in which the cursor is; from the list, close the dialog."""
        if self._filter.display and self._filter.has_focus:
            self._filter.value, self._filter.display = "", False
            self.query_one(BookTable).focus()
        else:
            self.dismiss(self._keys)

    @on(BookTable.Highlighted)
    def _explain(self, event: BookTable.Highlighted) -> None:
        action = BY_ID.get(str(event.key))
        self.query_one("#keys-help", Static).update(ui_text(action.help if action else ""))

    @on(BookTable.Opened)
    def _opened(self, event: BookTable.Opened) -> None:
        identity = str(event.key)

        def pressed(key: str | None) -> None:
            if key:
                self._set(identity, key)

        action = BY_ID[identity]
        screen = PressScreen(action, keys_of(action, self._keys), partial(self._fault_of, identity))
        self.app.push_screen(screen, pressed)

    def _fault_of(self, identity: str, key: str) -> str:
        """Return why an action cannot have a key; empty if it can."""
        _, faults = usable_keys({**self._keys, identity: key})
        return key_fault(identity, key) or next(iter(faults.values()), "")

    def _set(self, identity: str, key: str) -> None:
        self._keys[identity] = key
        if key == BY_ID[identity].keys:
            del self._keys[identity]
        self._show()

    def action_default(self) -> None:
        identity = str(self.query_one(BookTable).cursor_key)
        without = {name: key for name, key in self._keys.items() if name != identity}
        _, faults = usable_keys(without)
        if faults:
            host_of(self).say(f"Not changed: {next(iter(faults.values()))}.", "warning")
            return
        self._keys = without
        self._show()
