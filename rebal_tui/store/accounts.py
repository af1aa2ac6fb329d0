"""Our copy of the accounts at the broker: cash, positions, restrictions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rebal_tui.domain.accounts import Account, Position
from rebal_tui.domain.cash import CashEntry, CashKind
from rebal_tui.domain.quantities import Money
from rebal_tui.store.codec import (
    ACCOUNT_COLUMNS,
    from_time,
    restrictions_text,
    to_account,
    to_time,
)
from rebal_tui.store.database import Database, SqlValue, Transaction


@dataclass(frozen=True, slots=True)
class Extras:
    """What we keep of an account besides the broker's figures: cash set aside, open orders of other origin."""

    reserve: Money
    external_orders: int


def load(database: Database) -> dict[str, Account]:
    """Every account by id, an object each."""
    held: dict[int, list[Position]] = {}
    for account, symbol, qty, price in database.connection.execute(
        "SELECT positions.account, assets.symbol, positions.qty, positions.avg_entry_price FROM positions "
        "JOIN assets ON assets.key = positions.asset ORDER BY positions.account, assets.symbol"
    ):
        held.setdefault(account, []).append(Position(symbol, qty, price))
    return {
        row[1]: to_account(row, tuple(held.get(row[0], ())))
        for row in database.connection.execute(f"SELECT {ACCOUNT_COLUMNS} FROM accounts ORDER BY key")
    }


def known(database: Database) -> bool:
    """Whether there is any account."""
    return database.row("SELECT 1 FROM accounts") is not None


def save(tx: Transaction, accounts: Iterable[Account]) -> None:
    """Add accounts or replace all that the broker says of them."""
    for account in accounts:
        tx.execute(
            "INSERT INTO accounts (id, number, name, status, cash, unsettled, restrictions, created_at) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET number = excluded.number, "
            "name = excluded.name, status = excluded.status, cash = excluded.cash, unsettled = excluded.unsettled, "
            "restrictions = excluded.restrictions",
            _values(account),
        )
        key = tx.execute("SELECT key FROM accounts WHERE id = ?", (account.id,)).fetchone()[0]
        tx.execute("DELETE FROM positions WHERE account = ?", (key,))
        tx.executemany(
            "INSERT INTO positions SELECT ?, key, ?, ? FROM assets WHERE symbol = ?",
            ((key, p.qty, p.avg_entry_price, p.symbol) for p in account.positions),
        )


def _values(account: Account) -> Sequence[SqlValue]:
    return (
        account.id, account.account_number, account.name, account.status.value, account.cash, account.unsettled,
        restrictions_text(account.restrictions), to_time(account.created_at),
    )  # fmt: skip


def held_symbols(database: Database) -> set[str]:
    """Every symbol that some account holds."""
    return {
        symbol for (symbol,) in database.rows("SELECT symbol FROM assets WHERE key IN (SELECT asset FROM positions)")
    }


def reserve(tx: Transaction, account_id: str, amount: Money) -> None:
    """Set the cash that waits to leave (R-23)."""
    tx.execute("UPDATE accounts SET set_aside = ? WHERE id = ?", (amount, account_id))


def set_external_orders(tx: Transaction, account_id: str, count: int) -> None:
    """Set how many open orders of other origin the account has."""
    tx.execute("UPDATE accounts SET outside_orders = ? WHERE id = ?", (count, account_id))


def add_cash(tx: Transaction, entry: CashEntry) -> bool:
    """Record a cash movement once; False when it was there already."""
    cursor = tx.execute(
        "INSERT INTO cash_entries SELECT ?, key, ?, ?, ?, ?, ? FROM accounts WHERE id = ? "
        "ON CONFLICT (seq) DO NOTHING",
        (
            entry.seq, to_time(entry.at), entry.kind.value, entry.amount, entry.settles_on, entry.reference,
            entry.account_id,
        ),
    )  # fmt: skip
    return cursor.rowcount == 1


def has_entry(database: Database, seq: int) -> bool:
    """Whether a cash movement is recorded."""
    return database.row("SELECT 1 FROM cash_entries WHERE seq = ?", (seq,)) is not None


def cash_entries(database: Database, account_id: str, limit: int = 500) -> list[CashEntry]:
    """The newest cash movements of an account first."""
    return [
        CashEntry(seq, account_id, from_time(at), CashKind(kind), Money(amount), settles_on, reference)
        for seq, at, kind, amount, settles_on, reference in database.rows(
            "SELECT seq, at, kind, amount, settles_on, reference FROM cash_entries "
            "WHERE account = (SELECT key FROM accounts WHERE id = ?) ORDER BY seq DESC LIMIT ?",
            (account_id, limit),
        )
    ]


def latest_deposits(database: Database, limit: int = 200) -> list[CashEntry]:
    """The newest deposits and returned deposits of all accounts first."""
    return [
        CashEntry(seq, account_id, from_time(at), CashKind(kind), Money(amount), settles_on, reference)
        for seq, account_id, at, kind, amount, settles_on, reference in database.rows(
            "SELECT seq, accounts.id, at, kind, amount, settles_on, reference FROM cash_entries "
            "JOIN accounts ON accounts.key = account WHERE kind IN ('deposit', 'ach_return') ORDER BY seq DESC LIMIT ?",
            (limit,),
        )
    ]
