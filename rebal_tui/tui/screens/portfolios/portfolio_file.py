"""Files of a portfolio: the dialog that asks for one with a portfolio or a list of weights, and the export of one."""

from __future__ import annotations

import asyncio
from pathlib import Path

from rebal_tui.domain.errors import Conflict
from rebal_tui.tui.book_services import portfolio_queries
from rebal_tui.tui.host import Host
from rebal_tui.tui.screens.shared.export_choices import ExportChoice, Progress, Written, file_words
from rebal_tui.tui.screens.shared.path_dialog import PathDialog
from rebal_tui.typed_paths import require_input_file

MAX_BYTES = 1024 * 1024


def one_portfolio(host: Host, portfolio_id: str, name: str) -> ExportChoice:
    """Choice to export a portfolio in the API's format, which can be edited and pasted; `name` is its name."""

    async def make(_fmt: str, _progress: Progress) -> Written:
        return Written(f"{await host.ask(portfolio_queries.api_json, portfolio_id)}\n", f"portfolio {name}")

    stem = f"portfolio-{file_words(name)}"
    return ExportChoice("portfolio", f"{name}, to paste or edit", "", stem, ("json",), make)


class PortfolioFileScreen(PathDialog):
    """Asks for the path of a file. Returns the text of the file, or None."""

    HEADING = "Portfolio from a file"
    NOTE = "Weights, a symbol and a percent on each line, or JSON in the API's format. Nothing is created yet."

    def check(self, path: Path) -> None:
        require_input_file(path)

    async def submit(self, path: Path) -> None:
        text = await asyncio.to_thread(read_portfolio_file, path)
        if self.is_attached:
            self.dismiss(text)


def read_portfolio_file(path: Path) -> str:
    """Return the text of a file. Raises `Conflict` if it cannot be read, exceeds 1 MiB or is not UTF-8."""
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise Conflict(f"not read: {error.strerror or error}") from None
    if len(content) > MAX_BYTES:
        raise Conflict(f"{path}: expected a file of at most 1 MiB")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Conflict(f"{path}: expected text in UTF-8") from None
