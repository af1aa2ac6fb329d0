"""Trade markers of subscriptions: `unsolicited` is stored; a subscription without a row is `discretionary`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from rebal_tui.store.database import LISTED, Database, Transaction, listed


def add(tx: Transaction, subscription_id: str, marker: str) -> None:
    """Store the marker of a new subscription."""
    tx.execute("INSERT INTO trade_markers VALUES (?, ?)", (subscription_id, marker))


def of(database: Database, subscription_ids: Iterable[str]) -> dict[str, Literal["unsolicited"]]:
    """The markers of these subscriptions, by subscription id; a subscription without a stored marker is left out."""
    rows = database.rows(
        f"SELECT subscription, marker FROM trade_markers WHERE subscription IN {LISTED}", (listed(subscription_ids),)
    )
    return dict(rows)
