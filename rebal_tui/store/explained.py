"""What an account's cash and shares must be according to the broker's events (R-53).

The start is the cash and shares (figures) on which book and broker last agreed. Executions and activities since then
are changes of these. Assets are given by their ids.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from rebal_tui.domain.quantities import Money, Qty
from rebal_tui.store.codec import from_time, to_time
from rebal_tui.store.database import Database, Transaction


@dataclass(frozen=True, slots=True)
class Figures:
    """Cash, and shares by asset id, at which book and broker last agreed.

    Later changes are explained by events from here on. `since` is the beginning of the record of these events: when the
    account was first read, or when a person last released its pause (R-53).
    """

    cash: Money
    held: Mapping[str, Qty]
    since: datetime


@dataclass(frozen=True, slots=True)
class Change:
    """A change of cash and shares that an event reports, under an id of its own.

    `at` is when it happened at the broker. `agreed` is whether the account's `Figures` include it already.
    """

    id: str
    account_id: str
    at: datetime
    cash: Money
    shares: Mapping[str, Qty] = field(default_factory=dict)
    agreed: bool = False


def figures(database: Database, account_id: str) -> Figures | None:
    """The cash and shares on which book and broker last agreed for an account; None before its first read."""
    row = database.row(
        "SELECT cash, held, since FROM explained_figures WHERE account = (SELECT key FROM accounts WHERE id = ?)",
        (account_id,),
    )
    return None if row is None else Figures(Money(row[0]), _shares(row[1]), from_time(row[2]))


def put_figures(tx: Transaction, account_id: str, found: Figures) -> None:
    """Store the cash and shares on which book and broker now agree; they include the account's changes so far."""
    held = json.dumps({asset: qty for asset, qty in sorted(found.held.items()) if qty})
    tx.execute(
        "INSERT INTO explained_figures (account, cash, held, since) SELECT key, ?, ?, ? FROM accounts WHERE id = ? "
        "ON CONFLICT (account) DO UPDATE SET cash = excluded.cash, held = excluded.held, since = excluded.since",
        (found.cash, held, to_time(found.since), account_id),
    )
    # Executions have a table of their own; only what can be reversed by its id stays here.
    tx.execute(
        "DELETE FROM booked_changes WHERE account = (SELECT key FROM accounts WHERE id = ?) AND id LIKE 'fill:%'",
        (account_id,),
    )
    tx.execute(
        "UPDATE booked_changes SET agreed = 1 WHERE agreed = 0 AND account = (SELECT key FROM accounts WHERE id = ?)",
        (account_id,),
    )


def add_change(tx: Transaction, change: Change) -> bool:
    """Record a change; False when it is recorded already, or when the book does not have the account."""
    cursor = tx.execute(
        "INSERT INTO booked_changes (id, account, at, cash, shares) SELECT ?, key, ?, ?, ? FROM accounts WHERE id = ? "
        "ON CONFLICT (id) DO NOTHING",
        (change.id, to_time(change.at), change.cash, json.dumps(dict(change.shares)), change.account_id),
    )
    return cursor.rowcount == 1


def replace_change(tx: Transaction, before: str, change: Change) -> None:
    """Give the recorded change with the id `before` the id and the figures of `change`."""
    tx.execute(
        "UPDATE booked_changes SET id = ?, at = ?, cash = ?, shares = ? WHERE id = ?",
        (change.id, to_time(change.at), change.cash, json.dumps(dict(change.shares)), before),
    )


def change(database: Database, identity: str) -> Change | None:
    """A change by its id, None when it is not recorded."""
    found = _changes(database, "WHERE c.id = ?", identity)
    return found[0] if found else None


def changes_since(database: Database, account_id: str) -> list[Change]:
    """The changes of an account that its agreed figures do not include yet, in order of arrival."""
    return _changes(database, "WHERE c.agreed = 0 AND accounts.id = ? ORDER BY c.key", account_id)


def holders(database: Database, asset_id: str) -> list[str]:
    """The ids of the accounts that have an asset in their agreed figures or in changes since then."""
    pattern = f'%"{asset_id}":%'
    rows = database.rows(
        "SELECT id FROM accounts WHERE key IN (SELECT account FROM explained_figures WHERE held LIKE ?1 "
        "UNION SELECT account FROM booked_changes WHERE agreed = 0 AND shares LIKE ?1) ORDER BY key",
        (pattern,),
    )
    return [account_id for (account_id,) in rows]


def added(before: Mapping[str, Qty], changes: Iterable[Mapping[str, Qty]]) -> dict[str, Qty]:
    """Shares by asset id: those in `before` plus all `changes`; assets with 0 shares are left out."""
    after = dict(before)
    for shares in changes:
        for asset, qty in shares.items():
            after[asset] = Qty(after.get(asset, 0) + qty)
    return {asset: qty for asset, qty in after.items() if qty}


def _changes(database: Database, tail: str, value: str) -> list[Change]:
    rows = database.rows(
        "SELECT c.id, accounts.id, c.at, c.cash, c.shares, c.agreed FROM booked_changes c "
        f"JOIN accounts ON accounts.key = c.account {tail}",
        (value,),
    )
    return [
        Change(identity, account_id, from_time(at), Money(cash), _shares(shares), bool(agreed))
        for identity, account_id, at, cash, shares, agreed in rows
    ]


def _shares(text: str) -> dict[str, Qty]:
    return {asset: Qty(qty) for asset, qty in json.loads(text).items()}
