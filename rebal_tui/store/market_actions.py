"""Corporate actions that a real broker announces to the market or reports by activities, until they are confirmed.

An action is confirmed once the figures of every holder agree with it, or 10 minutes after it took effect.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from fractions import Fraction

from rebal_tui.domain.corporate_actions import ActionKind, CorporateAction
from rebal_tui.domain.quantities import Price
from rebal_tui.store.codec import from_time_or_none, to_time
from rebal_tui.store.database import Database, SqlValue, Transaction

NEAR = timedelta(days=5)
"""Two sources report the same action of an asset when their days are at most this far apart."""


@dataclass(frozen=True, slots=True)
class MarketAction:
    """A corporate action of an asset, in effect from `day` on.

    `seen_at` is when an account was first seen to have changed by it, `effective_at` when the book applied it.
    """

    id: str
    asset_id: str
    day: date
    action: CorporateAction
    seen_at: datetime | None = None
    effective_at: datetime | None = None


def put(tx: Transaction, found: MarketAction) -> None:
    """Store an action; if it is stored already, replace its day and terms.

    A stored action that has changed an account or taken effect stays as it is.
    """
    action = found.action
    tx.execute(
        "INSERT INTO market_actions (id, asset, day, kind, symbol, ratio, amount, new_symbol, price) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET day = excluded.day, kind = excluded.kind, "
        "symbol = excluded.symbol, ratio = excluded.ratio, amount = excluded.amount, "
        "new_symbol = excluded.new_symbol, price = excluded.price, withdrawn = 0 "
        "WHERE market_actions.effective_at IS NULL AND market_actions.last_at IS NULL",
        (
            found.id, found.asset_id, found.day.isoformat(), action.kind.value, action.symbol,
            None if action.ratio is None else str(action.ratio), action.amount, action.new_symbol, action.price,
        ),
    )  # fmt: skip


def withdraw(tx: Transaction, action_id: str) -> None:
    """Withdraw an announced action that has not changed an account yet."""
    tx.execute("UPDATE market_actions SET withdrawn = 1 WHERE id = ? AND last_at IS NULL", (action_id,))


def see(tx: Transaction, action_id: str, at: datetime) -> None:
    """Record when an account was first seen to have changed by an action."""
    tx.execute("UPDATE market_actions SET last_at = coalesce(last_at, ?) WHERE id = ?", (to_time(at), action_id))


def take_effect(tx: Transaction, action_id: str, at: datetime) -> None:
    """Record that the book has applied an action."""
    tx.execute("UPDATE market_actions SET effective_at = ? WHERE id = ?", (to_time(at), action_id))


def confirm(tx: Transaction, action_id: str, at: datetime) -> None:
    """Record that the check of all holders' figures against an action is over."""
    tx.execute("UPDATE market_actions SET confirmed_at = ? WHERE id = ?", (to_time(at), action_id))


def same_action(database: Database, found: MarketAction) -> str:
    """The id of the stored action that is the same as `found`, possibly from another source; else `found.id`.

    Actions of one asset are the same if their kind, ratio and amount are equal and their days are at most 5 days apart.
    """
    if _read(database, "id = ?", (found.id,)):
        return found.id
    days = (found.day - NEAR).isoformat(), (found.day + NEAR).isoformat()
    for other in _read(database, "asset = ? AND day BETWEEN ? AND ?", (found.asset_id, *days)):
        if (other.action.kind, other.action.ratio, other.action.amount) == (
            found.action.kind, found.action.ratio, found.action.amount,
        ):  # fmt: skip
            return other.id
    return found.id


def pending(database: Database, today: date) -> Sequence[MarketAction]:
    """Actions that the book has neither applied nor confirmed, from 5 days before `today` to the day after, by day."""
    days = (today - NEAR).isoformat(), (today + timedelta(days=1)).isoformat()
    return _read(database, "confirmed_at IS NULL AND effective_at IS NULL AND day BETWEEN ? AND ?", days)


def unconfirmed(database: Database) -> Sequence[MarketAction]:
    """Actions in effect whose check of all holders is not over, by day."""
    return _read(database, "confirmed_at IS NULL AND effective_at IS NOT NULL", ())


def in_effect(database: Database, asset_id: str, since: date) -> Sequence[MarketAction]:
    """Actions of an asset that are in effect and whose day is `since` or later, by day."""
    return _read(database, "effective_at IS NOT NULL AND asset = ? AND day >= ?", (asset_id, since.isoformat()))


def _read(database: Database, test: str, values: tuple[SqlValue, ...]) -> list[MarketAction]:
    rows = database.rows(
        "SELECT id, asset, day, kind, symbol, ratio, amount, new_symbol, price, last_at, effective_at "
        f"FROM market_actions WHERE withdrawn = 0 AND {test} ORDER BY day, id",
        values,
    )
    return [
        MarketAction(
            identity, asset, date.fromisoformat(day),
            CorporateAction(
                ActionKind(kind), symbol, Fraction(ratio) if ratio else None, Price(amount) if amount else None,
                new_symbol, Price(price) if price else None,
            ),
            from_time_or_none(seen), from_time_or_none(effective),
        )
        for identity, asset, day, kind, symbol, ratio, amount, new_symbol, price, seen, effective in rows
    ]  # fmt: skip
