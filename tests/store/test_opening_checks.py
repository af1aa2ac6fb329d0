"""A small file is checked when it is opened for writing: references, enums, and the broker's ledger (L10)."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from rebal_tui import bootstrap
from rebal_tui.domain.errors import Conflict
from rebal_tui.services.book.book import Book
from rebal_tui.services.broker_sync.reconciliation.release import release
from rebal_tui.store import backup
from tests.services.factories import alerts, make_book, simple_book


def closed_book(path: Path) -> Path:
    book = simple_book(path=path / "book.db", held={"SPY": "10"}, names="ab")
    book.database.close()
    return path / "book.db"


def edit(path: Path, *statements: str) -> None:
    connection = sqlite3.connect(path)
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    connection.close()


def opened(path: Path) -> Book:
    return make_book(path=path, at="2026-03-02 09:30")


@pytest.mark.parametrize(
    ("statement", "fault"),
    [
        ("DELETE FROM portfolios", "refers to a missing row of portfolios"),
        ("UPDATE accounts SET status = 'OPEN' WHERE id = 'b'", "accounts.status: unknown value 'OPEN' in 1 row"),
        ("UPDATE accounts SET restrictions = 'crypto,odd'", "accounts.restrictions: unknown value 'odd' in 2 rows"),
    ],
)
def test_a_file_with_such_a_row_is_refused(tmp_path: Path, statement: str, fault: str) -> None:
    path = closed_book(tmp_path)
    edit(path, "PRAGMA foreign_keys = OFF", statement)
    before = path.read_bytes()
    with pytest.raises(Conflict, match=fault):
        bootstrap.open_database(path)
    assert path.read_bytes() == before


def test_a_large_file_names_the_accounts_that_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backup, "QUICK_CHECK_MAX_BYTES", 0)
    path = closed_book(tmp_path)
    edit(path, "UPDATE accounts SET status = 'OPEN' WHERE id = 'b'")
    with pytest.raises(Conflict, match="account b: unknown status 'OPEN'"):
        opened(path)


def test_an_account_that_its_ledger_does_not_explain_is_paused_until_released(tmp_path: Path) -> None:
    """Book and broker agree, so that only the ledger shows it."""
    path = closed_book(tmp_path)
    edit(
        path,
        "UPDATE accounts SET cash = cash + 1000000000 WHERE id = 'a'",
        "UPDATE sim_accounts SET cash = cash + 1000000000 WHERE id = 'a'",
        "UPDATE positions SET qty = qty * 2 WHERE account = (SELECT key FROM accounts WHERE id = 'b')",
        "UPDATE sim_positions SET qty = qty * 2 WHERE account = (SELECT n FROM sim_accounts WHERE id = 'b')",
    )
    book = opened(path)
    assert book.paused("a") == ("paused: cash is 50001.00, its entries sum to 50000.00",)
    assert book.paused("b") == ("paused: 20 SPY held, its entries sum to 10",)
    release(book, "a")
    book.database.close()
    again = opened(path)
    assert again.paused("a") == ()
    assert ("ledger", "a") in [(kind, subject) for kind, subject, _ in alerts(again)]
    assert again.paused("b") == book.paused("b")
    again.database.close()
