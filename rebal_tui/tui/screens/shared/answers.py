"""The two buttons of a dialog: Cancel, and the button that continues."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.events import DescendantBlur, DescendantFocus
from textual.widgets import Button

from rebal_tui.tui.screens.shared.confirm import key_label
from rebal_tui.tui.text import printable


class Answers(Horizontal):
    """Two buttons, each labeled with the key that presses it at present: enter presses Cancel only while Cancel has the
    focus.
    """

    DEFAULT_CSS = """
    Answers { width: auto; height: auto; }
    """

    def __init__(self, label: str, button_id: str, *, disabled: bool = False) -> None:
        """`label`, `button_id` and `disabled` are for the button that continues; Cancel has the id `cancel`."""
        super().__init__()
        self._label = label
        self._button_id = button_id
        self._disabled_at_first = disabled

    def compose(self) -> ComposeResult:
        yield Button(key_label("Cancel", "esc"), id="cancel", compact=True)
        yield Button(
            key_label(self._label, "enter"), id=self._button_id, compact=True, disabled=self._disabled_at_first
        )

    def on_descendant_focus(self, event: DescendantFocus) -> None:
        if event.widget.id == "cancel":
            self._name_keys("enter", "")

    def on_descendant_blur(self, event: DescendantBlur) -> None:
        if event.widget.id == "cancel":
            self._name_keys("esc", "enter")

    def _name_keys(self, cancel: str, go_on: str) -> None:
        for label, key, button_id in (("Cancel", cancel, "cancel"), (self._label, go_on, self._button_id)):
            button = self.query_one(f"#{button_id}", Button)
            button.label = key_label(label, key) if key else Content(printable(label))
            button.refresh(layout=True)
