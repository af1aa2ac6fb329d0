"""Versions of portfolios: what each change stored, when, and by whom."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime

from rebal_tui.domain.portfolios import AssetWeight, Condition, Destination, Portfolio, RebalanceScope, Weights
from rebal_tui.domain.quantities import Percent
from rebal_tui.store.codec import from_time, to_time
from rebal_tui.store.condition_values import condition_of, condition_values
from rebal_tui.store.database import Database, Transaction
from rebal_tui.store.trading_rules import minimum_of, minimum_values


@dataclass(frozen=True, slots=True)
class PortfolioVersion:
    """What a portfolio contained from `at` until its next version; version 1 is the oldest known one.

    `portfolio` has the content of the version, but the id, status and times that the portfolio has today. `actor` is
    empty for a version that an earlier release stored.
    """

    number: int
    at: datetime
    actor: str
    portfolio: Portfolio


def same_content(one: Portfolio, other: Portfolio) -> bool:
    """Whether two portfolios are equal in everything that a person edits, including the order of the assets."""
    return _content(one) == _content(other)


def _content(portfolio: Portfolio) -> tuple[object, ...]:
    return (
        portfolio.name, portfolio.description, portfolio.weights, portfolio.cooldown_days, portfolio.conditions,
        portfolio.review, portfolio.rebalance_to, portfolio.rebalance_scope, portfolio.minimum_trade,
        portfolio.stagger_sessions,
    )  # fmt: skip


def versions(database: Database, portfolio: Portfolio, *, newest: bool = False) -> list[PortfolioVersion]:
    """The versions of a stored portfolio, newest first; with `newest`, only the newest one."""
    rows = database.rows(
        "SELECT v.key, number, at, actor, v.name, v.description, v.cash_weight, v.cooldown_days, conditions, v.review, "
        "v.rebalance_to, v.rebalance_scope, v.minimum_trade_amount, v.minimum_trade_percent, v.stagger_sessions "
        "FROM portfolio_versions v JOIN portfolios ON portfolios.key = v.portfolio WHERE portfolios.id = ? "
        f"ORDER BY number DESC{' LIMIT 1' if newest else ''}",
        (portfolio.id,),
    )
    return [
        PortfolioVersion(
            number, from_time(at), actor,
            replace(
                portfolio, name=name, description=description,
                weights=Weights(_weights(database, key), Percent(cash)), cooldown_days=cooldown,
                conditions=_conditions(conditions), review=bool(review), rebalance_to=Destination(to),
                rebalance_scope=RebalanceScope(scope), minimum_trade=minimum_of(least, least_percent),
                stagger_sessions=stagger,
            ),
        )
        for (
            key, number, at, actor, name, description, cash, cooldown, conditions, review, to, scope, least,
            least_percent, stagger,
        ) in rows
    ]  # fmt: skip


def _weights(database: Database, version: int) -> tuple[AssetWeight, ...]:
    rows = database.rows(
        "SELECT symbol, percent FROM portfolio_version_weights JOIN assets ON assets.key = asset "
        "WHERE version = ? ORDER BY line",
        (version,),
    )
    return tuple(AssetWeight(symbol, Percent(percent)) for symbol, percent in rows)


def _conditions(text: str) -> tuple[Condition, ...]:
    """The stored conditions of a version. A condition that no release knows is left out."""
    found = []
    for values in json.loads(text):
        with suppress(ValueError, TypeError):
            found.append(condition_of(*values))
    return tuple(found)


def add_version(tx: Transaction, portfolio: Portfolio, actor: str) -> None:
    """Store the content of a portfolio as its newest version, unless the newest version has the same content already.

    The portfolio itself must be stored before.
    """
    newest = versions(tx.database, portfolio, newest=True)
    if newest and same_content(newest[0].portfolio, portfolio):
        return
    connection = tx.database.connection
    version = connection.execute(
        "INSERT INTO portfolio_versions (portfolio, number, at, actor, name, description, cash_weight, cooldown_days, "
        "conditions, review, rebalance_to, rebalance_scope, minimum_trade_amount, minimum_trade_percent, "
        "stagger_sessions) SELECT key, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ? FROM portfolios WHERE id = ?",
        (
            newest[0].number + 1 if newest else 1, to_time(portfolio.updated_at), actor, portfolio.name,
            portfolio.description, portfolio.weights.cash, portfolio.cooldown_days,
            json.dumps([condition_values(one) for one in portfolio.conditions]), int(portfolio.review),
            portfolio.rebalance_to.value, portfolio.rebalance_scope.value, *minimum_values(portfolio.minimum_trade),
            portfolio.stagger_sessions, portfolio.id,
        ),
    ).lastrowid  # fmt: skip
    connection.executemany(
        "INSERT INTO portfolio_version_weights SELECT ?, ?, key, ? FROM assets WHERE symbol = ?",
        ((version, line, one.percent, one.symbol) for line, one in enumerate(portfolio.weights.assets)),
    )
