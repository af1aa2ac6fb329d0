"""Check of a book together with its archive."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from rebal_tui.domain.errors import Fault
from rebal_tui.services.maintenance.check import Checked, CheckedBroker, check_book
from rebal_tui.store import archive_merge, archives
from rebal_tui.store.database import Database


def check_whole(
    database: Database, broker_of: Callable[[Database], CheckedBroker], anchor: tuple[int, str] | None = None
) -> Checked:
    """Run `check_book` on a temporary file that joins a book and its archive, then check the archive's own file.

    `broker_of` opens the broker of a database. An archive that cannot be read is a fault with the location `archive`;
    the rows in the archive are then not checked.
    """
    found = archives.record(database)
    if found is None:
        return check_book(database, broker_of(database), anchor)
    problem = archives.problem(database)
    if problem:
        checked = check_book(database, broker_of(database), anchor, lacking=True)
        return Checked((Fault("archive", problem), *checked.faults), checked.counts, checked.behind, checked.head)
    path = archives.location(database, found)
    faults = [Fault("archive", text) for text in archive_merge.file_faults(path, found.digest)]
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "whole.db"
        archive_merge.merge(database, path, target)
        with closing(Database(target, read_only=True)) as whole:
            checked = check_book(whole, broker_of(whole), anchor)
    return Checked((*faults, *checked.faults), checked.counts, checked.behind, checked.head)
