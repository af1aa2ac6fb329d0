"""Deleting an account of a files book together with its positions, settings and pauses."""

from __future__ import annotations

from rebal_tui.services.book.book import BookTransaction
from rebal_tui.services.broker_sync.account_holds import PAUSE_ALERT
from rebal_tui.store import jobs

OWN_TABLES = ("positions", "hold_causes", "account_settings", "explained_figures")
"""Tables of the book whose rows are parts of an account, not records of what happened to it."""
OWN_FILES_TABLES = ("files_positions", "files_events")


def delete_account(tx: BookTransaction, key: int, account_id: str) -> None:
    """Delete an account to which no record refers; `key` is its integer key `n` in the table `files_accounts`."""
    for table in OWN_TABLES:
        tx.execute(f"DELETE FROM {table} WHERE account = (SELECT key FROM accounts WHERE id = ?)", (account_id,))
    tx.execute("DELETE FROM accounts WHERE id = ?", (account_id,))
    # Past events keep their numbers: a new event with the number of a deleted one would count as read.
    tx.execute("UPDATE files_events SET account = NULL WHERE account = ?", (key,))
    tx.execute("DELETE FROM files_positions WHERE account = ?", (key,))
    tx.execute("DELETE FROM files_accounts WHERE n = ?", (key,))
    jobs.clear_alert(tx, PAUSE_ALERT, account_id, tx.book.now())
