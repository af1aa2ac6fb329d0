"""Local copy of the broker's accounts: cash, positions, broker blocks, cash movements."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rebal_tui.domain.accounts import Account, Position
from rebal_tui.domain.cash import CashEntry, CashKind
from rebal_tui.domain.quantities import Money
from rebal_tui.store import assets
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
    """What only the book knows about an account: its reserved cash and the number of its open external orders.

    `reserve` is the cash of all reservations, `run_reserve` the part reserved by runs (R-2).
    """

    reserve: Money
    run_reserve: Money
    external_orders: int


def load(database: Database) -> dict[str, Account]:
    """Every account by id."""
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
    """Whether the book has any account."""
    return database.row("SELECT 1 FROM accounts") is not None


def save(tx: Transaction, accounts: Iterable[Account]) -> dict[str, list[Position]]:
    """Insert accounts, or update everything that the broker reports about them except `created_at`.

    A position refers to its asset by id if it has one, else by label. Positions in assets that the book does not know
    are not stored (R-51), but returned, by account id.
    """
    unknown: dict[str, list[Position]] = {}
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
        stored = tx.executemany(
            "INSERT INTO positions SELECT ?, key, ?, ? FROM assets WHERE key = coalesce("
            "(SELECT key FROM assets WHERE id = ?), (SELECT key FROM assets WHERE symbol = ? AND ? IS NULL))",
            ((key, p.qty, p.avg_entry_price, p.asset_id, p.symbol, p.asset_id) for p in account.positions),
        ).rowcount
        if account.positions and stored < len(account.positions):
            unknown[account.id] = unknown_positions(tx.database, account)
    return unknown


def unknown_positions(database: Database, account: Account) -> list[Position]:
    """The positions of an account in assets that the book does not know."""
    return [p for p in account.positions if assets.key_of(database, p.symbol, p.asset_id) is None]


def _values(account: Account) -> Sequence[SqlValue]:
    return (
        account.id, account.account_number, account.name, account.status.value, account.cash, account.unsettled,
        restrictions_text(account.restrictions), to_time(account.created_at),
    )  # fmt: skip


def held_symbols(database: Database) -> set[str]:
    """Every symbol that at least one account holds."""
    return {
        symbol for (symbol,) in database.rows("SELECT symbol FROM assets WHERE key IN (SELECT asset FROM positions)")
    }


def set_external_orders(tx: Transaction, account_id: str, count: int) -> None:
    """Set the number of an account's open external orders."""
    tx.execute("UPDATE accounts SET outside_orders = ? WHERE id = ?", (count, account_id))


def add_cash(tx: Transaction, entry: CashEntry) -> bool:
    """Record a cash movement; False when it is already recorded."""
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
    """Whether the cash movement with the number `seq` is recorded."""
    return database.row("SELECT 1 FROM cash_entries WHERE seq = ?", (seq,)) is not None


def cash_entries(database: Database, account_id: str, limit: int = 500) -> list[CashEntry]:
    """An account's cash movements, newest first, at most `limit`."""
    return [
        CashEntry(seq, account_id, from_time(at), CashKind(kind), Money(amount), settles_on, reference)
        for seq, at, kind, amount, settles_on, reference in database.rows(
            "SELECT seq, at, kind, amount, settles_on, reference FROM cash_entries "
            "WHERE account = (SELECT key FROM accounts WHERE id = ?) ORDER BY seq DESC LIMIT ?",
            (account_id, limit),
        )
    ]


def deposit_count(database: Database) -> int:
    """The number of deposits and returned deposits of all accounts."""
    row = database.row("SELECT count(*) FROM cash_entries WHERE kind IN ('deposit', 'ach_return')")
    return row[0] if row else 0


def latest_deposits(database: Database, limit: int) -> list[CashEntry]:
    """Deposits and returned deposits of all accounts, newest first, at most `limit`."""
    return [
        CashEntry(seq, account_id, from_time(at), CashKind(kind), Money(amount), settles_on, reference)
        for seq, account_id, at, kind, amount, settles_on, reference in database.rows(
            "SELECT seq, accounts.id, at, kind, amount, settles_on, reference FROM cash_entries "
            "JOIN accounts ON accounts.key = account WHERE kind IN ('deposit', 'ach_return') ORDER BY seq DESC LIMIT ?",
            (limit,),
        )
    ]
