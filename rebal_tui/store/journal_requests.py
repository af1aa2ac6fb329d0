"""Journals requested from a real broker: stored before they are sent, so that none is sent twice."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from rebal_tui.domain.quantities import Money
from rebal_tui.store.codec import from_time, from_time_or_none, to_time, to_time_or_none
from rebal_tui.store.database import Database, Transaction


@dataclass(frozen=True, slots=True)
class StoredRequest:
    """A requested journal.

    `journal` is the id that the broker gave it, `refusal` why the broker refused it; both are None before the broker's
    answer. `missed_at` is when the broker was first found not to have the journal.
    """

    key: str
    from_account: str
    to_account: str
    amount: Money
    description: str
    at: datetime
    missed_at: datetime | None = None
    journal: str | None = None
    refusal: str | None = None


def add(tx: Transaction, request: StoredRequest) -> None:
    tx.execute(
        "INSERT INTO journal_requests (key, from_account, to_account, amount, description, at) "
        "VALUES (?, ?, ?, ?, ?, ?)",
        (request.key, request.from_account, request.to_account, request.amount, request.description,
         to_time(request.at)),
    )  # fmt: skip


def get(database: Database, key: str) -> StoredRequest | None:
    row = database.row(
        "SELECT key, from_account, to_account, amount, description, at, missed_at, journal, refusal "
        "FROM journal_requests WHERE key = ?",
        (key,),
    )
    if row is None:
        return None
    made, source, target, amount, description, at, missed_at, journal, refusal = row
    return StoredRequest(
        made, source, target, Money(amount), description, from_time(at), from_time_or_none(missed_at), journal, refusal
    )


def answered(database: Database) -> frozenset[str]:
    """The ids of the journals that the broker created for this program's requests."""
    rows = database.rows("SELECT journal FROM journal_requests WHERE journal IS NOT NULL")
    return frozenset(journal for (journal,) in rows)


def set_journal(tx: Transaction, key: str, journal_id: str) -> None:
    tx.execute("UPDATE journal_requests SET journal = ? WHERE key = ?", (journal_id, key))


def refuse(tx: Transaction, key: str, why: str) -> None:
    tx.execute("UPDATE journal_requests SET refusal = ? WHERE key = ?", (why, key))


def set_missed(tx: Transaction, key: str, at: datetime | None) -> None:
    tx.execute("UPDATE journal_requests SET missed_at = ? WHERE key = ?", (to_time_or_none(at), key))


def remove(tx: Transaction, key: str) -> None:
    """Delete a request for a journal that was refused, or was not sent."""
    tx.execute("DELETE FROM journal_requests WHERE key = ?", (key,))
