"""Writes the approved orders of a files book as a trade list (R-74)."""

from __future__ import annotations

import asyncio
from pathlib import Path

from rebal_tui.domain.errors import Conflict
from rebal_tui.services.files_book.dialogs import WrittenList
from rebal_tui.tui.book_services import files_dialogs
from rebal_tui.tui.files import write_private
from rebal_tui.tui.notices import Lasts
from rebal_tui.tui.screens.shared.list_screen import ListScreen
from rebal_tui.tui.screens.shared.path_dialog import PathDialog
from rebal_tui.typed_paths import require_output, start_folder

FORMATS = {"blocks": "blocks", "ibkr": "ibkr"}
"""Format by the part of a file name before `.csv`; other names have the generic format."""


def write_trade_list(screen: ListScreen) -> None:
    """Ask where to write the approved orders; shows a message if no approved order waits to be written."""
    screen.host.work_to_open(_ask(screen), name="trade list")


async def _ask(screen: ListScreen) -> None:
    await screen.host.ask(files_dialogs.check_list)
    if screen.is_current:
        screen.app.push_screen(TradeListScreen())


class TradeListScreen(PathDialog):
    """Asks where to write the trade list; a file name that ends in `.blocks.csv` selects block orders, `.ibkr.csv`
    IBKR's format.
    """

    HEADING = "Write the trade list"
    NOTE = "One line an order; NAME.blocks.csv for blocks with allocations, NAME.ibkr.csv for BasketTrader."

    def __init__(self) -> None:
        super().__init__(str(start_folder() / "trades.csv"))

    def check(self, path: Path) -> None:
        if require_output(path):
            raise Conflict(f"{path} exists; choose another name")

    async def submit(self, path: Path) -> None:
        form = FORMATS.get(Path(path.stem).suffix[1:].lower(), "generic")
        made: WrittenList = await self.host.ask(files_dialogs.write_list, form, path.name)
        try:
            await asyncio.to_thread(write_private, path, made.text)
        except OSError as error:
            what = f"rebal-tui trades FILE --list {made.number}"
            raise Conflict(f"not written: {error.strerror or error}; write list {made.number} with  {what}") from None
        written = f"List {made.number} with {made.lines:,} lines written to {path.absolute()}{made.note}."
        self.host.say(written, lasts=Lasts.UNTIL_KEY)
        self.host.pull_soon()
        self.dismiss()
