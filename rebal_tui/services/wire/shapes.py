"""Domain values in the API's JSON shapes: decimals as text, times in RFC 3339 UTC with microseconds, all keys present.

The JSON objects (shapes) are declared in `models`; those of accounts, positions and journals are in `account_shapes`.
An object with the id of an asset has the asset's symbol. Others have its label, because several assets can bear one
symbol (R-50).
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal

from rebal_tui.domain.asset_labels import plain_symbol
from rebal_tui.domain.assets import EXCHANGES, Asset
from rebal_tui.domain.decisions import Decision, Plan
from rebal_tui.domain.orders import Order, SkippedOrder
from rebal_tui.domain.portfolios import (
    CalendarCondition,
    Condition,
    DriftBand,
    MinimumTrade,
    Portfolio,
    PortfolioUpdate,
    Subscription,
    Weights,
)
from rebal_tui.domain.quantities import (
    Price,
    Value,
    format_scaled,
    money_text,
    percent_text,
    price_text,
    qty_text,
)
from rebal_tui.domain.runs import RunDetail
from rebal_tui.domain.sessions import NEW_YORK, Session
from rebal_tui.domain.trade_status import TradeStatus
from rebal_tui.domain.trading_rules import Overrides, RunOverride

if TYPE_CHECKING:
    from rebal_tui.services.wire.models import market, rebalancing

AssetId = Callable[[str], str]
"""Returns the asset id of a symbol."""

_IDS = uuid.UUID("0d7c1c0a-4c7e-5a6b-8f0e-7a2f4f7e6b11")


def time_text(at: datetime) -> str:
    """A time in RFC 3339 UTC, such as `2022-03-08T16:36:07.053482Z`."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def time_or_null(at: datetime | None) -> str | None:
    return None if at is None else time_text(at)


def value_text(value: Value) -> str:
    """An exact product of price and quantity, in dollars with at least two decimals."""
    return format_scaled(value, 18, 2)


def price_or_null(price: Price | None) -> str | None:
    return None if price is None else price_text(price)


def weights_json(weights: Weights) -> list[rebalancing.Weight]:
    """The weights, cash first if its weight is not 0."""
    shown: list[rebalancing.Weight] = []
    if weights.cash:
        shown.append({"type": "cash", "symbol": None, "percent": percent_text(weights.cash)})
    for weight in weights.assets:
        shown.append({"type": "asset", "symbol": weight.symbol, "percent": percent_text(weight.percent)})
    return shown


def condition_json(condition: Condition) -> rebalancing.Condition:
    match condition:
        case DriftBand():
            percent = percent_text(condition.percent)
            return {"type": "drift_band", "sub_type": condition.sub_type, "percent": percent, "day": None}
        case CalendarCondition():
            return {"type": "calendar", "sub_type": condition.sub_type, "percent": None, "day": condition.day}
        case PortfolioUpdate():
            return {"type": "on_portfolio_update", "sub_type": None, "percent": None, "day": None}


def portfolio_json(portfolio: Portfolio) -> rebalancing.Portfolio:
    return {
        "id": portfolio.id,
        "name": portfolio.name,
        "description": portfolio.description,
        "status": portfolio.status,
        "cooldown_days": portfolio.cooldown_days,
        "created_at": time_text(portfolio.created_at),
        "updated_at": time_text(portfolio.updated_at),
        "weights": weights_json(portfolio.weights),
        "rebalance_conditions": [condition_json(condition) for condition in portfolio.conditions],
        "review": portfolio.review,
        "rebalance_to": portfolio.rebalance_to,
        "rebalance_scope": portfolio.rebalance_scope,
        "minimum_trade": minimum_json(portfolio.minimum_trade),
        "stagger_sessions": portfolio.stagger_sessions,
    }


def minimum_json(minimum: MinimumTrade | None) -> rebalancing.MinimumTrade | None:
    """A minimum trade; null where none is set."""
    if minimum is None:
        return None
    return {"amount": money_text(minimum.amount), "percent": percent_text(minimum.percent)}


def subscription_json(
    subscription: Subscription, trade_marker: Literal["unsolicited"] | None = None, overrides: Overrides | None = None
) -> rebalancing.Subscription:
    return {
        "id": subscription.id,
        "account_id": subscription.account_id,
        "portfolio_id": subscription.portfolio_id,
        "last_rebalanced_at": time_or_null(subscription.last_rebalanced_at),
        "trade_marker": trade_marker,
        "created_at": time_text(subscription.created_at),
        "overrides": None if overrides is None else overrides_json(overrides),
    }


def overrides_json(overrides: Overrides) -> rebalancing.SubscriptionOverrides:
    """The settings of a subscription that replace those of its portfolio (R-67); null for a setting that does not."""
    conditions = overrides.conditions
    return {
        "cooldown_days": overrides.cooldown_days,
        "rebalance_conditions": None if conditions is None else [condition_json(one) for one in conditions],
        "minimum_trade": minimum_json(overrides.minimum_trade),
        "review": overrides.review,
    }


def asset_ids(assets: Mapping[str, Asset]) -> AssetId:
    """A function from a label to the id of its asset; for an unknown label, the id is computed from the label."""
    return lambda symbol: assets[symbol].id if symbol in assets else str(uuid.uuid5(_IDS, symbol))


def order_json(order: Order, asset_id: AssetId) -> rebalancing.Order:
    """The API's complete order object. Until the broker responds, its id is computed from the client_order_id."""
    return {
        "id": order.id or str(uuid.uuid5(_IDS, order.client_order_id)),
        "client_order_id": order.client_order_id,
        "created_at": time_text(order.created_at),
        "updated_at": time_text(order.updated_at),
        "submitted_at": time_text(order.submitted_at),
        "filled_at": time_or_null(order.filled_at),
        "expired_at": time_or_null(order.expired_at),
        "canceled_at": time_or_null(order.canceled_at),
        "failed_at": time_or_null(order.failed_at),
        "asset_id": asset_id(order.symbol),
        "symbol": plain_symbol(order.symbol),
        "asset_class": "us_equity",
        "notional": None if order.notional is None else money_text(order.notional),
        "qty": None if order.qty is None else qty_text(order.qty),
        "filled_qty": qty_text(order.filled_qty),
        "filled_avg_price": price_or_null(order.filled_avg_price),
        "order_class": "",
        "order_type": "market",
        "type": "market",
        "side": order.side,
        "time_in_force": "day",
        "status": order.status,
        "extended_hours": False,
        "expires_at": None,
        "replaced_at": None,
        "replaced_by": None,
        "replaces": None,
        "limit_price": None,
        "stop_price": None,
        "legs": None,
        "trail_percent": None,
        "trail_price": None,
        "hwm": None,
        "subtag": None,
        "source": None,
        "commission": None,
        "reject_reason": order.reject_reason,
    }


def skipped_json(order: SkippedOrder) -> rebalancing.SkippedOrder:
    return {
        "symbol": order.symbol,
        "side": order.side,
        "notional": None if order.notional is None else money_text(order.notional),
        "currency": "USD",
        "reason": order.reason,
        "reason_details": order.reason_details,
    }


def run_json(detail: RunDetail, asset_id: AssetId, portfolio_id: str | None = None) -> rebalancing.RunRecord:
    """A run with its orders. The API never has a null `portfolio_id`.

    A run without a portfolio has the `portfolio_id` of the argument, or else the run's own id.
    """
    run = detail.run
    return {
        "id": run.id,
        "type": run.type,
        "amount": None if run.amount is None else money_text(run.amount),
        "initiated_from": run.initiated_from,
        "status": run.status,
        "reason": run.reason,
        "account_id": run.account_id,
        "portfolio_id": run.portfolio_id or portfolio_id or run.id,
        "weights": weights_json(run.weights),
        "orders": [order_json(order, asset_id) for order in detail.orders],
        "failed_orders": [order_json(order, asset_id) for order in detail.failed_orders],
        "skipped_orders": [skipped_json(order) for order in detail.skipped_orders],
        "completed_at": time_or_null(run.completed_at),
        "canceled_at": time_or_null(run.canceled_at),
        "created_at": time_text(run.created_at),
        "updated_at": time_text(run.updated_at),
    }


def override_json(override: RunOverride) -> rebalancing.RunOverride:
    """The restrictions that a run overrides, with the note and who decided it (R-61)."""
    return {"restrictions": list(override.restriction_ids), "note": override.note, "made_by": override.made_by}


def plan_json(plan: Plan) -> rebalancing.Plan:
    """A plan with a line for every asset, traded or not."""
    numerator, denominator = plan.scale
    return {
        "type": plan.type,
        "equity": value_text(plan.equity),
        "cash": money_text(plan.cash),
        "cash_target": money_text(plan.cash_target),
        "budget": money_text(plan.budget),
        "amount": None if plan.amount is None else money_text(plan.amount),
        "scale": "1" if numerator == denominator else f"{numerator}/{denominator}",
        "lines": [
            {
                "symbol": line.symbol,
                "side": line.side,
                "notional": None if line.notional is None else money_text(line.notional),
                "qty": None if line.qty is None else qty_text(line.qty),
                "reason": line.reason,
                "detail": line.detail,
                "target": percent_text(line.target),
                "price": price_or_null(line.price),
            }
            for line in plan.lines
        ],
        "skipped_orders": [skipped_json(order) for order in plan.skipped_orders],
    }


def decision_json(decision: Decision) -> rebalancing.Decision:
    """A decision with its trace.

    `plan` is null if there is nothing to do, or if the plan was not stored; `status` is null if none was stored.
    """
    return {
        "account_id": decision.account_id,
        "portfolio_id": decision.portfolio_id,
        "subscription_id": decision.subscription_id,
        "at": time_text(decision.at),
        "session": decision.session,
        "outcome": decision.outcome,
        "reason": decision.reason,
        "trace": [
            {"check": check.check, "verdict": check.verdict, "detail": check.detail, "rule": check.rule}
            for check in decision.trace
        ],
        "plan": plan_json(decision.plan) if decision.plan else None,
        "status": None if decision.status is None else status_json(decision.status),
    }


def status_json(status: TradeStatus) -> rebalancing.TradeStatus:
    """The status of an account, which Alpaca's API does not have."""
    return {
        "kind": status.kind,
        "waits_for": status.waits_for,
        "first_trade_at": time_or_null(status.first_trade_at),
        "sentence": status.sentence,
        "note": status.note,
    }


def exchange_text(asset: Asset) -> str:
    """The asset's exchange if the API knows it, else an empty text."""
    return asset.exchange if asset.exchange in EXCHANGES else ""


def asset_json(asset: Asset) -> market.Asset:
    """The API's asset object.

    Margin and short selling are not supported, so the margin requirements are 100 %.
    """
    return {
        "id": asset.id,
        "class": "us_equity",
        "exchange": exchange_text(asset),
        "symbol": plain_symbol(asset.symbol),
        "name": asset.name,
        "status": asset.status,
        "tradable": asset.tradable,
        "marginable": False,
        "shortable": False,
        "easy_to_borrow": False,
        "fractionable": asset.fractionable,
        "margin_requirement_long": "100",
        "margin_requirement_short": "100",
        "price": price_or_null(asset.price),
        "price_at": time_or_null(asset.price_at),
    }


def session_json(session: Session) -> market.CalendarDay:
    """A session as a calendar day of the API, with New York times such as `09:30`."""
    opens, closes = session.open.astimezone(NEW_YORK), session.close.astimezone(NEW_YORK)
    return {
        "date": session.day.isoformat(),
        "open": f"{opens:%H:%M}",
        "close": f"{closes:%H:%M}",
        "session_open": "0400",
        "session_close": "2000",
        "settlement_date": session.settles_on.isoformat(),
    }


def offset_text(at: datetime) -> str:
    """A time with New York's offset from UTC, such as `2022-02-17T09:30:00-05:00`."""
    return at.astimezone(NEW_YORK).isoformat()
