"""Bringing a file to the schema this program knows; a newer file is refused."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence

from rebal_tui.domain.errors import Conflict
from rebal_tui.store.database import Database, import_sqlite_utils

Scripts = Sequence[tuple[str, str]]


def migrate(database: Database, sets: Iterable[tuple[str, Scripts]]) -> None:
    """Apply what is pending of each named set, all in one transaction.

    Raises `Conflict` when the file has migrations that this program does not know.
    """
    wrapped = database.utils
    pending = []
    for name, scripts in sets:
        migrations = import_sqlite_utils().Migrations(name)
        for script_name, script in scripts:
            migrations(name=script_name)(_runner(script))
        unknown = {m.name for m in migrations.applied(wrapped)} - {script_name for script_name, _ in scripts}
        if unknown:
            raise Conflict(
                f"the book was made by a newer version of rebal-tui (it has {', '.join(sorted(unknown))}); "
                "upgrade the program to open it"
            )
        if migrations.pending(wrapped):
            pending.append(migrations)
    if pending:
        with database.write():
            for migrations in pending:
                migrations.apply(wrapped)


def _runner(script: str) -> object:
    def run(db: object) -> None:
        connection: sqlite3.Connection = db.conn  # type: ignore[attr-defined]
        for statement in statements(script):
            connection.execute(statement)

    return run


def statements(script: str) -> Iterator[str]:
    """The statements of a script, one by one; `executescript` would commit the transaction around it."""
    statement = ""
    for part in script.split(";"):
        statement += part + ";"
        if sqlite3.complete_statement(statement):
            if statement.strip(" \n;"):
                yield statement.strip()
            statement = ""
    if statement.strip(" \n;"):
        yield statement.strip()
