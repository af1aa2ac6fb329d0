"""Import of a custodian's file: asks for the path, shows the changes, and stores all of them or none (R-71, R-72,
R-75).
"""

from __future__ import annotations

import asyncio
from functools import partial
from pathlib import Path

from rebal_tui.domain.errors import Conflict
from rebal_tui.services.files_book.dialogs import OpenQuestions
from rebal_tui.services.files_book.other_files import FileShown
from rebal_tui.tui.book_services import files_dialogs
from rebal_tui.tui.questions import Question
from rebal_tui.tui.screens.files.questions import QUESTION, questions_form, text_lines
from rebal_tui.tui.screens.shared.path_dialog import PathDialog
from rebal_tui.typed_paths import require_input_file

MAX_BYTES = 64 * 1024 * 1024


class PositionsScreen(PathDialog):
    """Reads a file of positions, transactions or prices, and shows what it will change before anything is stored."""

    HEADING = "Import a custodian's file"
    NOTE = (
        "A CSV file of positions, transactions or prices, of Schwab, Fidelity, IBKR, Vanguard or another custodian. "
        "Nothing is stored before you confirm."
    )

    def check(self, path: Path) -> None:
        require_input_file(path)

    async def submit(self, path: Path) -> None:
        try:
            content = await asyncio.to_thread(_read, path)
        except OSError as error:
            raise Conflict(f"not read: {error.strerror or error}") from None
        shown = await self.host.ask(files_dialogs.examine, content, path.name)
        if not self.is_attached:
            return
        if isinstance(shown, OpenQuestions):
            self.dismiss()
            self.app.push_screen(questions_form(content, shown))
            return

        stores = shown.store if isinstance(shown, FileShown) else partial(files_dialogs.store_positions, shown=shown)

        def answered(_note: str) -> None:
            store = partial(self.host.ask, stores)
            self.host.work(self.host.change(store, "Imported"), name=self.HEADING)
            self.dismiss()

        title = shown.question if isinstance(shown, FileShown) else QUESTION
        question = Question(title, "Import", shown.text, lines=text_lines(shown.lines))
        self.host.confirm(question, answered)


def _read(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(MAX_BYTES + 1)
