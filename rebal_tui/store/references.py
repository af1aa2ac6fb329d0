"""Which tables refer to a row, by the foreign keys of the schema."""

from __future__ import annotations

from collections.abc import Collection

from rebal_tui.store.database import Database


def referring_tables(database: Database, table: str, key: int, ignored: Collection[str] = ()) -> list[str]:
    """The tables with a row that refers to the row `key` of `table`, in alphabetical order, without those in
    `ignored`."""
    names = [name for (name,) in database.rows("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")]
    return [name for name in names if name not in ignored and _refers(database, name, table, key)]


def _refers(database: Database, name: str, table: str, key: int) -> bool:
    columns = database.rows('SELECT "from" FROM pragma_foreign_key_list(?) WHERE "table" = ?', (name, table))
    return any(
        database.row(f'SELECT 1 FROM "{name}" WHERE "{column}" = ? LIMIT 1', (key,)) is not None
        for (column,) in columns
    )
