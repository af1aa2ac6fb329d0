"""A button of a dialog, labeled with the keys that press it."""

from __future__ import annotations

from rich.cells import cell_len
from textual.content import Content
from textual.widgets import Button

from rebal_tui.tui.text import printable

ENTER = "enter"
PADDING = 2
"""Blank cells left and right of the label, in total."""


class KeyButton(Button):
    """A compact button whose label ends with the keys that press it: with the focus, enter is one of them.

    It is as wide as its longest label, so no button moves with the focus.
    """

    def __init__(self, label: str, key: str, *others: str, id: str, disabled: bool = False) -> None:
        """`key` presses the button at first and while it has the focus; `others` are those that press it while another
        widget has the focus, with an empty text for none.
        """
        self._text = printable(label)
        self._focused_keys = key if key == ENTER else f"{key}, {ENTER}"
        self._key = key
        super().__init__(self._labeled(key), id=id, disabled=disabled, compact=True)
        longest = max(cell_len(self._labeled(keys).plain) for keys in (self._focused_keys, key, *others))
        self.styles.width = longest + PADDING

    @property
    def key(self) -> str:
        """The key that presses the button while another widget has the focus; empty for none."""
        return self._key

    @key.setter
    def key(self, key: str) -> None:
        self._key = key
        self._show_keys()

    def on_mount(self) -> None:
        self.watch(self, "has_focus", self._show_keys, init=False)

    def _show_keys(self) -> None:
        self.label = self._labeled(self._focused_keys if self.has_focus else self._key)

    def _labeled(self, keys: str) -> Content:
        return Content(f"{self._text} ({keys})" if keys else self._text)
