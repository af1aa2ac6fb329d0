"""A subscription that continues an ended one after an interruption, with what is stored about the ended one (R-32)."""

from __future__ import annotations

from datetime import datetime

from rebal_tui.store.codec import to_time
from rebal_tui.store.database import Database, Transaction

_COPIED = (
    "UPDATE subscriptions SET (update_spent_at, propose_on) = "
    "(SELECT update_spent_at, propose_on FROM subscriptions WHERE id = ?1) WHERE id = ?2",
    "INSERT INTO subscription_overrides SELECT made.key, o.overrides FROM subscription_overrides o "
    "JOIN subscriptions ended ON ended.key = o.subscription JOIN subscriptions made ON made.id = ?2 "
    "WHERE ended.id = ?1",
    "INSERT INTO trade_markers SELECT ?2, marker FROM trade_markers WHERE subscription = ?1",
)
_MOVED = ("unfinished", "unfinished_sells")


def ended_since(database: Database, account_id: str, portfolio_id: str, since: datetime) -> str | None:
    """The id of an account's last subscription to a portfolio, if it ended at `since` or later; else None."""
    row = database.row(
        "SELECT s.id FROM subscriptions s JOIN accounts ON accounts.key = s.account "
        "JOIN portfolios ON portfolios.key = s.portfolio "
        "WHERE accounts.id = ? AND portfolios.id = ? AND s.ended_at >= ? ORDER BY s.key DESC LIMIT 1",
        (account_id, portfolio_id, to_time(since)),
    )
    return None if row is None else str(row[0])


def continue_as(tx: Transaction, ended: str, made: str) -> None:
    """Let the subscription `made` continue the subscription `ended`; both are given by id.

    Copies overrides, trade marker, `update_spent_at` (portfolio changes until then ask for no rebalance any more) and
    `propose_on` (the day of a run to propose again) of the ended one, and moves its undone sells.
    """
    for statement in _COPIED:
        tx.execute(statement, (ended, made))
    for table in _MOVED:
        tx.execute(
            f"UPDATE {table} SET subscription = (SELECT key FROM subscriptions WHERE id = ?2) "
            "WHERE subscription = (SELECT key FROM subscriptions WHERE id = ?1)",
            (ended, made),
        )
