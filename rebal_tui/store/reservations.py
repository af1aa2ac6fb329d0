"""Reservations: cash of an account that is kept for an owner, one row for each owner (R-2, R-9)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from rebal_tui.domain.cash import Owner, OwnerKind, Reservation
from rebal_tui.domain.quantities import Money
from rebal_tui.store.codec import from_time, to_time
from rebal_tui.store.database import LISTED, Database, SqlValue, Transaction, listed
from rebal_tui.store.rows import select_list


class _ReservationRow(NamedTuple):
    """A reservation as read, with the id of its account."""

    key: int
    account_id: str
    owner_kind: str
    owner: str
    origin_kind: str
    origin: str
    amount: int
    created_at: int


_ROWS = (
    f"SELECT {select_list(_ReservationRow, {'account_id': 'accounts.id'}, 'r')} "
    "FROM reservations r JOIN accounts ON accounts.key = r.account"
)


def of_account(database: Database, account_id: str) -> list[Reservation]:
    """The reservations of an account, oldest first."""
    return [_reservation(row) for row in _of_account(database, account_id)]


def load(database: Database) -> list[Reservation]:
    """Every reservation, by account, oldest first."""
    rows = database.rows(f"{_ROWS} ORDER BY r.account, r.created_at, r.key")
    return [_reservation(_ReservationRow._make(row)) for row in rows]


def totals(database: Database, account_ids: Sequence[str] | None = None) -> list[tuple[int, int, int]]:
    """The reserved cash of each account that has some, of all accounts or of those given, by ascending key.

    Each is (account key, total, part reserved by runs), in billionths of a dollar.
    """
    columns = "SELECT account, sum(amount), sum(CASE owner_kind WHEN 'run' THEN amount ELSE 0 END) FROM reservations"
    if account_ids is None:
        return database.rows(f"{columns} GROUP BY account ORDER BY account")
    where = f"WHERE account IN (SELECT key FROM accounts WHERE id IN {LISTED})"
    return database.rows(f"{columns} {where} GROUP BY account ORDER BY account", (listed(account_ids),))


def reserved_by(database: Database, account_id: str, owner: Owner) -> Money:
    """The cash of an account that an owner has reserved, 0 when it has none."""
    return Money(sum(row.amount for row in _of_account(database, account_id) if _owner(row) == owner))


def add(tx: Transaction, account_id: str, owner: Owner, amount: Money, at: datetime) -> None:
    """Reserve `amount`, above 0, for an owner, in addition to what the owner has reserved."""
    _put(tx, account_id, owner, None, amount, to_time(at))


def set_amount(tx: Transaction, account_id: str, owner: Owner, amount: Money, at: datetime) -> None:
    """Set an owner's reservation to `amount`, 0 or more; 0 removes it."""
    release(tx, account_id, owner)
    if amount > 0:
        add(tx, account_id, owner, amount, at)


def release(tx: Transaction, account_id: str, owner: Owner) -> None:
    """Remove the reservation of an owner."""
    tx.execute(
        "DELETE FROM reservations WHERE account = (SELECT key FROM accounts WHERE id = ?) "
        "AND owner_kind = ? AND owner = ?",
        (account_id, owner.kind.value, owner.reference),
    )


def take_over(
    tx: Transaction, account_id: str, journal_id: str, amount: Money, at: datetime, *, withdrawal_id: str | None
) -> None:
    """Make a journal the owner of reserved cash in the given amount (R-9).

    With `withdrawal_id`, the cash is taken from that withdrawal's reservation, else from the reservations of runs,
    oldest first. If these have less, the rest is reserved newly. Each part records its former owner for `give_back`.
    """
    journal, left = Owner(OwnerKind.JOURNAL, journal_id), int(amount)
    for row in _of_account(tx.database, account_id):
        taken = _owner(row) == Owner(OwnerKind.WITHDRAWAL, withdrawal_id) if withdrawal_id else row.owner_kind == "run"
        part = min(left, row.amount) if taken else 0
        if part <= 0:
            continue
        if part == row.amount:
            tx.execute("DELETE FROM reservations WHERE key = ?", (row.key,))
        else:
            tx.execute("UPDATE reservations SET amount = amount - ? WHERE key = ?", (part, row.key))
        _put(tx, account_id, journal, _owner(row), Money(part), row.created_at)
        left -= part
    if left > 0:
        _put(tx, account_id, journal, None, Money(left), to_time(at))


def give_back(tx: Transaction, account_id: str, journal_id: str) -> None:
    """Return the cash that a failed journal has reserved to the former owners (R-9).

    Cash that had no owner before is no longer reserved.
    """
    journal = Owner(OwnerKind.JOURNAL, journal_id)
    parts = [row for row in _of_account(tx.database, account_id) if _owner(row) == journal and row.origin_kind]
    release(tx, account_id, journal)
    for row in parts:
        origin = Owner(OwnerKind(row.origin_kind), row.origin)
        _put(tx, account_id, origin, None, Money(row.amount), row.created_at)


def _put(tx: Transaction, account_id: str, owner: Owner, origin: Owner | None, amount: Money, created_at: int) -> None:
    kind, reference = (origin.kind.value, origin.reference) if origin else ("", "")
    values: Sequence[SqlValue] = (owner.kind.value, owner.reference, kind, reference, amount, created_at, account_id)
    tx.execute(
        "INSERT INTO reservations (account, owner_kind, owner, origin_kind, origin, amount, created_at) "
        "SELECT key, ?, ?, ?, ?, ?, ? FROM accounts WHERE id = ? "
        "ON CONFLICT (account, owner_kind, owner, origin_kind, origin) DO UPDATE SET "
        "amount = amount + excluded.amount, created_at = min(created_at, excluded.created_at)",
        values,
    )


def _of_account(database: Database, account_id: str) -> list[_ReservationRow]:
    rows = database.rows(f"{_ROWS} WHERE accounts.id = ? ORDER BY r.created_at, r.key", (account_id,))
    return [_ReservationRow._make(row) for row in rows]


def _owner(row: _ReservationRow) -> Owner:
    return Owner(OwnerKind(row.owner_kind), row.owner)


def _reservation(row: _ReservationRow) -> Reservation:
    origin = Owner(OwnerKind(row.origin_kind), row.origin) if row.origin_kind else None
    return Reservation(row.account_id, _owner(row), Money(row.amount), from_time(row.created_at), origin)
