"""Text field that is edited without a new layout of its screen."""

from __future__ import annotations

from textual.geometry import Size
from textual.reactive import Reactive
from textual.widgets import Input


class TextField(Input):
    """An input of fixed width. Textual's lays out the whole screen at every key, because the width of its text changes,
    and that repaints every widget."""

    virtual_size = Reactive(Size(0, 0), layout=False)
