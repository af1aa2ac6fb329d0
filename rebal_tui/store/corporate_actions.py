"""Corporate actions that the book has applied, with what each did to its accounts (R-54)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction

from rebal_tui.domain.corporate_actions import ActionKind, ActionReport, CorporateAction
from rebal_tui.domain.quantities import Money, Price, Qty
from rebal_tui.domain.sessions import new_york_day
from rebal_tui.store.codec import from_time, to_time
from rebal_tui.store.database import Database, Transaction


@dataclass(frozen=True, slots=True)
class StoredAction:
    """An applied action: its time, the factor by which it changed the asset's price, and its report."""

    at: datetime
    price_factor: Fraction
    report: ActionReport


@dataclass(frozen=True, slots=True)
class Holder:
    """What an action did to one account.

    `held` is the account's shares before and `qty` those after it, `received` the shares of a new asset, and `paid`
    dollars. `fault` is why the action does not explain the account's figures, empty when it does.
    """

    account_id: str
    held: Qty
    qty: Qty
    received: Qty
    paid: Money
    fault: str


def add_holder(tx: Transaction, action_id: str, holder: Holder) -> None:
    """Record what an action did to an account; a second record of the same account is ignored."""
    tx.execute(
        "INSERT INTO corporate_action_accounts (action, account, held, qty, received, paid, fault) "
        "SELECT ?, key, ?, ?, ?, ?, ? FROM accounts WHERE id = ? ON CONFLICT (action, account) DO NOTHING",
        (action_id, holder.held, holder.qty, holder.received, holder.paid, holder.fault, holder.account_id),
    )


def holders(database: Database, action_id: str) -> list[Holder]:
    """What an action did to each account, by ascending account key."""
    rows = database.rows(
        "SELECT accounts.id, held, qty, received, paid, fault FROM corporate_action_accounts "
        "JOIN accounts ON accounts.key = account WHERE action = ? ORDER BY accounts.key",
        (action_id,),
    )
    return [Holder(row[0], Qty(row[1]), Qty(row[2]), Qty(row[3]), Money(row[4]), row[5]) for row in rows]


def paid(database: Database, action_id: str) -> dict[str, Money]:
    """The cash that the broker has booked for an action, by account id."""
    rows = database.rows(
        "SELECT accounts.id, sum(amount) FROM cash_entries JOIN accounts ON accounts.key = account "
        "WHERE account IN (SELECT account FROM corporate_action_accounts WHERE action = ?1) AND reference = ?1 "
        "GROUP BY account",
        (action_id,),
    )
    return {account_id: Money(amount) for account_id, amount in rows}


def positions(database: Database, asset_id: str) -> dict[str, Qty]:
    """The shares that each account holds of an asset, by account id."""
    rows = database.rows(
        "SELECT accounts.id, positions.qty FROM positions JOIN accounts ON accounts.key = account "
        "WHERE asset = (SELECT key FROM assets WHERE id = ?)",
        (asset_id,),
    )
    return {account_id: Qty(qty) for account_id, qty in rows}


def traded_since(database: Database, asset_id: str, at: datetime) -> set[str]:
    """The accounts with an execution in an asset at or after a time."""
    rows = database.rows(
        "SELECT DISTINCT accounts.id FROM fills JOIN accounts ON accounts.key = account "
        "WHERE asset = (SELECT key FROM assets WHERE id = ?) AND at >= ?",
        (asset_id, to_time(at)),
    )
    return {account_id for (account_id,) in rows}


def known(database: Database, action_id: str) -> bool:
    """Whether an action has been applied completely."""
    return database.row("SELECT 1 FROM corporate_actions WHERE id = ?", (action_id,)) is not None


def add(tx: Transaction, asset_id: str, stored: StoredAction) -> None:
    """Record an action that has been applied to all accounts."""
    report, action = stored.report, stored.report.action
    tx.execute(
        "INSERT INTO corporate_actions (id, at, session, asset, kind, symbol, ratio, amount, new_symbol, price, "
        "price_factor, accounts, unexplained, canceled_orders, paid) "
        "SELECT ?, ?, ?, key, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ? FROM assets WHERE id = ?",
        (
            report.id, to_time(stored.at), new_york_day(stored.at).isoformat(), action.kind.value, action.symbol,
            None if action.ratio is None else str(action.ratio), action.amount, action.new_symbol, action.price,
            str(stored.price_factor), report.accounts, report.unexplained, report.canceled_orders, report.paid,
            asset_id,
        ),
    )  # fmt: skip


_SELECT = (
    "SELECT c.id, c.at, kind, c.symbol, ratio, amount, new_symbol, c.price, price_factor, accounts, unexplained, "
    "canceled_orders, paid FROM corporate_actions c JOIN assets ON assets.key = c.asset"
)


def report_of(database: Database, action_id: str) -> ActionReport | None:
    """The report of an applied action, None when it is unknown."""
    found = _stored(database, "WHERE c.id = ?", (action_id,))
    return found[0].report if found else None


def newest(database: Database, limit: int = 100) -> list[StoredAction]:
    """Applied actions, newest first, at most `limit`."""
    return _stored(database, "ORDER BY c.key DESC LIMIT ?", (limit,))


def _stored(database: Database, tail: str, parameters: Sequence[str | int]) -> list[StoredAction]:
    found = []
    for row in database.rows(f"{_SELECT} {tail}", parameters):
        identity, at, kind, symbol, ratio, amount, new_symbol, price, factor, accounts, unexplained, canceled, cash = (
            row
        )
        action = CorporateAction(
            ActionKind(kind), symbol, Fraction(ratio) if ratio else None, Price(amount) if amount else None,
            new_symbol, Price(price) if price else None,
        )  # fmt: skip
        report = ActionReport(identity, action, accounts, unexplained, canceled, Money(cash))
        found.append(StoredAction(from_time(at), Fraction(factor), report))
    return found
