"""A titled part of a screen, whose border is lit while it has the focus."""

from __future__ import annotations

from textual.containers import Vertical

from rebal_tui.tui.text import ui_text


class Pane(Vertical):
    """A container with its title on a line above it. Without room for a second pane, the line is left out."""

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
