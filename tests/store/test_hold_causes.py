"""Pauses have a row for each cause; those of earlier versions, joined in one text, are split (migration 0021)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from rebal_tui.store import holds
from rebal_tui.store.database import Database
from rebal_tui.store.holds import HoldCause, HoldKind
from rebal_tui.store.migrations import migrate
from rebal_tui.store.schema import MIGRATIONS

AT = datetime(2026, 3, 2, tzinfo=UTC)


def old_book(*statements: str) -> Database:
    """A book of the twentieth version with account `a`."""
    database = Database(":memory:")
    migrate(database, [("book", [one for one in MIGRATIONS if one[0] < "0021"])])
    columns = "key, id, number, name, status, cash, unsettled, created_at"
    database.connection.execute(f"INSERT INTO accounts ({columns}) VALUES (1, 'a', 'n', 'name', 'ACTIVE', 9000, 0, 5)")
    for statement in statements:
        database.connection.execute(statement)
    return database


def test_the_text_of_an_earlier_version_becomes_a_row_for_each_cause_and_reads_the_same() -> None:
    text = "cash: 1 in the book, 2 at the broker; the book does not know the asset of 5 NEW; no event explains: SPY: 1"
    book = old_book(
        f"INSERT INTO reconciliation_holds VALUES (1, 0, '{text}', '{{}}', 60000000)",
        "INSERT INTO alerts VALUES (1, 0, 'lost_run', 'a', 'text', NULL), (2, 0, 'reconciliation', 'a', 'text', NULL)",
    )
    migrate(book, [("book", MIGRATIONS)])
    hold = holds.load(book)["a"]
    assert hold.reason == text
    assert [(one.kind, one.baseline, one.waiting_until is None) for one in hold.causes] == [
        (HoldKind.RECONCILIATION, "{}", True), (HoldKind.UNKNOWN_ASSET, None, True), (HoldKind.DIFFERENCE, None, False),
    ]  # fmt: skip
    assert book.rows("SELECT kind FROM alerts WHERE acknowledged_at IS NULL") == [("reconciliation",)]


def test_causes_come_and_go_one_by_one_and_an_account_waits_only_if_all_of_them_do() -> None:
    book = old_book()
    migrate(book, [("book", MIGRATIONS)])
    waiting = HoldCause(HoldKind.DIFFERENCE, "no event explains: SPY", AT, None, AT + timedelta(minutes=1))
    with book.write() as tx:
        assert holds.add(tx, "a", waiting)
        assert not holds.add(tx, "a", waiting)
    hold = holds.of_account(book, "a")
    assert hold is not None
    assert hold.waits
    with book.write() as tx:
        holds.add(tx, "a", HoldCause(HoldKind.REPORTED, "an execution was busted; twice", AT + timedelta(hours=1)))
    hold = holds.load(book)["a"]
    assert (hold.reason, hold.at, hold.waits) == (
        "an execution was busted; twice; no event explains: SPY", AT, False
    )  # fmt: skip
    with book.write() as tx:
        holds.remove(tx, "a", HoldKind.REPORTED)
    assert holds.load(book)["a"].causes == (waiting,)
    with book.write() as tx:
        holds.remove(tx, "a")
    assert holds.of_account(book, "a") is None
