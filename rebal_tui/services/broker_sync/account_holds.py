"""Pausing an account for something that a person must look at."""

from __future__ import annotations

from dataclasses import replace

from rebal_tui.services.book.book import BookTransaction
from rebal_tui.store import holds, jobs
from rebal_tui.store.holds import Hold

PAUSE_ALERT = "reconciliation"
"""Kind of the alert of a paused account; its subject is the account."""


def pause_account(tx: BookTransaction, account_id: str, reason: str) -> None:
    """Pause an account until a person releases it, with an alert; a reason that it is paused for already adds nothing.

    Does nothing for an account that the book does not have.
    """
    book = tx.book
    if account_id not in book.accounts:
        return
    account, before = book.accounts[account_id], holds.of_account(tx.database, account_id)
    if before is not None and reason in before.reason:
        return
    if before is None:
        hold = Hold(reason, book.now())
    else:
        hold = replace(before, reason=f"{before.reason}; {reason}", baseline=None)
    holds.put(tx, account_id, hold)
    text = f"{account.name} ({account.account_number}) is paused: {hold.reason}"
    jobs.raise_alert(tx, book.now(), PAUSE_ALERT, account_id, text)
    tx.record("account.paused", account_id, {"reason": reason})
    tx.reload_holds()
