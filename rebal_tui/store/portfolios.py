"""Portfolios and subscriptions."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from rebal_tui.domain.portfolios import (
    AssetWeight,
    BandType,
    CalendarCondition,
    CalendarType,
    Condition,
    Destination,
    DriftBand,
    Portfolio,
    PortfolioStatus,
    PortfolioUpdate,
    RebalanceScope,
    Subscription,
    Weights,
    conditions_fault,
    weights_fault,
)
from rebal_tui.domain.quantities import Percent
from rebal_tui.store.codec import from_day, from_time, from_time_or_none, to_time, to_time_or_none
from rebal_tui.store.database import Database, Transaction
from rebal_tui.store.portfolio_versions import add_version
from rebal_tui.store.trading_rules import minimum_of, minimum_values


def load(database: Database) -> dict[str, Portfolio]:
    """Every portfolio by id, oldest first.

    A portfolio that is stored as active and breaks R-4 or R-5 is returned with the status needs adjustment.
    """
    weights: dict[int, list[AssetWeight]] = {}
    for portfolio, symbol, percent in database.rows(
        "SELECT portfolio, symbol, percent FROM portfolio_weights JOIN assets ON assets.key = asset "
        "ORDER BY portfolio, line"
    ):
        weights.setdefault(portfolio, []).append(AssetWeight(symbol, Percent(percent)))
    conditions: dict[int, list[Condition]] = {}
    unknown: dict[int, str] = {}
    for portfolio, kind, sub_type, percent, day in database.rows(
        "SELECT portfolio, type, sub_type, percent, day FROM portfolio_conditions ORDER BY portfolio, line"
    ):
        try:
            conditions.setdefault(portfolio, []).append(_condition(kind, sub_type, percent, day))
        except ValueError:
            unknown[portfolio] = f"it has an unknown {kind}, {sub_type!r}"
    found = {
        identity: Portfolio(
            identity, name, description, PortfolioStatus(status),
            Weights(tuple(weights.get(key, ())), Percent(cash)), cooldown,
            tuple(conditions.get(key, ())), from_time(created_at), from_time(updated_at),
            from_time(changed_at), bool(review), unknown.get(key, ""), Destination(to), RebalanceScope(scope),
            minimum_of(least, least_percent), stagger,
        )
        for (
            key, identity, name, description, status, cash, cooldown, review, created_at, updated_at, changed_at,
            to, scope, least, least_percent, stagger,
        ) in database.rows(
            "SELECT key, id, name, description, status, cash_weight, cooldown_days, review, created_at, updated_at, "
            "changed_at, rebalance_to, rebalance_scope, minimum_trade_amount, minimum_trade_percent, stagger_sessions "
            "FROM portfolios ORDER BY key"
        )
    }  # fmt: skip
    return {identity: _checked(portfolio) for identity, portfolio in found.items()}


def _checked(portfolio: Portfolio) -> Portfolio:
    fault = portfolio.fault or weights_fault(portfolio.weights) or conditions_fault(portfolio.conditions)
    if not fault:
        return portfolio
    active = portfolio.status is PortfolioStatus.ACTIVE
    return replace(portfolio, fault=fault, status=PortfolioStatus.NEEDS_ADJUSTMENT if active else portfolio.status)


def invalid_active(database: Database) -> list[Portfolio]:
    """The portfolios that are active in the file and break R-4 or R-5; `load` returns them as needing adjustment."""
    active = {identity for (identity,) in database.rows("SELECT id FROM portfolios WHERE status = 'active'")}
    return [portfolio for portfolio in load(database).values() if portfolio.fault and portfolio.id in active]


def save(tx: Transaction, portfolio: Portfolio, actor: str = "") -> None:
    """Insert a portfolio with its weights and conditions, or replace the stored one.

    Changed content becomes a new version, made by `actor`.
    """
    connection = tx.database.connection
    connection.execute(
        "INSERT INTO portfolios (id, name, description, status, cash_weight, cooldown_days, review, created_at, "
        "updated_at, changed_at, rebalance_to, rebalance_scope, minimum_trade_amount, minimum_trade_percent, "
        "stagger_sessions) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
        "ON CONFLICT (id) DO UPDATE SET name = excluded.name, description = excluded.description, "
        "status = excluded.status, cash_weight = excluded.cash_weight, "
        "cooldown_days = excluded.cooldown_days, review = excluded.review, updated_at = excluded.updated_at, "
        "changed_at = excluded.changed_at, rebalance_to = excluded.rebalance_to, "
        "rebalance_scope = excluded.rebalance_scope, minimum_trade_amount = excluded.minimum_trade_amount, "
        "minimum_trade_percent = excluded.minimum_trade_percent, stagger_sessions = excluded.stagger_sessions",
        (
            portfolio.id, portfolio.name, portfolio.description, portfolio.status.value, portfolio.weights.cash,
            portfolio.cooldown_days, int(portfolio.review), to_time(portfolio.created_at),
            to_time(portfolio.updated_at), to_time(portfolio.changed_at), portfolio.rebalance_to.value,
            portfolio.rebalance_scope.value, *minimum_values(portfolio.minimum_trade), portfolio.stagger_sessions,
        ),
    )  # fmt: skip
    key = connection.execute("SELECT key FROM portfolios WHERE id = ?", (portfolio.id,)).fetchone()[0]
    connection.execute("DELETE FROM portfolio_weights WHERE portfolio = ?", (key,))
    connection.execute("DELETE FROM portfolio_conditions WHERE portfolio = ?", (key,))
    connection.executemany(
        "INSERT INTO portfolio_weights SELECT ?, ?, key, ? FROM assets WHERE symbol = ?",
        ((key, line, w.percent, w.symbol) for line, w in enumerate(portfolio.weights.assets)),
    )
    connection.executemany(
        "INSERT INTO portfolio_conditions VALUES (?, ?, ?, ?, ?, ?)",
        ((key, line, *_condition_values(condition)) for line, condition in enumerate(portfolio.conditions)),
    )
    add_version(tx, portfolio, actor)


def _condition(kind: str, sub_type: str | None, percent: int | None, day: str | None) -> Condition:
    if sub_type is None:
        return PortfolioUpdate()
    if kind == "drift_band":
        return DriftBand(BandType(sub_type), Percent(percent or 0))
    return CalendarCondition(CalendarType(sub_type), day or "")


def _condition_values(condition: Condition) -> tuple[str, str | None, int | None, str | None]:
    """Type, sub-type, percent and day as stored."""
    match condition:
        case DriftBand():
            return "drift_band", condition.sub_type.value, condition.percent, None
        case CalendarCondition():
            return "calendar", condition.sub_type.value, None, condition.day
        case PortfolioUpdate():
            return "on_portfolio_update", None, None, None


def set_status(tx: Transaction, portfolio_id: str, status: PortfolioStatus, at: datetime) -> None:
    """Change the status of a portfolio and its `updated_at`, and nothing else of it."""
    tx.execute(
        "UPDATE portfolios SET status = ?, updated_at = ? WHERE id = ?", (status.value, to_time(at), portfolio_id)
    )


def subscribed(database: Database, account_id: str) -> bool:
    """Whether an account has an active subscription."""
    query = "SELECT 1 FROM subscriptions WHERE ended_at IS NULL AND account = (SELECT key FROM accounts WHERE id = ?)"
    return database.row(query, (account_id,)) is not None


def page_of_subscriptions(
    database: Database,
    limit: int,
    *,
    after: int = 0,
    account_id: str | None = None,
    portfolio_id: str | None = None,
) -> list[tuple[int, Subscription]]:
    """Active subscriptions with keys above `after`, oldest first, at most `limit`; each as (key, subscription)."""
    tests = ["s.ended_at IS NULL", "s.key > ?"]
    values: list[str | int] = [after]
    if account_id is not None:
        tests.append("accounts.id = ?")
        values.append(account_id)
    if portfolio_id is not None:
        tests.append("portfolios.id = ?")
        values.append(portfolio_id)
    rows = database.rows(
        "SELECT s.key, s.id, accounts.id, portfolios.id, s.created_at, s.last_rebalanced_at, "
        "s.update_spent_at, s.propose_on FROM subscriptions s "
        "JOIN accounts ON accounts.key = s.account JOIN portfolios ON portfolios.key = s.portfolio "
        f"WHERE {' AND '.join(tests)} ORDER BY s.key LIMIT ?",
        (*values, limit),
    )
    return [
        (
            key,
            Subscription(
                identity,
                account,
                portfolio,
                from_time(created_at),
                from_time_or_none(last),
                from_time_or_none(spent),
                from_day(propose_on),
            ),
        )
        for key, identity, account, portfolio, created_at, last, spent, propose_on in rows
    ]


def add_subscriptions(tx: Transaction, subscriptions: Iterable[Subscription]) -> None:
    """Insert active subscriptions of existing accounts and portfolios."""
    tx.executemany(
        "INSERT INTO subscriptions (id, account, portfolio, created_at, last_rebalanced_at) "
        "SELECT ?, accounts.key, portfolios.key, ?, ? FROM accounts, portfolios "
        "WHERE accounts.id = ? AND portfolios.id = ?",
        (
            (s.id, to_time(s.created_at), to_time_or_none(s.last_rebalanced_at), s.account_id, s.portfolio_id)
            for s in subscriptions
        ),
    )


def end_subscription(tx: Transaction, subscription_id: str, at: datetime) -> None:
    """End an active subscription."""
    tx.execute(
        "UPDATE subscriptions SET ended_at = ? WHERE id = ? AND ended_at IS NULL", (to_time(at), subscription_id)
    )


def resume_subscription(tx: Transaction, subscription_id: str) -> None:
    """Make an ended subscription active again, otherwise unchanged."""
    tx.execute("UPDATE subscriptions SET ended_at = NULL WHERE id = ?", (subscription_id,))


def spend_updates(tx: Transaction, subscription_keys: Iterable[int], at: datetime) -> None:
    """Record that subscriptions had every asset on its target when a change of their portfolio was due (R-14).

    That change then no longer asks for a rebalance.
    """
    tx.executemany(
        "UPDATE subscriptions SET update_spent_at = ? WHERE key = ?", [(to_time(at), key) for key in subscription_keys]
    )


def set_proposals(tx: Transaction, subscriptions: Iterable[Subscription]) -> None:
    """Store the `update_spent_at` and `propose_on` of subscriptions.

    Portfolio changes at `update_spent_at` or before ask for no rebalance any more (R-14). On the day `propose_on`, a
    run that expired without approval is proposed again (R-27).
    """
    tx.executemany(
        "UPDATE subscriptions SET update_spent_at = ?, propose_on = ? WHERE id = ?",
        (
            (to_time_or_none(s.update_spent_at), s.propose_on.isoformat() if s.propose_on else None, s.id)
            for s in subscriptions
        ),
    )


def set_last_rebalanced(tx: Transaction, subscription_id: str, at: datetime) -> None:
    """Record when a subscription was last rebalanced."""
    tx.execute("UPDATE subscriptions SET last_rebalanced_at = ? WHERE id = ?", (to_time(at), subscription_id))
