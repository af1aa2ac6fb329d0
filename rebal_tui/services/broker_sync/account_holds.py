"""Pausing an account for causes that a person must look at, and resuming it when none is left."""

from __future__ import annotations

from rebal_tui.services.book.book import BookTransaction
from rebal_tui.store import holds, jobs
from rebal_tui.store.holds import Hold, HoldCause, HoldKind

PAUSE_ALERT = "reconciliation"
"""Kind of the alert of a paused account; its subject is the account."""


def pause_account(tx: BookTransaction, account_id: str, kind: HoldKind, reason: str, alert: str = "") -> None:
    """Pause an account for a cause until a person releases it, with one alert.

    Nothing happens if the account is already paused for this cause, or if the book does not have the account. `alert`
    is the text of the alert; by default it names the account and all causes of its pause.
    """
    book = tx.book
    if account_id not in book.accounts or not add_cause(tx, account_id, HoldCause(kind, reason, book.now())):
        return
    jobs.raise_alert(tx, book.now(), PAUSE_ALERT, account_id, alert or pause_text(tx, account_id))


def add_cause(tx: BookTransaction, account_id: str, cause: HoldCause) -> bool:
    """Pause an account for a cause, with an audit entry but without an alert; returns whether the cause is new."""
    if not holds.add(tx, account_id, cause):
        return False
    tx.record("account.paused", account_id, {"reason": cause.reason})
    tx.reload_holds()
    return True


def pause_text(tx: BookTransaction, account_id: str) -> str:
    """The alert text for a paused account: its name, number and all causes."""
    account, hold = tx.book.accounts.get(account_id), holds.of_account(tx.database, account_id)
    name = f"{account.name} ({account.account_number})" if account else account_id
    return f"{name} is paused: {hold.reason if hold is not None else ''}"


def remove_causes(tx: BookTransaction, account_id: str, kind: HoldKind) -> Hold | None:
    """Remove the causes of one kind from an account's pause and return the pause with its other causes.

    None when no cause is left; the account then resumes.
    """
    holds.remove(tx, account_id, kind)
    left = holds.of_account(tx.database, account_id)
    if left is None:
        jobs.clear_alert(tx, PAUSE_ALERT, account_id, tx.book.now())
        tx.requeue_runs([account_id])
    tx.reload_holds()
    return left
