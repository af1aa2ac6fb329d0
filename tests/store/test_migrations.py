"""Schema migrations: a file is either old or new, never in between; a newer file is refused (G18)."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
from collections.abc import Sequence
from pathlib import Path

import pytest

from rebal_tui import bootstrap, paths
from rebal_tui.domain.errors import Conflict
from rebal_tui.domain.runs import Approval, RunPhase, RunStatus, RunType
from rebal_tui.services.maintenance.check import check_book
from rebal_tui.store import book_settings
from rebal_tui.store.database import Database
from rebal_tui.store.migrations import migrate, statements
from rebal_tui.store.schema import FIRST, MIGRATIONS
from tests.store.books import new_file

SECOND = """
CREATE TABLE extra (id INTEGER PRIMARY KEY, text TEXT NOT NULL) STRICT;
INSERT INTO extra VALUES (1, 'a; b');
ALTER TABLE meta ADD COLUMN note TEXT;
UPDATE meta SET note = 'new'
"""
NEWER: Sequence[tuple[str, str]] = (*MIGRATIONS, ("0002_second", SECOND))

RUN_TEXTS = {
    "type": [one.value for one in RunType],
    "status": [one.value for one in RunStatus],
    "phase": [one.value for one in RunPhase],
    "approval": [one.value for one in Approval],
}


def schema(database: Database) -> list[tuple[object, ...]]:
    return database.rows("SELECT type, name, sql FROM sqlite_master WHERE name NOT LIKE '_sqlite_m%' ORDER BY 1, 2")


def test_migrating_twice_changes_nothing() -> None:
    database = new_file()
    before = schema(database)
    migrate(database, [("book", MIGRATIONS)])
    assert schema(database) == before
    assert book_settings.get(database, "id_seed") == "seed"


def test_a_file_of_a_release_is_migrated_with_its_content() -> None:
    database = new_file()
    migrate(database, [("book", NEWER)])
    assert database.rows("SELECT text FROM extra") == [("a; b",)]
    assert database.rows("SELECT note FROM meta WHERE name = 'id_seed'") == [("new",)]
    assert book_settings.get(database, "id_seed") == "seed"


def test_rewritten_check_constraints_of_runs_refuse_the_same_rows(tmp_path: Path) -> None:
    """With the run that a file of the fourth version has in it, and for a connection that was open already."""
    path = tmp_path / "book.db"
    database = Database(path)
    migrate(database, [("book", MIGRATIONS[:4])])
    database.connection.execute("PRAGMA foreign_keys = OFF")
    database.connection.execute(
        "INSERT INTO runs (key, id, account, type, initiated_from, status, phase, approval, weights, cash_weight, "
        "session, counts_quota, created_at, updated_at) VALUES (1, 'r', 1, 'full_rebalance', 'system', 'QUEUED', "
        "'waiting', 'not_needed', 1, 0, '2026-03-02', 1, 0, 0)"
    )
    columns = ", ".join(name for (name,) in database.rows("SELECT name FROM pragma_table_info('runs')"))
    before = database.rows(f"SELECT {columns} FROM runs")
    open_already = sqlite3.connect(path)
    open_already.execute("SELECT * FROM runs").fetchall()
    migrate(database, [("book", MIGRATIONS)])
    assert database.rows(f"SELECT {columns} FROM runs") == before
    assert database.rows("PRAGMA integrity_check") == [("ok",)]
    assert "status = 'QUEUED' OR" in str(database.row("SELECT sql FROM sqlite_master WHERE name = 'runs'"))
    for connection in (database.connection, open_already):
        for column, values in RUN_TEXTS.items():
            for value in values:
                connection.execute(
                    f"UPDATE runs SET {column} = ?1, amount = iif(?1 = 'partial_liquidation' OR ?2 <> 'type' AND "
                    "type = 'partial_liquidation', 1, NULL)",
                    (value, column),
                )
            for wrong in ("", values[0].swapcase(), values[-1] + " "):
                with pytest.raises(sqlite3.IntegrityError, match="CHECK"):
                    connection.execute(f"UPDATE runs SET {column} = ?", (wrong,))
        connection.rollback()


def test_a_file_of_a_newer_version_is_refused_and_unchanged(tmp_path: Path) -> None:
    database = new_file(tmp_path / "book.db")
    migrate(database, [("book", NEWER)])
    before = schema(database)
    with pytest.raises(Conflict, match=r"newer version.*0002_second.*upgrade the program"):
        migrate(database, [("book", MIGRATIONS)])
    assert schema(database) == before
    database.close()
    with pytest.raises(Conflict, match="newer version"):
        bootstrap.open_database(tmp_path / "book.db")


@pytest.mark.parametrize(
    "content", [b"not a database, but long enough to be read as one" * 100, b"SQLite format 3\0" + b"\xff" * 4096]
)
def test_a_file_that_is_not_a_book_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "book.db"
    path.write_bytes(content)
    with pytest.raises(Conflict, match="cannot be opened as a book"):
        bootstrap.open_database(path)
    assert path.read_bytes() == content


def test_a_script_that_fails_midway_leaves_the_file_unchanged() -> None:
    database = new_file()
    before = schema(database)
    broken = (*MIGRATIONS, ("0002_second", SECOND + "; CREATE TABLE meta (x)"))
    with pytest.raises(Exception, match="meta already exists"):
        migrate(database, [("book", broken)])
    assert schema(database) == before
    assert not database.connection.in_transaction
    migrate(database, [("book", NEWER)])
    assert database.rows("SELECT count(*) FROM extra") == [(1,)]


@pytest.mark.slow
@pytest.mark.parametrize("scripts", [MIGRATIONS, NEWER], ids=["a new file", "a released file"])
def test_a_migration_killed_at_any_statement_leaves_the_old_or_the_new_file(
    scripts: Sequence[tuple[str, str]], tmp_path: Path
) -> None:
    template = tmp_path / "template.db"
    if scripts is NEWER:
        new_file(template).close()
    else:
        Database(template).close()
    old, new = _schema_of(template), _schema_after(template, tmp_path / "whole.db", scripts)
    seen = set()
    for number in range(1, 400, 1 if "LONG" in os.environ else 14):
        path = tmp_path / "killed.db"
        for leftover in tmp_path.glob("killed.db*"):
            leftover.unlink()
        shutil.copy(template, path)
        if not _killed(path, scripts, number):
            break
        found = _schema_of(path)
        assert found in (old, new), f"killed at statement {number}"
        seen.add(found == new)
        assert _schema_after(path, path, scripts) == new
    else:
        pytest.fail("the migration never ended")
    assert False in seen


def _schema_of(path: Path) -> list[tuple[object, ...]]:
    database = Database(path)
    found = schema(database)
    assert database.row("PRAGMA integrity_check") == ("ok",)
    database.close()
    return found


def _schema_after(source: Path, path: Path, scripts: Sequence[tuple[str, str]]) -> list[tuple[object, ...]]:
    if source != path:
        shutil.copy(source, path)
    database = Database(path)
    migrate(database, [("book", scripts)])
    found = schema(database)
    database.close()
    return found


def _killed(path: Path, scripts: Sequence[tuple[str, str]], number: int) -> bool:
    """Migrate in its own process, killed at the start of its n-th statement; False if it ended before."""
    pid = os.fork()
    if pid == 0:
        try:
            database = Database(path)
            count = 0

            def trace(_: str) -> None:
                nonlocal count
                count += 1
                if count == number:
                    os.kill(os.getpid(), signal.SIGKILL)

            database.connection.set_trace_callback(trace)
            migrate(database, [("book", scripts)])
        finally:
            os._exit(0)
    _, status = os.waitpid(pid, 0)
    return os.WIFSIGNALED(status)


def test_a_script_is_split_at_the_ends_of_its_statements() -> None:
    assert list(statements("SELECT ';'; SELECT 2 ;\n\n")) == ["SELECT ';';", "SELECT 2 ;"]
    cut = list(statements(FIRST))
    assert sum(statement.startswith("CREATE TRIGGER") for statement in cut) == 2
    assert all(s.rstrip("; \n").endswith("END") for s in cut if s.startswith("CREATE TRIGGER"))


def test_newer_tables_of_the_simulated_broker_are_refused_and_reported(tmp_path: Path) -> None:
    path = tmp_path / "book.db"
    database = bootstrap.create_demo(path, accounts=2)
    with database.write() as tx:
        tx.execute("INSERT INTO sim_migrations VALUES ('0999_future')")
    database.close()
    before = path.read_bytes()

    for opening in (bootstrap.open_database, bootstrap.open_view, bootstrap.open_copy):
        with pytest.raises(Conflict, match="newer version of rebal-tui"):
            opening(path)
    database = bootstrap.open_database(path, read_only=True)
    found = check_book(database, bootstrap.read_only_broker(database)).faults
    database.close()

    assert "migration 0999_future is from a newer version" in str(found[0])
    assert path.read_bytes() == before


def test_a_book_with_newer_and_older_tables_is_refused_before_it_is_migrated(tmp_path: Path) -> None:
    path = tmp_path / "book.db"
    database = bootstrap.create_demo(path, accounts=2)
    with database.write() as tx:
        tx.execute("INSERT INTO sim_migrations VALUES ('0999_future')")
        tx.execute("DELETE FROM _sqlite_migrations WHERE name = ?", (MIGRATIONS[-1][0],))
    database.close()
    before = path.read_bytes()
    with pytest.raises(Conflict, match="newer version of rebal-tui"):
        bootstrap.open_database(path)
    assert path.read_bytes() == before
    assert not paths.backup_folder(path).exists()
