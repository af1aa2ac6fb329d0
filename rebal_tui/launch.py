"""Opening the screens on a book's file."""

from __future__ import annotations

import asyncio
from pathlib import Path

from rebal_tui import bootstrap
from rebal_tui.services.book import Book
from rebal_tui.services.book_thread import BookThread


def run(path: Path) -> int:
    """Open the screens on a file until they are left; returns the exit code."""
    from rebal_tui.tui.app import RebalApp
    from rebal_tui.tui.book_backend import BookBackend

    thread = BookThread(lambda: open_book(path))
    app = RebalApp(BookBackend(thread), log_path=bootstrap.log_folder() / "rebal-tui.log")
    try:
        app.run()
    finally:
        thread.close()
    return app.return_code or 0
