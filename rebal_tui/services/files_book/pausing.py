"""Pausing an account of a files book until somebody has reviewed a difference."""

from __future__ import annotations

from rebal_tui.services.book.book import BookTransaction
from rebal_tui.services.broker_sync.account_holds import PAUSE_ALERT, add_cause
from rebal_tui.store import jobs
from rebal_tui.store.holds import HoldCause, HoldKind


def pause(tx: BookTransaction, account_id: str, reason: str) -> None:
    """Pause an account for a reason; nothing changes if it is already paused for the same reason."""
    now = tx.book.now()
    if add_cause(tx, account_id, HoldCause(HoldKind.FILES, reason, now)):
        jobs.raise_alert(tx, now, PAUSE_ALERT, account_id, f"paused: {reason}")
