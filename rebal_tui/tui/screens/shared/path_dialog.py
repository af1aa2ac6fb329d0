"""A dialog that asks for the path of a file."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import Input, Static

from rebal_tui.domain.errors import Refusal
from rebal_tui.tui.screens.shared.dialog import Dialog
from rebal_tui.tui.text import ui_text
from rebal_tui.typed_paths import read_path

MAX_FAULTS = 12


class PathDialog(Dialog[str]):
    """Asks for a path, and calls `check` and `submit` with it. A `Refusal` is shown as a fault. Escape closes the
    dialog.

    The first typed character replaces the path shown at the start, as in the export dialog.
    """

    HEADING: ClassVar[str] = ""
    NOTE: ClassVar[str] = ""
    HINT: ClassVar[str] = "path of the file; ~ is your home folder"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss", "Cancel")]
    DEFAULT_CSS = """
    PathDialog { align: center middle; background: $background 60%; }
    PathDialog > Vertical {
        width: 72; max-width: 95%; height: auto; background: $surface; border: round $primary; padding: 1 2;
    }
    PathDialog #path-title { text-style: bold; margin-bottom: 1; }
    PathDialog #path-note { margin-top: 1; color: $foreground 60%; }
    PathDialog #path-fault { color: $text-error; }
    PathDialog #path-keys { color: $foreground 60%; }
    """

    def __init__(self, start: str = "", *, at_once: bool = False) -> None:
        """`start` is the path shown at the start; with `at_once` it is used immediately, without enter."""
        super().__init__()
        self._start_text = start
        self._at_once = at_once

    def compose(self) -> ComposeResult:
        with Vertical():
            yield Static(ui_text(self.HEADING), id="path-title", markup=False)
            yield Input(self._start_text, placeholder=self.HINT, id="path-input", compact=True)
            yield Static(ui_text(self.NOTE), id="path-note", markup=False)
            yield Static("", id="path-fault", markup=False)
            yield Static("enter uses this path · esc cancels", id="path-keys", markup=False)

    def on_mount(self) -> None:
        if self._at_once:
            self._use(self._start_text)

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        self._use(event.value)

    def _use(self, text: str) -> None:
        self.show_fault("")
        try:
            path = read_path(text)
            self.check(path)
        except Refusal as refusal:
            self.show_refusal(refusal)
            return
        self.host.work(self._submit(path), name=self.HEADING)

    async def _submit(self, path: Path) -> None:
        try:
            await self.submit(path)
        except Refusal as refusal:
            self.show_refusal(refusal)

    def check(self, path: Path) -> None:
        """Check the path before `submit`. Raises a `Refusal` if it cannot be used."""

    async def submit(self, path: Path) -> None:
        """Do the dialog's work with this path. Raises a `Refusal`, which the dialog shows."""

    def show_refusal(self, refusal: Refusal) -> None:
        """Show the faults of a refusal, at most the first `MAX_FAULTS`."""
        more = len(refusal.faults) - MAX_FAULTS
        lines = [str(fault) for fault in refusal.faults[:MAX_FAULTS]]
        self.show_fault("\n".join([*lines, *([f"… and {more:,} more"] if more > 0 else [])]))

    def show_fault(self, text: str) -> None:
        """Show why nothing was done; an empty text clears the message."""
        if self.is_attached:
            self.query_one("#path-fault", Static).update(ui_text(text))
