"""Pausing an account of a files book until somebody has reviewed a difference."""

from __future__ import annotations

from rebal_tui.services.book.book import BookTransaction
from rebal_tui.services.broker_sync.account_holds import PAUSE_ALERT
from rebal_tui.store import holds, jobs
from rebal_tui.store.holds import Hold


def pause(tx: BookTransaction, account_id: str, reason: str) -> None:
    """Pause an account; a reason that it is paused for already changes nothing."""
    before = holds.of_account(tx.database, account_id)
    if before is not None and reason in before.reason:
        return
    now = tx.book.now()
    hold = Hold(reason, now) if before is None else Hold(f"{before.reason}; {reason}", before.at)
    holds.put(tx, account_id, hold)
    jobs.raise_alert(tx, now, PAUSE_ALERT, account_id, f"paused: {reason}")
    tx.record("reconciliation.paused", account_id, {"reason": reason})
    tx.reload_holds()
