"""Dialog when this process has stopped writing to the book: the cause, the state of the book, and the options."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Button, Static

from rebal_tui.domain.errors import FILE_LOST, Halt, ReadOnly, Refusal
from rebal_tui.domain.text import sentence
from rebal_tui.tui.book_services import book_copy
from rebal_tui.tui.questions import NoteField, Question
from rebal_tui.tui.screens.shared.dialog import Dialog
from rebal_tui.tui.text import ui_text
from rebal_tui.tui.widgets.key_button import KeyButton
from rebal_tui.typed_paths import read_path

TITLES = {
    Halt.TAKEN_OVER: "Another rebal-tui has taken over this book",
    Halt.DISK_FULL: "The disk is full: writing has stopped",
    Halt.IO_ERROR: "Disk error: writing has stopped",
    Halt.DAMAGED: "The book's file is damaged: writing has stopped",
    Halt.FILE_GONE: "The book's file is gone: writing has stopped",
    Halt.OVERWRITTEN: "Another program wrote over the book's file",
    Halt.VIEWING: "The book is open read-only",
}
_NOTHING_NEW = "no evaluation runs and no order is sent; orders at a broker can still fill."
TEXTS = {
    Halt.TAKEN_OVER: "This rebal-tui writes nothing more and sends no orders. It shows what the other one does.",
    Halt.DISK_FULL: (
        f"The write in progress was rolled back. Until writing works again, {_NOTHING_NEW} Free space on the disk, "
        "then retry; while you view the book, this is tried every few seconds."
    ),
    Halt.IO_ERROR: (
        f"The write in progress was rolled back. Until writing works again, {_NOTHING_NEW} Check the disk, then retry."
    ),
    Halt.DAMAGED: f"From now on, {_NOTHING_NEW} Quit, then restore a backup.",
    Halt.FILE_GONE: (
        f"From now on, {_NOTHING_NEW} Everything saved can be read here until you quit. Save a copy first."
    ),
    Halt.OVERWRITTEN: (
        f"From now on, {_NOTHING_NEW} Parts of this book are lost in the file, therefore a copy of it would not be "
        "complete. Quit, then restore the newest backup."
    ),
    Halt.VIEWING: "",
}
RETRYABLE_HALTS = frozenset({Halt.DISK_FULL, Halt.IO_ERROR})
RETRY_SECONDS = 5.0
"""How often writing is tried again after a disk error, while the book is only viewed."""


class StoppedScreen(Dialog[None]):
    """Shows why writing has stopped. Offers a retry (disk errors), a copy (file gone), viewing only, and quitting."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("t", "again", "Retry"),
        Binding("s", "copy", "Save a copy"),
        Binding("escape,r", "look", "View only"),
        Binding("q", "leave", "Quit"),
    ]
    DEFAULT_CSS = """
    StoppedScreen { align: center middle; background: $background 60%; }
    StoppedScreen > Vertical {
        width: 76; max-width: 95%; height: auto; max-height: 90%;
        background: $surface; border: round $error; padding: 1 2;
    }
    StoppedScreen Static { margin-bottom: 1; }
    StoppedScreen #stopped-title { text-style: bold; color: $text-error; }
    StoppedScreen #stopped-cause { color: $foreground 70%; }
    StoppedScreen Horizontal { height: auto; align-horizontal: right; }
    """

    def __init__(self, halted: ReadOnly, advice: Callable[[Halt], str]) -> None:
        super().__init__()
        self._halted = halted
        self._advice = advice

    def compose(self) -> ComposeResult:
        why = self._halted.halt
        with Vertical():
            yield Static(ui_text(f"■ {TITLES[why]}"), id="stopped-title", markup=False)
            yield Static(ui_text(TEXTS[why]), markup=False)
            yield Static(ui_text(self._cause(str(self._halted))), id="stopped-cause", markup=False)
            with Horizontal():
                if why in RETRYABLE_HALTS:
                    yield KeyButton("Retry", "t", id="again")
                if why is Halt.FILE_GONE:
                    yield KeyButton("Save a copy", "s", id="copy")
                yield KeyButton("View only", "esc", id="look")
                yield KeyButton("Quit", "q", id="leave")

    def _cause(self, text: str) -> str:
        return "\n".join(filter(None, (sentence(text), self._advice(self._halted.halt))))

    def on_mount(self) -> None:
        self.query(Button).first().focus()

    @on(Button.Pressed)
    async def _pressed(self, event: Button.Pressed) -> None:
        await self.run_action(event.button.id or "look")

    def action_again(self) -> None:
        if self._halted.halt in RETRYABLE_HALTS:
            self.host.work(self._retry_writing(), name="try again")

    async def _retry_writing(self) -> None:
        try:
            await self.host.write_again()
        except Refusal as refusal:
            if self.is_attached:
                self.query_one("#stopped-cause", Static).update(ui_text(self._cause(str(refusal))))
            return
        self.host.say("Writing resumed from the last saved state.")
        self.dismiss()
        self.host.pull_soon()

    def action_copy(self) -> None:
        if self._halted.halt is not Halt.FILE_GONE:
            return

        def answered(text: str) -> None:
            self.host.work(self._save_copy(text), name="save a copy")

        path = NoteField("path of a new file", required=True, missing="A path is required.", enter_answers=True)
        text = "The copy is a complete book."
        self.host.confirm(Question("Save a copy of this book", "Save", text, note=path), answered)

    async def _save_copy(self, text: str) -> None:
        cause = self.query_one("#stopped-cause", Static)
        try:
            cause.update(ui_text(self._cause(await self.host.ask(book_copy.save_copy, read_path(text)))))
        except Refusal as refusal:
            cause.update(ui_text(self._cause(str(refusal))))

    def action_look(self) -> None:
        if self._halted.halt in RETRYABLE_HALTS:
            self._retry_while_viewing()
        self.dismiss()

    def _retry_while_viewing(self) -> None:
        """Retry writing regularly until the disk allows it, because the dialog with its retry key is closed."""
        host = self.host

        async def retry() -> None:
            # A disk may take longer than the pause between two tries.
            timer.pause()
            try:
                await host.write_again()
            except Refusal:
                return
            finally:
                timer.resume()
            timer.stop()
            host.say("Writing resumed from the last saved state.")
            host.pull_soon()

        timer = self.app.set_interval(RETRY_SECONDS, lambda: host.work(retry(), name="try again"))

    def action_leave(self) -> None:
        self.app.exit(return_code=1 if self._halted.halt in FILE_LOST else 0)
