"""A titled part of a screen, whose border is highlighted while it has the focus."""

from __future__ import annotations

from textual.containers import Horizontal, Vertical
from textual.geometry import Size
from textual.reactive import Reactive

from rebal_tui.tui.text import ui_text


class Panes(Horizontal):
    """Panes side by side.

    Textual lays out the whole screen again whenever the size of a container changes, because its contents may scroll.
    The contents of this container never scroll, so the screen is not laid out again.
    """

    virtual_size = Reactive(Size(0, 0), layout=False)


class Pane(Vertical):
    """A container with its title on a line above it. On a narrow screen, which shows only one pane, the line is left
    out.
    """

    virtual_size = Reactive(Size(0, 0), layout=False)
    DEFAULT_CSS = """
    Pane {
        border-top: solid $foreground 25%;
        border-title-color: $foreground 60%;
        border-title-background: $background;
    }
    Pane:focus-within {
        border-top: heavy $primary;
        border-title-color: $foreground;
        border-title-style: bold;
    }
    Screen.-narrow Pane, Screen.-narrow Pane:focus-within { border-top: none; }
    """

    def __init__(self, title: str, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.border_title = ui_text(title)
