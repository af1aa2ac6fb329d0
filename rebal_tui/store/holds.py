"""Accounts paused because of reconciliation differences."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from rebal_tui.store.codec import from_time, from_time_or_none, to_time, to_time_or_none
from rebal_tui.store.database import Database, Transaction


@dataclass(frozen=True, slots=True)
class Hold:
    """The reason why an account is paused, and the time of the pause.

    `baseline` is recorded when later events may account for the difference, so that they can be replayed against it;
    None when only a person can resolve it. Until `waiting_until` the account waits for the events that explain the
    difference: it is not traded, and nobody is alerted yet.
    """

    reason: str
    at: datetime
    baseline: str | None = None
    waiting_until: datetime | None = None


_COLUMNS = "reason, at, ground, waiting_until"


def of_account(database: Database, account_id: str) -> Hold | None:
    """The hold of an account, including one of the open transaction; None when it is not paused."""
    row = database.row(
        f"SELECT {_COLUMNS} FROM reconciliation_holds JOIN accounts ON accounts.key = account WHERE accounts.id = ?",
        (account_id,),
    )
    return None if row is None else _hold(*row)


def load(database: Database) -> dict[str, Hold]:
    """Every paused account by id."""
    rows = database.rows(
        f"SELECT accounts.id, {_COLUMNS} FROM reconciliation_holds JOIN accounts ON accounts.key = account ORDER BY key"
    )
    return {account_id: _hold(*stored) for account_id, *stored in rows}


def _hold(reason: str, at: int, baseline: str | None, waiting: int | None) -> Hold:
    return Hold(reason, from_time(at), baseline, from_time_or_none(waiting))


def put(tx: Transaction, account_id: str, hold: Hold) -> None:
    """Pause an account, or replace the reason and baseline of its pause."""
    tx.execute(
        "INSERT INTO reconciliation_holds (account, at, reason, ground, waiting_until) "
        "SELECT key, ?, ?, ?, ? FROM accounts WHERE id = ? ON CONFLICT (account) DO UPDATE SET "
        "reason = excluded.reason, ground = excluded.ground, waiting_until = excluded.waiting_until",
        (to_time(hold.at), hold.reason, hold.baseline, to_time_or_none(hold.waiting_until), account_id),
    )


def relabel(tx: Transaction, labels: Mapping[str, str]) -> None:
    """Let the holdings of baselines follow their assets to new labels, given by old label (R-50)."""
    for account, text in tx.rows("SELECT account, ground FROM reconciliation_holds WHERE ground IS NOT NULL"):
        baseline = json.loads(text)
        held = {labels.get(symbol, symbol): qty for symbol, qty in baseline["held"].items()}
        if held != baseline["held"]:
            tx.execute(
                "UPDATE reconciliation_holds SET ground = ? WHERE account = ?",
                (json.dumps({**baseline, "held": held}), account),
            )


def remove(tx: Transaction, account_id: str) -> None:
    """Remove an account's hold."""
    tx.execute(
        "DELETE FROM reconciliation_holds WHERE account = (SELECT key FROM accounts WHERE id = ?)", (account_id,)
    )
