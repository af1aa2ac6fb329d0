"""Drift history: the largest band usage of each account at every evaluation, in rows of many accounts."""

from __future__ import annotations

from array import array
from datetime import datetime

import numpy as np
import numpy.typing as npt

from rebal_tui.store.codec import from_time, to_time
from rebal_tui.store.database import Database, Transaction

Ints = npt.NDArray[np.int64]
ACCOUNTS_PER_BUCKET = 1_000
"""Accounts by key in one row of the drift history."""
_NOTHING = -1


def add(tx: Transaction, at: datetime, accounts: Ints, used: Ints) -> None:
    """Record each account's band usage, in tenths of a percent. `accounts` are ascending keys."""
    numbers, begins = np.unique(accounts // ACCOUNTS_PER_BUCKET, return_index=True)
    ends = [*begins[1:].tolist(), len(accounts)]
    rows = []
    for number, first, end in zip(numbers.tolist(), begins.tolist(), ends[: len(numbers)], strict=True):
        offsets = accounts[first:end] % ACCOUNTS_PER_BUCKET
        bucket = np.full(int(offsets[-1]) + 1, _NOTHING, np.int32)
        bucket[offsets] = used[first:end]
        rows.append((number, to_time(at), bucket.tobytes()))
    tx.executemany("INSERT OR REPLACE INTO drift_history VALUES (?, ?, ?)", rows)


def of_account(database: Database, account_id: str, limit: int = 120) -> list[tuple[datetime, int]]:
    """The latest points of an account's drift history, oldest first: (time, band usage in tenths of a percent)."""
    row = database.row("SELECT key FROM accounts WHERE id = ?", (account_id,))
    if row is None:
        return []
    number, offset = divmod(row[0], ACCOUNTS_PER_BUCKET)
    points = []
    for at, content in database.connection.execute(
        "SELECT at, substr(used, ?, 4) FROM drift_history WHERE bucket = ? ORDER BY at DESC", (offset * 4 + 1, number)
    ):
        share = array("i", content)
        if share and share[0] != _NOTHING:
            points.append((from_time(at), share[0]))
        if len(points) == limit:
            break
    return points[::-1]


def prune(tx: Transaction, before: datetime) -> None:
    """Delete the points of all accounts from before a time."""
    tx.execute("DELETE FROM drift_history WHERE at < ?", (to_time(before),))
