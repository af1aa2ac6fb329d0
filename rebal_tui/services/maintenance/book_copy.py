"""A verified copy of an open book, possible even when the book's own file was deleted or renamed."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from rebal_tui.domain.side_files import require_book_name
from rebal_tui.services.book.book import Book
from rebal_tui.store.backup import back_up
from rebal_tui.typed_paths import require_new


def save_copy(book: Book, target: Path) -> str:
    """Write a verified copy to a new file; returns what was done, as text.

    Raises `Conflict` when the file exists or when its name is not allowed for a book, and the errors of `back_up`.
    """
    require_new(target)
    require_book_name(target)
    back_up(book.database, target)
    return f"saved to {target}; quit, then open it with: rebal-tui --db {target}"


def copy_name(path: Path, at: datetime) -> Path:
    """A path for a copy, in the folder of the book: `NAME-saved-20261123-153000.db`."""
    return path.with_name(f"{path.stem}-saved-{at:%Y%m%d-%H%M%S}{path.suffix}")
