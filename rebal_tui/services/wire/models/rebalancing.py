"""The shapes of portfolios, subscriptions, orders, runs and decisions, and of errors."""

from __future__ import annotations

from typing import Annotated, Literal, NotRequired

from pydantic.json_schema import SkipJsonSchema
from typing_extensions import TypedDict

from rebal_tui.domain.decisions import LineReason, Outcome, Verdict
from rebal_tui.domain.orders import OrderStatus, Side
from rebal_tui.domain.portfolios import BandType, CalendarType, Destination, PortfolioStatus, RebalanceScope
from rebal_tui.domain.runs import InitiatedFrom, RunStatus, RunType
from rebal_tui.domain.trade_status import StatusKind, WaitsFor
from rebal_tui.services.view_models.exceptions import ExceptionKind
from rebal_tui.services.wire.models.types import OURS, Decimal, ShownAs, Timestamp, Uuid, documented

ShownRunType = Literal[RunType.FULL_REBALANCE, RunType.INVEST_CASH]
"""The types of run that the API's clients know."""
Initiator = Annotated[Literal["system", "api", "dashboard"], ShownAs({"dashboard": "api"})]
"""Who requested a run. `dashboard`: a person at the terminal; shown as `api` unless the request asks for extensions."""


@documented
class Error(TypedDict):
    code: int
    message: str


@documented
class Weight(TypedDict):
    type: Literal["cash", "asset"]
    symbol: str | None
    percent: Decimal


@documented
class Condition(TypedDict):
    type: Literal["drift_band", "calendar", "on_portfolio_update"]
    sub_type: Literal[
        BandType.ABSOLUTE, BandType.RELATIVE,
        CalendarType.WEEKLY, CalendarType.MONTHLY, CalendarType.QUARTERLY, CalendarType.ANNUALLY,
    ] | None  # fmt: skip
    percent: Decimal | None
    day: str | None


@documented
class MinimumTrade(TypedDict):
    amount: Decimal
    percent: Decimal


@documented
class Portfolio(TypedDict):
    id: str
    name: str
    description: str
    status: PortfolioStatus
    cooldown_days: int
    created_at: Timestamp
    updated_at: Timestamp
    weights: list[Weight]
    rebalance_conditions: list[Condition]
    review: NotRequired[Annotated[bool, OURS]]
    rebalance_to: NotRequired[Annotated[Destination, OURS]]
    rebalance_scope: NotRequired[Annotated[RebalanceScope, OURS]]
    minimum_trade: NotRequired[Annotated[MinimumTrade | None, OURS]]
    stagger_sessions: NotRequired[Annotated[int, OURS]]


@documented
class SubscriptionOverrides(TypedDict):
    cooldown_days: int | None
    rebalance_conditions: list[Condition] | None
    minimum_trade: MinimumTrade | None
    review: bool | None


@documented
class Subscription(TypedDict):
    id: str
    account_id: str
    portfolio_id: str
    last_rebalanced_at: Timestamp | None
    trade_marker: Literal["unsolicited"] | None
    created_at: Timestamp
    overrides: NotRequired[Annotated[SubscriptionOverrides | None, OURS]]


@documented
class SubscriptionPage(TypedDict):
    subscriptions: list[Subscription]
    next_page_token: str | None


@documented
class Order(TypedDict):
    id: Uuid
    client_order_id: str
    created_at: Timestamp
    updated_at: Timestamp
    submitted_at: Timestamp
    filled_at: Timestamp | None
    expired_at: Timestamp | None
    canceled_at: Timestamp | None
    failed_at: Timestamp | None
    asset_id: str
    symbol: str
    asset_class: Literal["us_equity"]
    notional: Decimal | None
    qty: Decimal | None
    filled_qty: Decimal
    filled_avg_price: Decimal | None
    order_class: Literal[""]
    order_type: Literal["market"]
    type: Literal["market"]
    side: Side
    time_in_force: Literal["day"]
    status: OrderStatus
    extended_hours: bool
    expires_at: SkipJsonSchema[None]
    replaced_at: SkipJsonSchema[None]
    replaced_by: SkipJsonSchema[None]
    replaces: SkipJsonSchema[None]
    limit_price: SkipJsonSchema[None]
    stop_price: SkipJsonSchema[None]
    legs: None
    trail_percent: SkipJsonSchema[None]
    trail_price: SkipJsonSchema[None]
    hwm: SkipJsonSchema[None]
    subtag: SkipJsonSchema[None]
    source: SkipJsonSchema[None]
    commission: SkipJsonSchema[None]
    reject_reason: NotRequired[Annotated[str | None, OURS]]


@documented
class SkippedOrder(TypedDict):
    symbol: str
    side: Side | None
    notional: Decimal | None
    currency: Literal["USD"]
    reason: str
    reason_details: str


class _RunBody(TypedDict):
    amount: Decimal | None
    status: RunStatus
    reason: str | None
    account_id: str
    portfolio_id: str
    weights: list[Weight]
    orders: list[Order]
    failed_orders: list[Order]
    skipped_orders: list[SkippedOrder]
    completed_at: Timestamp | None
    canceled_at: Timestamp | None
    created_at: Timestamp
    updated_at: Timestamp


# The restrictions that a run overrides, and why.
@documented
class RunOverride(TypedDict):
    restrictions: list[str]
    note: str
    made_by: str


# A run with its own type, as exports, previews and commands show it.
class RunRecord(_RunBody):
    id: str
    type: RunType
    initiated_from: InitiatedFrom


# A run as the API shows it: with a type that its clients know, and its own type as `kind`.
class _ShownRun(TypedDict):
    id: Uuid
    type: ShownRunType
    kind: NotRequired[Annotated[RunType, OURS]]
    initiated_from: Initiator
    override: NotRequired[Annotated[RunOverride | None, OURS]]


@documented
class Run(_ShownRun, _RunBody):
    pass


@documented
class RunPage(TypedDict):
    runs: list[Run]
    next_page_token: str | None


class PlanLine(TypedDict):
    symbol: str
    side: Side | None
    notional: Decimal | None
    qty: Decimal | None
    reason: LineReason
    detail: str
    target: Decimal
    price: Decimal | None


class Plan(TypedDict):
    type: RunType
    equity: Decimal
    cash: Decimal
    cash_target: Decimal
    budget: Decimal
    amount: Decimal | None
    scale: str
    lines: list[PlanLine]
    skipped_orders: list[SkippedOrder]


class Check(TypedDict):
    check: str
    verdict: Verdict
    detail: str
    rule: str


# What an account waits for, in one sentence, and when it can trade first. Ours.
@documented
class TradeStatus(TypedDict):
    kind: StatusKind
    waits_for: WaitsFor | None
    first_trade_at: Timestamp | None
    sentence: str
    note: str


class Decision(TypedDict):
    account_id: str
    portfolio_id: str
    subscription_id: str
    at: Timestamp
    session: str
    outcome: Outcome
    reason: str
    trace: list[Check]
    plan: Plan | None
    status: TradeStatus | None


# Settings of the book that concern trading. Ours.
@documented
class BookSettings(TypedDict):
    minimum_trade: MinimumTrade | None


# What needs a person although no condition fires. Ours; Alpaca's API has no such list.
@documented
class BookException(TypedDict):
    kind: ExceptionKind
    account_id: str | None
    symbol: str | None
    portfolio_id: str | None
    run_id: str | None
    accounts: int
    since: Timestamp
    text: str
    blocks: str
    remedy: str


@documented
class ExceptionPage(TypedDict):
    exceptions: list[BookException]
    next_page_token: str | None


# An asset whose price jumped without an explanation. Ours.
@documented
class AssetHold(TypedDict):
    symbol: str
    since: Timestamp
    last_close: Decimal
    price: Decimal
    ratio: Decimal
    looks_like: str
    reason: str
