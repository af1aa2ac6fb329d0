"""The size of a book's write-ahead log."""

from __future__ import annotations

import sqlite3
from contextlib import suppress

from rebal_tui.domain.free_space import FreeSpace

WAL_LIMIT = 8 * 1024 * 1024
"""Size in bytes to which the write-ahead log is truncated after a checkpoint."""
CHECKPOINT_PAGES = 1_000
"""Pages in the log after which a commit checkpoints it: SQLite's own default."""
_PAGE_BYTES = 4_096


def bound(connection: sqlite3.Connection, space: FreeSpace | None) -> None:
    """Limit the write-ahead log to 8 MB (`WAL_LIMIT`), or, if less, to the bytes that must be free on the disk for new
    work.

    `space` is None for a database in memory.
    """
    most = WAL_LIMIT if space is None else min(WAL_LIMIT, space.needed)
    pages = max(1, min(CHECKPOINT_PAGES, most // _PAGE_BYTES))
    connection.execute(f"PRAGMA journal_size_limit = {most}")
    connection.execute(f"PRAGMA wal_autocheckpoint = {pages}")


def empty(connection: sqlite3.Connection) -> None:
    """Move the pages of a book's write-ahead log into the book's file, and truncate the log.

    On a small disk this may free the space that new work needs. It does not wait: while another connection reads the
    file, the log may stay as it is.
    """
    (before,) = connection.execute("PRAGMA busy_timeout").fetchone()
    with suppress(sqlite3.Error):
        connection.execute("PRAGMA busy_timeout = 0")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    connection.execute(f"PRAGMA busy_timeout = {before}")
