"""Subscriptions whose last full rebalance left sells undone (R-25)."""

from __future__ import annotations

from collections.abc import Iterable

from rebal_tui.domain.portfolios import Unfinished
from rebal_tui.store.codec import dump, from_time_or_none, to_time_or_none
from rebal_tui.store.database import Database, Transaction

_READ = (
    "SELECT accounts.id, assets.symbol, u.traded_at, u.since, u.tried_on, u.given_up_at FROM unfinished u "
    "JOIN subscriptions ON subscriptions.key = u.subscription JOIN accounts ON accounts.key = subscriptions.account "
    "JOIN unfinished_sells s ON s.subscription = u.subscription JOIN assets ON assets.key = s.asset "
    "WHERE subscriptions.ended_at IS NULL AND u.given_up_at IS {not_} NULL ORDER BY accounts.key, assets.symbol"
)


def load(database: Database) -> dict[str, Unfinished]:
    """The undone sells that are still retried, by account id."""
    return _read(database, "")


def given_up(database: Database) -> dict[str, Unfinished]:
    """The undone sells that were given up after three sessions, by account id."""
    return _read(database, "NOT")


def _read(database: Database, not_: str) -> dict[str, Unfinished]:
    found: dict[str, Unfinished] = {}
    for account_id, symbol, traded_at, since, tried_on, given_up_at in database.rows(_READ.format(not_=not_)):
        before = found.get(account_id)
        symbols = (*before.symbols, symbol) if before else (symbol,)
        found[account_id] = Unfinished(
            symbols, from_time_or_none(traded_at), since, tuple(tried_on.split()), from_time_or_none(given_up_at)
        )
    return found


def put(tx: Transaction, subscription_id: str, undone: Unfinished) -> None:
    """Store the undone sells of a subscription in place of earlier ones."""
    clear(tx, [subscription_id])
    tx.execute(
        "INSERT INTO unfinished (subscription, traded_at, since, tried_on, given_up_at) "
        "SELECT key, ?, ?, ?, ? FROM subscriptions WHERE id = ?",
        (
            to_time_or_none(undone.traded_at),
            undone.since,
            " ".join(undone.tried_on),
            to_time_or_none(undone.given_up_at),
            subscription_id,
        ),
    )
    tx.executemany(
        "INSERT INTO unfinished_sells (subscription, asset) SELECT subscriptions.key, assets.key "
        "FROM subscriptions, assets WHERE subscriptions.id = ? AND assets.symbol = ?",
        [(subscription_id, symbol) for symbol in undone.symbols],
    )


def clear(tx: Transaction, subscription_ids: Iterable[str]) -> None:
    """Remove the undone sells of subscriptions, including those given up."""
    wanted = [(identity,) for identity in subscription_ids]
    for table in ("unfinished_sells", "unfinished"):
        tx.executemany(f"DELETE FROM {table} WHERE subscription = (SELECT key FROM subscriptions WHERE id = ?)", wanted)


def to_text(undone: Unfinished, asset_keys: dict[str, int]) -> str:
    """Undone sells as JSON with assets by integer key; the text is an input of a stored decision."""
    keys = [asset_keys[symbol] for symbol in undone.symbols]
    return dump({"assets": keys, "traded_at": to_time_or_none(undone.traded_at)})
