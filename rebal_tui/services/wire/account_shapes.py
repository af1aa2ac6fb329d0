"""Accounts, positions and journals in the API's JSON shapes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from rebal_tui.domain.accounts import Account, Position, Restriction
from rebal_tui.domain.asset_labels import plain_symbol
from rebal_tui.domain.assets import Asset
from rebal_tui.domain.cash import Journal, JournalStatus
from rebal_tui.domain.quantities import (
    NANO,
    Money,
    Price,
    Qty,
    Value,
    format_scaled,
    market_value,
    money_text,
    price_text,
    qty_text,
)
from rebal_tui.domain.sessions import NEW_YORK
from rebal_tui.domain.trade_status import TradeStatus
from rebal_tui.domain.trading_rules import RangeUnit, TradeRestriction
from rebal_tui.engine.drift import value_account
from rebal_tui.services.wire.shapes import exchange_text, price_or_null, status_json, time_text, value_text

if TYPE_CHECKING:
    from rebal_tui.services.wire.models import accounts


def account_json(account: Account, assets: Mapping[str, Asset], transferable: Money) -> accounts.AccountRecord:
    """An account with its positions at the last prices. The value of a position without a price is null (R-2).

    `transferable` is the account's settled cash less reservations, not rounded.
    """
    held = {position.symbol: position.qty for position in account.positions}
    prices = _prices(held, assets)
    worth = value_account(account.cash, held, prices)
    positions: list[accounts.PositionRecord] = [
        {
            "asset_id": assets[position.symbol].id if position.symbol in assets else None,
            "symbol": position.symbol,
            "qty": qty_text(position.qty),
            "side": "long",
            "avg_entry_price": price_or_null(position.avg_entry_price),
            "current_price": price_or_null(prices.get(position.symbol)),
            "market_value": value_text(worth.values[position.symbol]) if position.symbol in worth.values else None,
        }
        for position in account.positions
    ]
    return {
        "id": account.id,
        "account_number": account.account_number,
        "name": account.name,
        "status": account.status,
        "currency": "USD",
        "cash": money_text(account.cash),
        "cash_withdrawable": money_text(transferable),
        "cash_transferable": money_text(transferable),
        "position_market_value": value_text(worth.position_market_value),
        "equity": value_text(worth.equity),
        "restrictions": sorted(account.restrictions),
        "created_at": time_text(account.created_at),
        "positions": positions,
    }


def restriction_json(one: TradeRestriction) -> accounts.TradeRestriction:
    """A restriction. Its limits are in its `unit` (percent, shares or dollars); each is null if it has none."""
    digits = 2 if one.unit is RangeUnit.PERCENT else 9
    return {
        "id": one.id,
        "scope": one.scope,
        "kind": one.kind,
        "symbol": one.symbol,
        "min": None if one.minimum is None else format_scaled(one.minimum, digits, 0),
        "max": None if one.maximum is None else format_scaled(one.maximum, digits, 0),
        "unit": one.unit,
        "reason": one.reason,
        "until": None if one.until is None else one.until.isoformat(),
        "made_by": one.made_by,
    }


def account_head_json(account: Account) -> accounts.AccountHead:
    """An account as in the API's list of accounts. Unknown client data is absent, never null."""
    return {
        "id": account.id,
        "account_number": account.account_number,
        "name": account.name,
        "status": account.status,
        "currency": "USD",
        "created_at": time_text(account.created_at),
    }


def trading_account_json(
    account: Account,
    assets: Mapping[str, Asset],
    transferable: Money,
    buying_power: Money,
    restrictions: Iterable[TradeRestriction] = (),
    status: TradeStatus | None = None,
) -> accounts.TradingAccount:
    """The API's trading account. Without margin, buying power equals cash; the previous day's values are null."""
    owned = {position.symbol: position.qty for position in account.positions}
    worth = value_account(account.cash, owned, _prices(owned, assets))
    held, equity, power = value_text(worth.position_market_value), value_text(worth.equity), money_text(buying_power)
    return {
        **account_head_json(account),
        "crypto_status": "INACTIVE",
        "cash": money_text(account.cash),
        "cash_withdrawable": money_text(transferable),
        "cash_transferable": money_text(transferable),
        "equity": equity,
        "last_equity": None,
        "portfolio_value": equity,
        "long_market_value": held,
        "short_market_value": "0.00",
        "position_market_value": held,
        "buying_power": power,
        "effective_buying_power": power,
        "non_marginable_buying_power": power,
        "regt_buying_power": power,
        "multiplier": "1",
        "initial_margin": "0.00",
        "maintenance_margin": "0.00",
        "sma": "0",
        "accrued_fees": "0.00",
        "pending_transfer_in": "0.00",
        "pending_transfer_out": "0.00",
        "trading_blocked": Restriction.TRADING_BLOCKED in account.restrictions,
        "transfers_blocked": False,
        "account_blocked": Restriction.ACCOUNT_BLOCKED in account.restrictions,
        "trade_suspended_by_user": False,
        "shorting_enabled": False,
        "restrictions": sorted(account.restrictions),
        "trade_restrictions": [restriction_json(one) for one in restrictions],
        "trade_status": None if status is None else status_json(status),
        "admin_configurations": _admin_json(account),
        "balance_asof": None,
        "previous_close": None,
        "last_long_market_value": None,
        "last_short_market_value": None,
        "last_cash": None,
        "last_initial_margin": None,
        "last_maintenance_margin": None,
        "last_regt_buying_power": None,
        "last_buying_power": None,
        "clearing_broker": None,
        "user_configurations": None,
    }


def _admin_json(account: Account) -> dict[str, dict[str, bool]]:
    liquidation = {
        Restriction.PATTERN_DAY_TRADER: "pattern_day_trading",
        Restriction.ACH_RETURN: "ach_return",
        Restriction.POSITION_TO_EQUITY_RATIO: "position_to_equity_ratio",
        Restriction.CRYPTO: "crypto",
        Restriction.OPTIONS: "options",
        Restriction.UNSPECIFIED: "unspecified",
    }
    reasons = {name: restriction in account.restrictions for restriction, name in liquidation.items()}
    # Alpaca has no reason of these names; a client of the sandbox has no other way to see them.
    foreign = (Restriction.SHORT_POSITION, Restriction.CRYPTO_POSITION)
    reasons |= {restriction.value: True for restriction in foreign if restriction in account.restrictions}
    return {"restrict_to_liquidation_reasons": reasons} if any(reasons.values()) else {}


def position_json(position: Position, asset: Asset, reserved: Qty) -> accounts.Position:
    """A position at the last price; `reserved` shares are in open sell orders. An unknown entry price counts as 0.

    Closing prices of the day before are not stored, so gains within the day are 0.
    """
    entry = position.avg_entry_price or Price(0)
    cost = market_value(position.qty, entry)
    worth = None if asset.price is None else market_value(position.qty, asset.price)
    return {
        "asset_id": asset.id,
        "symbol": plain_symbol(position.symbol),
        "exchange": exchange_text(asset),
        "asset_class": "us_equity",
        "asset_marginable": False,
        "avg_entry_price": price_text(entry),
        "qty": qty_text(position.qty),
        "qty_available": qty_text(Qty(position.qty - reserved)),
        "side": "long",
        "market_value": None if worth is None else value_text(worth),
        "cost_basis": value_text(cost),
        "unrealized_pl": None if worth is None else value_text(Value(worth - cost)),
        "unrealized_plpc": None if worth is None else _ratio_text(Value(worth - cost), cost),
        "unrealized_intraday_pl": "0",
        "unrealized_intraday_plpc": "0",
        "current_price": price_or_null(asset.price),
        "lastday_price": None,
        "change_today": None,
    }


def _ratio_text(part: Value, whole: Value) -> str:
    """A ratio with at most nine decimals, rounded toward zero; 0 if `whole` is 0."""
    if not whole:
        return "0"
    scaled = abs(part) * NANO // whole
    return format_scaled(-scaled if part < 0 else scaled, 9, 0)


def journal_json(journal: Journal) -> accounts.Journal:
    """A cash journal. Its settle date is the day of its execution."""
    done = journal.updated_at.astimezone(NEW_YORK).date().isoformat()
    executed = journal.status is JournalStatus.EXECUTED
    return {
        "id": journal.id,
        "entry_type": "JNLC",
        "from_account": journal.from_account,
        "to_account": journal.to_account,
        "symbol": "",
        "qty": None,
        "price": "0",
        "status": journal.status,
        "net_amount": money_text(journal.amount),
        "currency": "USD",
        "description": journal.description,
        "reason": journal.reason,
        "system_date": journal.created_at.astimezone(NEW_YORK).date().isoformat(),
        "settle_date": done if executed else None,
        "created_at": time_text(journal.created_at),
        "updated_at": time_text(journal.updated_at),
    }


def _prices(held: Iterable[str], assets: Mapping[str, Asset]) -> dict[str, Price]:
    """The prices of the symbols of an account, without those of the book's other assets."""
    found = ((symbol, assets[symbol].price) for symbol in held if symbol in assets)
    return {symbol: price for symbol, price in found if price is not None}
