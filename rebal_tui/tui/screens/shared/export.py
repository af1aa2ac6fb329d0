"""Export of a list to a CSV or JSON file."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Button, Input, Static
from textual.worker import Worker

from rebal_tui.domain.errors import Invalid, Refusal
from rebal_tui.tui.book_services import export as export_services
from rebal_tui.tui.files import write_private
from rebal_tui.tui.questions import Question
from rebal_tui.tui.screens.shared.confirm import key_label
from rebal_tui.tui.screens.shared.dialog import Dialog
from rebal_tui.tui.text import ui_text
from rebal_tui.tui.widgets.bars import fill_bar
from rebal_tui.typed_paths import read_path, require_output, start_folder

if TYPE_CHECKING:
    from rebal_tui.services.book.book import Book
    from rebal_tui.services.maintenance.export import Export

FORMATS = ("csv", "json")
BAR_WIDTH = 24
"""Width in cells of the progress bar."""


class ExportScreen(Dialog[None]):
    """Asks for the path of an export; its extension selects the format.

    An existing file is replaced only after confirmation. A long export shows its progress; closing the dialog cancels
    it.
    """

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "leave", "Cancel")]
    DEFAULT_CSS = """
    ExportScreen { align: center middle; background: $background 60%; }
    ExportScreen > Vertical {
        width: 72; max-width: 95%; height: auto; background: $surface; border: round $primary; padding: 1 2;
    }
    ExportScreen #export-title { text-style: bold; margin-bottom: 1; }
    ExportScreen #export-note { margin-top: 1; color: $foreground 60%; }
    ExportScreen #export-fault { color: $text-error; }
    ExportScreen Horizontal { height: auto; margin-top: 1; align-horizontal: right; }
    """

    def __init__(self, what: str) -> None:
        super().__init__()
        self._what = what
        self._writing: Worker[None] | None = None

    def compose(self) -> ComposeResult:
        with Vertical():
            yield Static(ui_text(f"Export {self._what}"), id="export-title", markup=False)
            yield Input(str(start_folder() / f"{self._what}.csv"), id="export-path", compact=True)
            note = "The name must end in .csv or .json. Only you can read the file."
            yield Static(ui_text(note), id="export-note", markup=False)
            yield Static("", id="export-fault", markup=False)
            with Horizontal():
                yield Button(key_label("Cancel", "esc"), id="cancel", compact=True)
                yield Button("CSV", id="csv", compact=True)
                yield Button("JSON", id="json", compact=True)
                yield Button(key_label("Write", "enter"), id="write", compact=True)

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        path = self.query_one(Input)
        if event.button.id in FORMATS:
            path.value = _with_suffix(path.value, f".{event.button.id}")
        elif event.button.id == "write":
            self._start()
        else:
            self.action_leave()

    def action_leave(self) -> None:
        """Close the dialog and cancel a running export; no partial file remains."""
        if self._writing is not None and not self._writing.is_finished:
            self._writing.cancel()
            self.host.say("Export canceled; no file was written.")
        self.dismiss()

    @on(Input.Submitted)
    def _start(self) -> None:
        if self._writing is not None and not self._writing.is_finished:
            return
        self._show_fault("")
        try:
            path = read_path(self.query_one(Input).value)
            if path.suffix[1:].lower() not in FORMATS:
                raise Invalid("the name must end in .csv or .json")
            exists = require_output(path)
        except Refusal as refusal:
            self._show_fault(str(refusal))
            return
        if exists:
            question = Question("Replace this file?", "Replace", f"{path} exists and will be replaced.")
            self.host.confirm(question, lambda _note: self._run(path))
        else:
            self._run(path)

    def _run(self, path: Path) -> None:
        self._writing = self.host.work(self._write(path), name="export")

    async def _write(self, path: Path) -> None:
        # The export must be consistent: the lock prevents changes to the book between two chunks.
        async with self.host.heartbeats_held():
            made = await self.host.ask(export_services.Export, self._what, path.suffix[1:].lower())
            while await self.host.ask(advance, made):
                self._show_progress(made.done, made.total)
            text = await self.host.ask(text_of, made)
        try:
            await asyncio.to_thread(write_private, path, text)
        except OSError as error:
            self._show_fault(f"not written: {error.strerror or error}")
            return
        self.host.say(f"Wrote {path}.")
        self.dismiss()

    def _show_fault(self, text: str) -> None:
        """Show why the path cannot be used, as a sentence; empty text shows nothing."""
        sentence = f"{text[:1].upper()}{text[1:]}." if text else ""
        self.query_one("#export-fault", Static).update(ui_text(sentence))

    def _show_progress(self, done: int, total: int) -> None:
        track, _ = fill_bar(done, total, BAR_WIDTH)
        self.query_one("#export-note", Static).update(ui_text(f"{track}  {done:,} of {total:,} {self._what}"))


def advance(_book: Book, export: Export) -> bool:
    """Build the next chunk on the book's thread; returns whether there may be more."""
    return export.advance()


def text_of(_book: Book, export: Export) -> str:
    """Return the complete text, joined on the book's thread."""
    return export.text()


def _with_suffix(text: str, suffix: str) -> str:
    """A typed path with another ending; text that names no file is unchanged."""
    try:
        return str(Path(text).with_suffix(suffix))
    except ValueError:
        return text
