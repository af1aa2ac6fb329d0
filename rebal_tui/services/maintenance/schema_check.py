"""Check of a book's schema: its migrations, and the indexes and triggers that protect its rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing
from functools import cache

from rebal_tui.broker.simulated.schema import MIGRATIONS as SIMULATED_MIGRATIONS
from rebal_tui.broker.simulated.schema import create_tables
from rebal_tui.domain.errors import Fault
from rebal_tui.store.database import Database
from rebal_tui.store.migrations import migrate
from rebal_tui.store.schema import MIGRATIONS


def schema_faults(database: Database) -> Iterator[Fault]:
    """Missing or unknown migrations: a file with such a fault is not a book of this version."""
    tables = {name for (name,) in database.rows("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if "_sqlite_migrations" not in tables or "sim_accounts" not in tables:
        yield Fault("schema", "the file is not a rebal-tui book")
        return
    known = {name for name, _ in MIGRATIONS}
    applied = {name for (name,) in database.rows("SELECT name FROM _sqlite_migrations WHERE migration_set = 'book'")}
    for name in sorted(applied - known):
        yield Fault("schema", f"migration {name} is from a newer version of rebal-tui")
    ours = {name for name, _ in SIMULATED_MIGRATIONS}
    for name in sorted({name for (name,) in database.rows("SELECT name FROM sim_migrations")} - ours):
        yield Fault("schema", f"the simulated broker's migration {name} is from a newer version of rebal-tui")
    for name in sorted(known - applied):
        yield Fault("schema", f"migration {name} is missing: open the book once to upgrade it")


def guard_faults(database: Database) -> Iterator[Fault]:
    """Indexes and triggers of the schema that are missing or changed, and triggers that are not in the schema."""
    found, expected = _guards(database), _expected_guards()
    for name in sorted(expected):
        if name not in found:
            yield Fault("schema", f"{name} is missing")
        elif found[name] != expected[name]:
            yield Fault("schema", f"{name} was changed")
    for name in sorted(found.keys() - expected.keys()):
        if name.startswith("trigger"):
            yield Fault("schema", f"{name} is not from rebal-tui")


def _guards(database: Database) -> Mapping[str, str]:
    """The SQL statements of the indexes and triggers in the file, by type and name."""
    rows = database.rows("SELECT type || ' ' || name, sql FROM sqlite_master WHERE type <> 'table' AND sql IS NOT NULL")
    return dict(rows)


@cache
def _expected_guards() -> Mapping[str, str]:
    with closing(Database()) as fresh:
        migrate(fresh, [("book", MIGRATIONS)])
        with fresh.write() as tx:
            create_tables(tx)
        return _guards(fresh)
