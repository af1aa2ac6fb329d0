"""The export dialog (key `x`): writes the rows of a list, all rows of the book, or a report, to a file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Button, Input, Static
from textual.worker import Worker

from rebal_tui.domain.errors import Refusal
from rebal_tui.domain.text import sentence
from rebal_tui.tui.notices import Lasts
from rebal_tui.tui.screens.shared.answers import Answers
from rebal_tui.tui.screens.shared.dialog import Dialog
from rebal_tui.tui.screens.shared.export_choices import (
    ExportChoice,
    endings_text,
    file_name,
    read_target,
    replace_question,
    write_choice,
)
from rebal_tui.tui.text import ui_text
from rebal_tui.tui.widgets.bars import fill_bar
from rebal_tui.tui.widgets.tabs import Tab, TabBar
from rebal_tui.typed_paths import read_path, start_folder

BAR_WIDTH = 24
"""Width in cells of the progress bar."""


class ExportScreen(Dialog[None]):
    """Asks what to write and the path of the file; the file name's extension selects the format.

    An existing file is replaced only after a confirmation. A long export shows its progress;
    closing the dialog cancels it.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "Cancel"),
        Binding("down,right", "choose(1)", "Next choice", show=False),
        Binding("up,left", "choose(-1)", "Previous choice", show=False),
    ]
    DEFAULT_CSS = """
    ExportScreen { align: center middle; background: $background 60%; }
    ExportScreen > Vertical {
        width: 76; max-width: 95%; height: auto; background: $surface; border: round $primary; padding: 1 2;
    }
    ExportScreen #export-title { text-style: bold; margin-bottom: 1; }
    ExportScreen #export-choices { background: $surface; margin-bottom: 1; }
    ExportScreen #export-note { margin-top: 1; color: $foreground 60%; }
    ExportScreen #export-fault { color: $text-error; }
    ExportScreen Vertical > Horizontal { height: auto; margin-top: 1; align-horizontal: right; }
    """

    def __init__(self, choices: Sequence[ExportChoice], first: str = "") -> None:
        """`first` is the key of the choice that is selected at the start; by default the first choice."""
        super().__init__()
        self._choices = {choice.key: choice for choice in choices}
        self._choice = self._choices.get(first) or choices[0]
        self._writing: Worker[None] | None = None

    def compose(self) -> ComposeResult:
        tabs = tuple(Tab(choice.key, choice.label, figure=choice.figure) for choice in self._choices.values())
        with Vertical():
            yield Static("Export · ↑ ↓ choose what", id="export-title", markup=False)
            yield TabBar(tabs, self._choice.key, id="export-choices")
            yield Input(str(start_folder() / file_name(self._choice)), id="export-path", compact=True)
            yield Static("", id="export-note", markup=False)
            yield Static("", id="export-fault", markup=False)
            with Horizontal():
                yield Answers("Write", "write")

    def on_mount(self) -> None:
        self._show_note()

    def _note(self) -> str:
        """The folder of a path that names none from the root, the possible extensions, and who can read the file."""
        try:
            path = read_path(self.query_one(Input).value)
            folder = "" if path.is_absolute() else f"In {(start_folder() / path).parent}. "
        except Refusal:
            folder = ""
        return f"{folder}{endings_text(self._choice)}. Only you can read the file."

    def action_choose(self, direction: int) -> None:
        """Select the next (1) or previous (-1) choice."""
        self._choose(self.query_one(TabBar).step(direction))

    @on(TabBar.Chosen, "#export-choices")
    def _clicked(self, event: TabBar.Chosen) -> None:
        self._choose(event.key)

    def _choose(self, key: str) -> None:
        """Select a choice. A file name that the user has not edited becomes that of the choice; the folder stays."""
        if self._is_writing:
            return
        line, before = self.query_one(Input), file_name(self._choice)
        self._choice = self._choices[key]
        self.query_one(TabBar).current = key
        if line.value.endswith(before):
            line.value = line.value.removesuffix(before) + file_name(self._choice)
            line.cursor_position = len(line.value)
        self._show_note()
        self._show_fault("")

    @property
    def _is_writing(self) -> bool:
        return self._writing is not None and not self._writing.is_finished

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        if event.button.id == "write":
            self._start()
        else:
            self.action_leave()

    def action_leave(self) -> None:
        """Close the dialog and cancel a running export; no partial file remains."""
        if self._writing is not None and self._is_writing:
            self._writing.cancel()
            self.host.say("Export canceled; no file was written.")
        self.dismiss()

    @on(Input.Changed)
    def _path_changed(self) -> None:
        if not self._is_writing:
            self._show_note()

    @on(Input.Submitted)
    def _start(self) -> None:
        if self._is_writing:
            return
        self._show_fault("")
        try:
            path, exists = read_target(self._choice, self.query_one(Input).value)
        except Refusal as refusal:
            self._show_fault(str(refusal))
            return
        if exists:
            self.host.confirm(replace_question(path), lambda _note: self._run(path))
        else:
            self._run(path)

    def _run(self, path: Path) -> None:
        self._writing = self.host.work(self._write(path), name="export")

    async def _write(self, path: Path) -> None:
        try:
            written = await write_choice(self._choice, path, self._show_progress)
        except Refusal as refusal:
            self._show_fault(str(refusal))
            return
        finally:
            self._show_note()
        self.host.say(written, lasts=Lasts.UNTIL_KEY)
        self.dismiss()

    def _show_fault(self, text: str) -> None:
        """Show why nothing was written, as a sentence; an empty text clears the message."""
        self.query_one("#export-fault", Static).update(ui_text(sentence(text)))

    def _show_note(self) -> None:
        """Show where the file goes, also in place of the progress of an export that has ended."""
        for line in self.query("#export-note").results(Static):
            line.update(ui_text(self._note()))

    def _show_progress(self, done: int, total: int) -> None:
        track, _ = fill_bar(done, total, BAR_WIDTH)
        self.query_one("#export-note", Static).update(ui_text(f"{track}  {done:,} of {total:,}"))
