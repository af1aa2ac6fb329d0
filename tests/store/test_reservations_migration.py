"""Books that had one reserved figure for each account get reservations with owners (migration 0007)."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from rebal_tui.store.database import Database
from rebal_tui.store.migrations import migrate
from rebal_tui.store.schema import MIGRATIONS

pytestmark = pytest.mark.slow


def old_book(reserved: int, statements: Iterable[str]) -> Database:
    """A book of the sixth version with account `a` and its reserved cash."""
    database = Database(":memory:")
    migrate(database, [("book", [one for one in MIGRATIONS if one[0] < "0007"])])
    for statement in (
        "INSERT INTO parts VALUES (1, x'00', x'00')",
        f"INSERT INTO accounts VALUES (1, 'a', 'n', 'name', 'ACTIVE', 9000, 0, {reserved}, '', 0, 5)",
        *statements,
    ):
        database.connection.execute(statement)
    return database


def run(key: int, amount: int, status: str = "COMPLETED_SUCCESS") -> str:
    return (
        "INSERT INTO runs (key, id, account, type, amount, initiated_from, status, phase, approval, weights, "
        "cash_weight, session, counts_quota, created_at, updated_at) VALUES "
        f"({key}, 'r{key}', 1, 'partial_liquidation', {amount}, 'api', '{status}', 'done', 'not_needed', 1, 0, "
        f"'2026-03-02', 0, {key}, {key})"
    )


def journal(name: str, amount: int, at: int, *, status: str = "queued", description: str = "fee") -> str:
    state = f"'{status}', '{description}', NULL, {at}, {at}"
    return f"INSERT INTO journals VALUES ('{name}', 1, 'a', 'firm', {amount}, {state})"


def withdrawal(amount: int, stage: str, run: str = "") -> str:
    return (
        "INSERT INTO withdrawals (key, id, account, amount, stage, run, created_at, updated_at) "
        f"VALUES (1, 'w', 1, {amount}, '{stage}', '{run}', 40, 40)"
    )


CASES: dict[str, tuple[int, list[str], list[tuple[str, str, str, str, int]]]] = {
    "nothing": (0, [run(1, 100)], []),
    "the run that reserved it": (100, [run(1, 100)], [("run", "r1", "", "", 100)]),
    "the newest runs, of the newer one all": (
        130, [run(1, 100), run(2, 100), run(3, 70, "ERROR")],
        [("run", "r1", "", "", 30), ("run", "r2", "", "", 100)],
    ),
    "more than runs reserved": (150, [run(1, 100)], [("person", "advisor", "", "", 50), ("run", "r1", "", "", 100)]),
    "no run is known": (70, [], [("person", "advisor", "", "", 70)]),
    "an open withdrawal": (90, [run(1, 90), withdrawal(90, "settling", "r1")], [("withdrawal", "w", "", "", 90)]),
    "a run and an open withdrawal": (
        190, [run(1, 100), run(2, 90), withdrawal(90, "settling", "r2")],
        [("run", "r1", "", "", 100), ("withdrawal", "w", "", "", 90)],
    ),
    "a withdrawal that has ended": (
        90, [run(1, 90), run(2, 50), withdrawal(50, "completed", "r2")], [("run", "r1", "", "", 90)]
    ),
    "a journal of free cash": (0, [journal("j", 30, 1)], [("journal", "j", "", "", 30)]),
    "a journal that is done": (0, [journal("j", 30, 1, status="executed")], []),
    "journals take from runs, oldest first": (
        150, [run(1, 100), run(2, 50), journal("j", 80, 5), journal("k", 90, 6)],
        [
            ("journal", "j", "run", "r1", 80), ("journal", "k", "", "", 20), ("journal", "k", "run", "r1", 20),
            ("journal", "k", "run", "r2", 50),
        ],
    ),
    "a journal takes a part": (
        100, [run(1, 100), journal("j", 80, 5)], [("journal", "j", "run", "r1", 80), ("run", "r1", "", "", 20)]
    ),
    "the journal of a withdrawal": (
        90, [withdrawal(95, "journaling"), journal("j", 95, 50, description="withdrawal")],
        [("journal", "j", "", "", 5), ("journal", "j", "withdrawal", "w", 90)],
    ),
    "another journal during a withdrawal": (
        90, [withdrawal(90, "settling"), journal("j", 40, 50)],
        [("journal", "j", "", "", 40), ("withdrawal", "w", "", "", 90)],
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_reserved_cash_of_an_earlier_version_has_an_owner(case: str) -> None:
    reserved, statements, expected = CASES[case]
    database = old_book(reserved, statements)
    migrate(database, [("book", MIGRATIONS)])
    found = database.rows("SELECT owner_kind, owner, origin_kind, origin, amount FROM reservations ORDER BY 1, 2, 3, 4")
    assert found == expected
    assert "set_aside" not in [name for (name,) in database.rows("SELECT name FROM pragma_table_info('accounts')")]
    assert database.rows("PRAGMA foreign_key_check") == []
    assert database.rows("PRAGMA integrity_check") == [("ok",)]
