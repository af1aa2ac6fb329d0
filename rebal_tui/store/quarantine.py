"""Items in quarantine, each with its reason and the time of its next retry (R-52)."""

from __future__ import annotations

from rebal_tui.domain.quarantine import Quarantined, QuarantineKind
from rebal_tui.store.codec import from_time, to_time
from rebal_tui.store.database import Database, SqlRow, Transaction

_COLUMNS = "kind, subject, account, reason, since, tried_at, tries, next_at"


def load(database: Database) -> dict[int, Quarantined]:
    """Every item in quarantine by its integer key, oldest first."""
    return {row[0]: _read(row[1:]) for row in database.rows(f"SELECT key, {_COLUMNS} FROM quarantine ORDER BY key")}


def get(database: Database, kind: QuarantineKind, subject: str) -> Quarantined | None:
    """The item of a kind and subject, None when it is not in quarantine."""
    row = database.row(f"SELECT {_COLUMNS} FROM quarantine WHERE kind = ? AND subject = ?", (kind, subject))
    return None if row is None else _read(row)


def put(tx: Transaction, one: Quarantined) -> None:
    """Put an item into quarantine, or update it after a further attempt."""
    tx.execute(
        f"INSERT INTO quarantine ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?) "
        "ON CONFLICT (kind, subject) DO UPDATE SET account = excluded.account, reason = excluded.reason, "
        "tried_at = excluded.tried_at, tries = excluded.tries, next_at = excluded.next_at",
        (
            one.kind.value, one.subject, one.account_id, one.reason, to_time(one.since), to_time(one.tried_at),
            one.tries, to_time(one.next_at),
        ),
    )  # fmt: skip


def remove(tx: Transaction, kind: QuarantineKind, subject: str) -> None:
    """Take an item out of quarantine."""
    tx.execute("DELETE FROM quarantine WHERE kind = ? AND subject = ?", (kind, subject))


def _read(row: SqlRow) -> Quarantined:
    kind, subject, account, reason, since, tried_at, tries, next_at = row
    return Quarantined(
        QuarantineKind(kind), subject, account, reason, from_time(since), from_time(tried_at), tries, from_time(next_at)
    )
