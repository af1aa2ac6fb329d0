"""Base classes of dialogs, and the full-screen dialog that shows text to read."""

from __future__ import annotations

from typing import ClassVar, TypeVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import ModalScreen
from textual.widgets import Static

from rebal_tui.tui.host import Host, host_of
from rebal_tui.tui.questions import Question
from rebal_tui.tui.text import ui_text
from rebal_tui.tui.widgets.key_bar import KeyBar
from rebal_tui.tui.widgets.lines import Builder, LinesView

T = TypeVar("T")


class Dialog(ModalScreen[T]):
    """A modal dialog with access to the host."""

    @property
    def host(self) -> Host:
        """The app as `Host`."""
        return host_of(self)

    def leave(self, *, changed: bool) -> None:
        """Close without a result; with `changed`, first ask whether to discard the changes."""
        if not changed:
            self.dismiss()
            return
        question = Question("Discard your changes?", "Discard", "They have not been saved.", no="Keep editing")
        self.host.confirm(question, lambda _note: self._left())

    def _left(self) -> None:
        self.dismiss()


class LiveDialog:
    """A dialog that is refreshed on every heartbeat."""

    async def pull(self) -> None:
        """Fetch the data of this dialog and show it."""


class ReadScreen(ModalScreen[None]):
    """Full-screen read-only lines; escape closes the screen."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "dismiss", "Back"),
        Binding("y", "copy", "Copy", show=False),
    ]
    AUTO_FOCUS = "LinesView"
    DEFAULT_CSS = """
    ReadScreen { background: $background; }
    ReadScreen #read-title { dock: top; height: 1; background: $panel; text-style: bold; padding: 0 1; }
    """

    def __init__(self, title: str, builder: Builder, copy: str = "") -> None:
        """`copy` is the text that `y` copies to the clipboard."""
        super().__init__()
        self._heading = title
        self._builder = builder
        self.copied = copy

    def compose(self) -> ComposeResult:
        yield Static(ui_text(self._heading), id="read-title", markup=False)
        yield LinesView(self._builder)
        yield KeyBar()

    def show(self, builder: Builder) -> None:
        """Replace the lines."""
        self.query_one(LinesView).show(builder)

    def action_copy(self) -> None:
        if self.copied:
            self.app.copy_to_clipboard(self.copied)
            host_of(self).say("Copied.")
