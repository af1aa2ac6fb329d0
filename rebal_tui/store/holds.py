"""Accounts that are paused because the broker's figures and ours could not be brought together."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from rebal_tui.store.codec import from_time, to_time
from rebal_tui.store.database import Database, Transaction


@dataclass(frozen=True, slots=True)
class Hold:
    """Why an account is paused, and since when.

    `baseline` is what it was judged by, where what is told later may explain it; None where only a person can.
    """

    reason: str
    at: datetime
    baseline: str | None = None


def load(database: Database) -> dict[str, Hold]:
    """Every paused account by id."""
    rows = database.rows(
        "SELECT accounts.id, reason, at, ground FROM reconciliation_holds JOIN accounts ON accounts.key = account "
        "ORDER BY key"
    )
    return {account_id: Hold(reason, from_time(at), baseline) for account_id, reason, at, baseline in rows}


def put(tx: Transaction, account_id: str, hold: Hold) -> None:
    """Pause an account, or say anew why."""
    tx.execute(
        "INSERT INTO reconciliation_holds (account, at, reason, ground) SELECT key, ?, ?, ? FROM accounts WHERE id = ? "
        "ON CONFLICT (account) DO UPDATE SET reason = excluded.reason, ground = excluded.ground",
        (to_time(hold.at), hold.reason, hold.baseline, account_id),
    )


def remove(tx: Transaction, account_id: str) -> None:
    """Release an account."""
    tx.execute(
        "DELETE FROM reconciliation_holds WHERE account = (SELECT key FROM accounts WHERE id = ?)", (account_id,)
    )
