"""Dialog for a book that cannot be opened; it shows the reason until the user quits."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Button, Static

from rebal_tui.tui.screens.shared.dialog import Dialog
from rebal_tui.tui.screens.shared.section_screen import SectionScreen
from rebal_tui.tui.text import ui_text
from rebal_tui.tui.widgets.key_button import KeyButton


class CannotOpenScreen(Dialog[None]):
    """Shows why the book cannot be opened. The user can only quit, with exit code 1."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("q,escape,enter", "leave", "Quit")]
    DEFAULT_CSS = """
    CannotOpenScreen { align: center middle; background: $background 60%; }
    CannotOpenScreen > Vertical {
        width: 76; max-width: 95%; height: auto; max-height: 90%;
        background: $surface; border: round $error; padding: 1 2;
    }
    CannotOpenScreen Static { margin-bottom: 1; }
    CannotOpenScreen #open-title { text-style: bold; color: $text-error; }
    CannotOpenScreen Horizontal { height: auto; align-horizontal: right; }
    """

    def __init__(self, reason: str) -> None:
        super().__init__()
        self._reason = reason

    def compose(self) -> ComposeResult:
        with Vertical():
            yield Static(ui_text("■ The book cannot be opened"), id="open-title", markup=False)
            yield Static(ui_text(f"{self._reason}."), id="open-reason", markup=False)
            yield Static(ui_text("Nothing was changed. Quit, then correct this and start again."), markup=False)
            with Horizontal():
                yield KeyButton("Quit", "q", id="leave")

    def on_mount(self) -> None:
        for screen in self.app.screen_stack:
            if isinstance(screen, SectionScreen) and screen.is_mounted:
                screen.show_cannot_open()

    @on(Button.Pressed)
    def action_leave(self) -> None:
        self.app.exit(return_code=1)
