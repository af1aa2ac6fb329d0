"""The two buttons of a dialog: Cancel, and the button that continues."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.events import DescendantBlur, DescendantFocus

from rebal_tui.tui.widgets.key_button import ENTER, KeyButton


class Answers(Horizontal):
    """Two buttons, each labeled with the keys that press it at present: enter presses Cancel only while Cancel has the
    focus.
    """

    DEFAULT_CSS = """
    Answers { width: auto; height: auto; }
    """

    def __init__(self, label: str, button_id: str, *, disabled: bool = False) -> None:
        """`label`, `button_id` and `disabled` are for the button that continues; Cancel has the id `cancel`."""
        super().__init__()
        self._cancel = KeyButton("Cancel", "esc", id="cancel")
        self._go_on = KeyButton(label, ENTER, "", id=button_id, disabled=disabled)

    def compose(self) -> ComposeResult:
        yield self._cancel
        yield self._go_on

    def on_descendant_focus(self, event: DescendantFocus) -> None:
        if event.widget is self._cancel:
            self._go_on.key = ""

    def on_descendant_blur(self, event: DescendantBlur) -> None:
        if event.widget is self._cancel:
            self._go_on.key = ENTER
