"""Schema migrations; a file that a newer program has migrated is refused."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from rebal_tui.domain.errors import Conflict
from rebal_tui.store.database import Database, import_sqlite_utils

Scripts = Sequence[tuple[str, str]]


def migrate(
    database: Database,
    sets: Iterable[tuple[str, Scripts]],
    before: Callable[[Sequence[str]], None] | None = None,
) -> None:
    """Apply the pending migrations of each named set in one transaction: all of them or none.

    `before` is called first with the names of the pending migrations, unless the file is new. Raises `Conflict` when
    the file has migrations that this program does not know.
    """
    wrapped = database.utils
    pending: list[Any] = []
    known = False
    for name, scripts in sets:
        migrations = import_sqlite_utils().Migrations(name)
        for script_name, script in scripts:
            migrations(name=script_name)(_runner(script))
        applied = {m.name for m in migrations.applied(wrapped)}
        _refuse_newer(applied, scripts)
        known = known or bool(applied)
        if migrations.pending(wrapped):
            pending.append(migrations)
    if pending and known and before is not None:
        before([migration.name for migrations in pending for migration in migrations.pending(wrapped)])
    if pending:
        with database.write():
            for migrations in pending:
                migrations.apply(wrapped)


def require_schema(database: Database, sets: Iterable[tuple[str, Scripts]]) -> None:
    """Raise `Conflict` when the schema of a read-only file is older or newer than this program's."""
    rows = database.rows("SELECT migration_set, name FROM _sqlite_migrations")
    for name, scripts in sets:
        applied = {script for owner, script in rows if owner == name}
        _refuse_newer(applied, scripts)
        missing = [script_name for script_name, _ in scripts if script_name not in applied]
        if missing:
            raise Conflict(f"the book was made by an older version of rebal-tui (missing {', '.join(missing)})")


def _refuse_newer(applied: set[str], scripts: Scripts) -> None:
    unknown = applied - {script_name for script_name, _ in scripts}
    if unknown:
        raise Conflict(
            f"the book was made by a newer version of rebal-tui (unknown {', '.join(sorted(unknown))}); "
            "upgrade the program to open it"
        )


def _runner(script: str) -> object:
    def run(db: object) -> None:
        connection: sqlite3.Connection = db.conn  # type: ignore[attr-defined]  # sqlite-utils
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
