"""A file with the schema and some data."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from rebal_tui.store import audit, book_settings
from rebal_tui.store.database import MEMORY, Database
from rebal_tui.store.migrations import migrate
from rebal_tui.store.schema import MIGRATIONS

START = datetime(2026, 3, 2, 14, 30, tzinfo=UTC)


def new_file(path: Path | str = MEMORY) -> Database:
    database = Database(path)
    migrate(database, [("book", MIGRATIONS)])
    with database.write() as tx:
        book_settings.put(tx, "id_seed", "seed")
    return database


def with_trail(database: Database, entries: int = 20) -> Database:
    """Audit entries of several kinds, some with equal content."""
    with database.write() as tx:
        for number in range(entries):
            at = START + timedelta(minutes=number // 2)
            audit.append(tx, at, "system", f"action.{number % 3}", f"subject-{number % 5}", {"n": number % 4})
    return database
