"""Base classes of dialogs, and dialogs to read, answer or confirm."""

from __future__ import annotations

from typing import ClassVar, TypeVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import Button, Input, Static

from rebal_tui.tui.host import Host, host_of
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
        self._copy = copy

    def compose(self) -> ComposeResult:
        yield Static(ui_text(self._heading), id="read-title", markup=False)
        yield LinesView(self._builder)
        yield KeyBar()

    def show(self, builder: Builder) -> None:
        """Replace the lines."""
        self.query_one(LinesView).show(builder)

    def action_copy(self) -> None:
        if self._copy:
            self.app.copy_to_clipboard(self._copy)
            self.notify("Copied.", markup=False, timeout=3)


class AskScreen(ModalScreen[str]):
    """A question answered with one line of text; returns an empty string on cancel."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss('')", "Cancel")]
    DEFAULT_CSS = """
    AskScreen { align: center middle; background: $background 60%; }
    AskScreen > Vertical {
        width: 72; max-width: 95%; height: auto; max-height: 90%;
        background: $surface; border: round $primary; padding: 1 2;
    }
    AskScreen #ask-title { text-style: bold; margin-bottom: 1; }
    AskScreen Input { margin-top: 1; }
    """

    def __init__(self, title: str, text: str, placeholder: str) -> None:
        super().__init__()
        self._heading = title
        self._text = text
        self._placeholder = placeholder

    def compose(self) -> ComposeResult:
        with Vertical():
            yield Static(ui_text(self._heading), id="ask-title", markup=False)
            yield Static(ui_text(self._text), markup=False)
            yield Input(placeholder=self._placeholder, compact=True)

    @on(Input.Submitted)
    def _answered(self, event: Input.Submitted) -> None:
        self.dismiss(event.value.strip())


class ConfirmScreen(ModalScreen[bool]):
    """A yes-or-no confirmation that states the effects. With `typed`, yes requires typing that word."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,n", "answer(False)", "No"),
        Binding("y", "answer(True)", "Yes"),
    ]
    DEFAULT_CSS = """
    ConfirmScreen { align: center middle; background: $background 60%; }
    ConfirmScreen > Vertical {
        width: 72; max-width: 95%; height: auto; max-height: 90%;
        background: $surface; border: round $primary; padding: 1 2;
    }
    ConfirmScreen #confirm-title { text-style: bold; margin-bottom: 1; }
    ConfirmScreen #confirm-typed { margin-top: 1; }
    ConfirmScreen.-with-lines > Vertical { width: 112; }
    ConfirmScreen LinesView { height: auto; min-height: 3; max-height: 36vh; margin-top: 1; padding: 0; }
    ConfirmScreen Horizontal { height: auto; margin-top: 1; align-horizontal: right; }
    ConfirmScreen Button { margin-left: 2; min-width: 10; }
    """

    def __init__(
        self, title: str, text: str, *, yes: str = "Yes", no: str = "No", typed: str = "", lines: Builder | None = None
    ) -> None:
        """`lines` are shown in a scrollable view between the text and the buttons."""
        super().__init__(classes="-with-lines" if lines is not None else None)
        self._lines = lines
        self._heading = title
        self._text = text
        self._yes = yes
        self._no = no
        self._typed = typed

    def compose(self) -> ComposeResult:
        with Vertical():
            yield Static(ui_text(self._heading), id="confirm-title", markup=False)
            yield Static(ui_text(self._text), id="confirm-text", markup=False)
            if self._lines is not None:
                yield LinesView(self._lines)
            if self._typed:
                yield Input(placeholder=f"type {self._typed} to continue", id="confirm-typed", compact=True)
            with Horizontal():
                yield Button(ui_text(self._no), id="no", compact=True)
                yield Button(ui_text(self._yes), id="yes", variant="primary", compact=True, disabled=bool(self._typed))

    def on_mount(self) -> None:
        first = "#confirm-typed" if self._typed else "LinesView" if self._lines is not None else "#no"
        self.query_one(first).focus()

    @on(Input.Changed)
    def _typing(self, event: Input.Changed) -> None:
        self.query_one("#yes", Button).disabled = event.value != self._typed

    @on(Input.Submitted)
    def _typed_out(self) -> None:
        self.action_answer(True)

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        self.action_answer(event.button.id == "yes")

    def action_answer(self, yes: bool) -> None:
        if yes and self._typed and self.query_one(Input).value != self._typed:
            self.notify(f"Type {self._typed} first.", markup=False)
            return
        self.dismiss(yes)
