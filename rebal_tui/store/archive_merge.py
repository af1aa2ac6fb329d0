"""Merging a book and its archive into one file, for checks that need the rows of both."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from rebal_tui.store import archive_content
from rebal_tui.store.archive_content import CHILDREN, MOVED
from rebal_tui.store.backup import integrity_faults
from rebal_tui.store.database import Database


def merge(database: Database, archive: Path, target: Path) -> None:
    """Write the rows of a book and of its archive to the new file `target`.

    Where both have a run or decision, that of the book is written.
    """
    with closing(sqlite3.connect(target, isolation_level=None)) as whole:
        database.connection.backup(whole, pages=-1)
        whole.execute("PRAGMA synchronous = OFF")
        whole.execute("PRAGMA journal_mode = OFF")
        whole.execute("ATTACH ? AS archive", (f"{archive.resolve().as_uri()}?mode=ro&immutable=1",))
        for table in (*CHILDREN, *(one for one in MOVED if one not in CHILDREN)):
            there = archive_content.columns(whole, "archive", table)
            names = ", ".join(name for name in archive_content.columns(whole, "main", table) if name in there)
            new = "WHERE run NOT IN (SELECT key FROM main.runs)" if table in CHILDREN else ""
            whole.execute(f"INSERT OR IGNORE INTO main.{table} ({names}) SELECT {names} FROM archive.{table} {new}")
        # No run is known by its id alone: every one must be found.
        whole.execute("DELETE FROM main.archived_runs")


def file_faults(path: Path, digest: str) -> list[str]:
    """Faults of an archive's file, one message each; none if it is intact.

    Its rows must match `digest`. If the archive was extended after it had that digest, they must match the digest that
    the file itself states.
    """
    found = archive_content.Content()
    with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro&immutable=1", uri=True)) as file:
        faults = integrity_faults(file)
        about = dict(file.execute("SELECT name, value FROM archive_about"))
        earlier = {one for (one,) in file.execute("SELECT digest FROM archive_earlier")}
        for _ in archive_content.read(file, found):
            pass
    expected = about.get("digest", "") if digest in earlier else digest
    if found.digest != expected:
        faults.append("its rows are not those that were archived: their digest is another one")
    return faults
