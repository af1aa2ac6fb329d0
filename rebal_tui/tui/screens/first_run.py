"""First steps with an empty book: open the demo, import a file, start a files book by hand, or connect a broker."""

from __future__ import annotations

from collections.abc import Awaitable
from pathlib import Path

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from rebal_tui.domain.errors import Refusal
from rebal_tui.domain.text import sentence
from rebal_tui.tui.host import FirstSteps, host_of
from rebal_tui.tui.sections import Section
from rebal_tui.tui.text import ui_text
from rebal_tui.typed_paths import read_path, require_input_file

MAX_FAULTS = 12
NOT_HERE = {
    "demo": "The demo is a separate book: run  rebal-tui demo",
    "import": "Import from the command line: rebal-tui import FILE",
    "empty": "Create it from the command line: rebal-tui new --db NEW-FILE",
    "broker": "Quit with q, then run: rebal-tui connect --db NEW-FILE   It prompts for the keys without showing them.",
}


class FirstRun(Vertical):
    """Offers four first steps with an empty book: demo, file, files book, broker. For an unavailable step, it shows the
    command to use instead.
    """

    DEFAULT_CSS = """
    FirstRun { align: center middle; height: 1fr; }
    FirstRun > Vertical {
        width: 72; max-width: 96%; height: auto; padding: 1 3; background: $surface; border: round $primary 40%;
    }
    FirstRun .first-title { text-style: bold; margin-bottom: 1; }
    FirstRun OptionList, FirstRun OptionList:focus { height: auto; border: none; background: $surface; padding: 0; }
    FirstRun #first-path { display: none; margin-top: 1; }
    FirstRun #first-note { margin-top: 1; color: $foreground 70%; }
    """

    def __init__(self, steps: FirstSteps) -> None:
        super().__init__()
        self._steps = steps

    def compose(self) -> ComposeResult:
        with Vertical():
            yield Static(ui_text("This book is empty. Choose a first step:"), classes="first-title", markup=False)
            yield OptionList(
                Option(ui_text("Open the demo       fictitious clients, in a book of its own"), id="demo"),
                Option(ui_text("Import a file       positions of a custodian, or a BOOK.json"), id="import"),
                Option(ui_text("Start by hand       accounts and prices, typed or from files"), id="empty"),
                Option(ui_text("Connect a broker    existing accounts"), id="broker"),
                id="first-choices",
                markup=False,
            )
            yield Input(placeholder="path of the file, then enter", id="first-path", compact=True)
            yield Static("", id="first-note", markup=False)

    def _show_message(self, text: str) -> None:
        self.query_one("#first-note", Static).update(ui_text(text))

    @on(OptionList.OptionSelected)
    def _chosen(self, event: OptionList.OptionSelected) -> None:
        choice = event.option_id or ""
        steps = self._steps
        if choice == "demo" and steps.open_demo is not None:
            self._begin(steps.open_demo())
        elif choice == "broker" and steps.connect_broker is not None:
            self._begin(steps.connect_broker())
        elif choice == "empty" and steps.keep_files is not None:
            self._begin(steps.keep_files(), section=Section.ACCOUNTS)
        elif choice == "import" and steps.import_file is not None:
            line = self.query_one("#first-path", Input)
            line.display = True
            line.focus()
        else:
            self._show_message(NOT_HERE[choice])

    @on(Input.Submitted)
    def _path(self, event: Input.Submitted) -> None:
        try:
            path = read_path(event.value)
            require_input_file(path)
        except Refusal as refusal:
            self._show_message(sentence(str(refusal)))
            return
        steps = self._steps
        if path.suffix.lower() == ".json" and steps.import_file is not None:
            self._begin(steps.import_file(path))
        elif steps.keep_files is not None:
            host_of(self).work(self._positions(path, steps.keep_files()), name="positions")

    async def _positions(self, path: Path, keep_files: Awaitable[str]) -> None:
        """Make the empty book a files book; then show what the file will change before anything from it is stored."""
        from rebal_tui.tui.screens.files.positions import PositionsScreen

        try:
            await keep_files
        except Refusal as refusal:
            self._show_message(_faults(refusal))
            return
        if self.is_attached:
            self._show_message("")
            self.app.push_screen(PositionsScreen(str(path), at_once=True))

    def _begin(self, step: Awaitable[str], section: Section | None = None) -> None:
        """Await a first step; then go to `section`, if given, where the user continues."""
        host = host_of(self)
        self._show_message("Working…")

        async def go() -> None:
            try:
                host.say(await step)
                if self.is_attached:
                    self._show_message("")
                if section is not None:
                    host.go(section)
            except Refusal as refusal:
                self._show_message(_faults(refusal))
            except Exception:
                self._show_message("")
                raise
            host.pull_soon()

        host.work(go(), name="first step")


def _faults(refusal: Refusal) -> str:
    """Format the faults of a refusal, one per line: at most `MAX_FAULTS`, then the number of the others."""
    lines = [f"✗ {fault}" for fault in refusal.faults[:MAX_FAULTS]]
    more = len(refusal.faults) - MAX_FAULTS
    return "\n".join(["Nothing was changed:", *lines, *([f"… and {more:,} more"] if more > 0 else [])])
