"""Storage of restrictions, settings of accounts and overrides of subscriptions (R-60, R-64, R-65, R-67)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime

from rebal_tui.domain.portfolios import MinimumTrade
from rebal_tui.domain.quantities import Money, Percent
from rebal_tui.domain.trading_rules import (
    AccountSettings,
    Overrides,
    RangeUnit,
    RestrictionKind,
    RestrictionScope,
    TradeRestriction,
)
from rebal_tui.store import book_settings
from rebal_tui.store.codec import from_time, to_time
from rebal_tui.store.database import Database, Transaction
from rebal_tui.store.rules_text import overrides_from_text, overrides_to_text

_MINIMUM_TRADE_KEY = "minimum_trade"
"""The book setting with the minimum trade: billionths of a dollar, then hundredths of a percent."""


def restrictions(database: Database) -> list[TradeRestriction]:
    """The restrictions that nobody has lifted, oldest first; those past their last day are included."""
    return [
        TradeRestriction(
            identity, RestrictionScope(scope), RestrictionKind(kind), reason, symbol, account_id, portfolio_id, minimum,
            maximum, None if unit is None else RangeUnit(unit), None if until is None else date.fromisoformat(until),
            made_by, from_time(made_at),
        )
        for (
            identity, scope, kind, reason, symbol, account_id, portfolio_id, minimum, maximum, unit, until, made_by,
            made_at,
        ) in database.rows(
            "SELECT r.id, r.scope, r.kind, r.reason, assets.symbol, accounts.id, portfolios.id, r.minimum, r.maximum, "
            "r.unit, r.until, r.made_by, r.made_at FROM trade_restrictions r LEFT JOIN assets ON assets.key = r.asset "
            "LEFT JOIN accounts ON accounts.key = r.account LEFT JOIN portfolios ON portfolios.key = r.portfolio "
            "WHERE r.lifted_at IS NULL ORDER BY r.key"
        )
    ]  # fmt: skip


def add_restrictions(tx: Transaction, some: Iterable[TradeRestriction], at: datetime) -> None:
    """Insert restrictions; their accounts, portfolios and assets exist."""
    tx.executemany(
        "INSERT INTO trade_restrictions (id, scope, account, portfolio, asset, kind, minimum, maximum, unit, reason, "
        "until, made_by, made_at) VALUES (?, ?, (SELECT key FROM accounts WHERE id = ?), "
        "(SELECT key FROM portfolios WHERE id = ?), (SELECT key FROM assets WHERE symbol = ?), ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            (
                r.id, r.scope.value, r.account_id, r.portfolio_id, r.symbol, r.kind.value, r.minimum, r.maximum,
                None if r.unit is None else r.unit.value, r.reason, None if r.until is None else r.until.isoformat(),
                r.made_by, to_time(r.made_at or at),
            )
            for r in some
        ),
    )  # fmt: skip


def lift(tx: Transaction, identity: str, who: str, at: datetime) -> None:
    """End the restriction with the id `identity`, unless that was done already; `who` lifts it at the time `at`."""
    tx.execute(
        "UPDATE trade_restrictions SET lifted_at = ?, lifted_by = ? WHERE id = ? AND lifted_at IS NULL",
        (to_time(at), who, identity),
    )


def account_settings(database: Database) -> dict[str, AccountSettings]:
    """The settings of each account that has settings of its own, by account id."""
    return {
        account_id: AccountSettings(bool(whole), minimum_of(amount, percent))
        for account_id, whole, amount, percent in database.rows(
            "SELECT accounts.id, whole_shares, minimum_trade_amount, minimum_trade_percent FROM account_settings "
            "JOIN accounts ON accounts.key = account"
        )
    }


def put_account_settings(tx: Transaction, some: Iterable[tuple[str, AccountSettings]]) -> None:
    """Store the settings of accounts, by account id, in place of earlier ones."""
    tx.executemany(
        "INSERT INTO account_settings SELECT key, ?, ?, ? FROM accounts WHERE id = ? "
        "ON CONFLICT (account) DO UPDATE SET whole_shares = excluded.whole_shares, "
        "minimum_trade_amount = excluded.minimum_trade_amount, minimum_trade_percent = excluded.minimum_trade_percent",
        ((int(one.whole_shares), *minimum_values(one.minimum_trade), account_id) for account_id, one in some),
    )


def overrides(database: Database) -> dict[str, Overrides]:
    """The overrides of active subscriptions, by account id."""
    return {
        account_id: overrides_from_text(text)
        for account_id, text in database.rows(
            "SELECT accounts.id, o.overrides FROM subscription_overrides o "
            "JOIN subscriptions s ON s.key = o.subscription JOIN accounts ON accounts.key = s.account "
            "WHERE s.ended_at IS NULL"
        )
    }


def put_overrides(tx: Transaction, some: Iterable[tuple[str, Overrides]]) -> None:
    """Store the overrides of subscriptions, by subscription id, in place of earlier ones."""
    tx.executemany(
        "INSERT INTO subscription_overrides SELECT key, ? FROM subscriptions WHERE id = ? "
        "ON CONFLICT (subscription) DO UPDATE SET overrides = excluded.overrides",
        ((overrides_to_text(one), subscription_id) for subscription_id, one in some),
    )


def remove_overrides(tx: Transaction, subscription_id: str) -> None:
    """Remove the overrides of a subscription."""
    tx.execute(
        "DELETE FROM subscription_overrides WHERE subscription = (SELECT key FROM subscriptions WHERE id = ?)",
        (subscription_id,),
    )


def book_minimum(database: Database) -> MinimumTrade | None:
    """The minimum trade of the book; None where none is set."""
    text = book_settings.get(database, _MINIMUM_TRADE_KEY)
    if not text:
        return None
    amount, percent = text.split()
    return MinimumTrade(Money(int(amount)), Percent(int(percent)))


def put_book_minimum(tx: Transaction, minimum: MinimumTrade | None) -> None:
    """Store the minimum trade of the book; None removes it."""
    text = "" if minimum is None else f"{int(minimum.amount)} {int(minimum.percent)}"
    book_settings.put(tx, _MINIMUM_TRADE_KEY, text)


def minimum_of(amount: int | None, percent: int | None) -> MinimumTrade | None:
    """A minimum trade from its stored columns; None where neither is set."""
    if amount is None and percent is None:
        return None
    return MinimumTrade(Money(amount or 0), Percent(percent or 0))


def minimum_values(minimum: MinimumTrade | None) -> tuple[int | None, int | None]:
    """The stored columns of a minimum trade."""
    return (None, None) if minimum is None else (minimum.amount, minimum.percent)
