"""Accounts with a due trigger for which no run is possible, as no order can correct the drift (R-14, R-58)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from rebal_tui.store.codec import from_time, to_time
from rebal_tui.store.database import Database, Transaction


@dataclass(frozen=True, slots=True)
class Uncorrectable:
    """A due trigger of an account for which no run is possible.

    `since` is when a run was first found impossible, `check` the check of the trace that found it last, and `text` the
    detail of that check.
    """

    since: datetime
    check: str
    text: str


def load(database: Database) -> dict[str, Uncorrectable]:
    """Every account with a due trigger for which no run is possible, by account id."""
    rows = database.rows(
        "SELECT accounts.id, u.since, u.check_name, u.text FROM uncorrectable u "
        "JOIN accounts ON accounts.key = u.account ORDER BY u.account"
    )
    return {identity: Uncorrectable(from_time(since), check, text) for identity, since, check, text in rows}


def put(tx: Transaction, found: Mapping[int, Uncorrectable]) -> None:
    """Store accounts with a due trigger for which no run is possible, by their integer keys.

    If an account is stored already, its `since` stays.
    """
    tx.executemany(
        "INSERT INTO uncorrectable (account, since, check_name, text) VALUES (?, ?, ?, ?) "
        "ON CONFLICT (account) DO UPDATE SET check_name = excluded.check_name, text = excluded.text",
        [(key, to_time(one.since), one.check, one.text) for key, one in found.items()],
    )


def clear(tx: Transaction, account_keys: Iterable[int]) -> None:
    """Remove accounts, given by their integer keys: their due trigger has ended, or a run is possible for it again."""
    tx.executemany("DELETE FROM uncorrectable WHERE account = ?", [(key,) for key in account_keys])
