"""The shapes of answers, for the OpenAPI document. Values are made elsewhere, exactly."""

from __future__ import annotations

import datetime as dt
from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, RootModel

from rebal_tui.domain.accounts import AccountStatus, Restriction
from rebal_tui.domain.assets import AssetStatus
from rebal_tui.domain.cash import JournalStatus
from rebal_tui.domain.orders import OrderStatus, Side
from rebal_tui.domain.portfolios import PortfolioStatus
from rebal_tui.domain.runs import InitiatedFrom, RunStatus, RunType

Decimal = Annotated[str, Field(pattern=r"^-?[0-9]+(\.[0-9]+)?$", examples=["417.8"])]


class _Answer(BaseModel):
    model_config = ConfigDict(extra="allow")


class Error(_Answer):
    code: int
    message: str


class Weight(_Answer):
    type: Literal["cash", "asset"]
    symbol: str | None
    percent: Decimal


class Condition(_Answer):
    type: Literal["drift_band", "calendar"]
    sub_type: Literal["absolute", "relative", "weekly", "monthly", "quarterly", "annually"]
    percent: Decimal | None
    day: str | None


class Portfolio(_Answer):
    id: str
    name: str
    description: str
    status: PortfolioStatus
    cooldown_days: int
    created_at: datetime
    updated_at: datetime
    weights: list[Weight]
    rebalance_conditions: list[Condition]
    review: bool


class Subscription(_Answer):
    id: str
    account_id: str
    portfolio_id: str
    last_rebalanced_at: datetime | None
    created_at: datetime


class SubscriptionPage(_Answer):
    subscriptions: list[Subscription]
    next_page_token: str | None


class Order(_Answer):
    id: UUID
    client_order_id: str
    created_at: datetime
    updated_at: datetime
    submitted_at: datetime
    filled_at: datetime | None
    expired_at: datetime | None
    canceled_at: datetime | None
    failed_at: datetime | None
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
    legs: None
    reject_reason: str | None


class SkippedOrder(_Answer):
    symbol: str
    side: Side | None
    notional: Decimal | None
    currency: Literal["USD"]
    reason: str
    reason_details: str


class Run(_Answer):
    id: UUID
    type: Literal["full_rebalance", "invest_cash"]
    kind: RunType
    amount: Decimal | None
    initiated_from: InitiatedFrom
    status: RunStatus
    reason: str | None
    account_id: str
    portfolio_id: str
    weights: list[Weight]
    orders: list[Order]
    failed_orders: list[Order]
    skipped_orders: list[SkippedOrder]
    completed_at: datetime | None
    canceled_at: datetime | None
    created_at: datetime
    updated_at: datetime


class RunPage(_Answer):
    runs: list[Run]
    next_page_token: str | None


class Account(_Answer):
    id: str
    account_number: str
    name: str
    status: AccountStatus
    currency: Literal["USD"]
    last_equity: Decimal
    created_at: datetime


class TradingAccount(_Answer):
    id: str
    account_number: str
    status: AccountStatus
    currency: Literal["USD"]
    cash: Decimal
    cash_withdrawable: Decimal
    cash_transferable: Decimal
    equity: Decimal
    last_equity: Decimal | None
    portfolio_value: Decimal
    long_market_value: Decimal
    short_market_value: Decimal
    position_market_value: Decimal
    buying_power: Decimal
    multiplier: Literal["1"]
    trading_blocked: bool
    transfers_blocked: bool
    account_blocked: bool
    trade_suspended_by_user: bool
    previous_close: None
    clearing_broker: None
    restrictions: list[Restriction]


class Position(_Answer):
    asset_id: str
    symbol: str
    exchange: str
    asset_class: Literal["us_equity"]
    avg_entry_price: Decimal
    qty: Decimal
    qty_available: Decimal
    side: Literal["long"]
    market_value: Decimal | None
    cost_basis: Decimal
    current_price: Decimal | None


class AllPositions(_Answer):
    as_of: datetime
    positions: dict[str, list[Position]]


class Journal(_Answer):
    id: UUID
    entry_type: Literal["JNLC"]
    from_account: str
    to_account: str
    symbol: Literal[""]
    qty: None
    status: JournalStatus
    net_amount: Decimal
    description: str
    settle_date: date | None
    system_date: date | None


class Asset(_Answer):
    id: str
    class_: Annotated[Literal["us_equity"], Field(alias="class")]
    exchange: str
    symbol: str
    name: str
    status: AssetStatus
    tradable: bool
    marginable: bool
    shortable: bool
    easy_to_borrow: bool
    fractionable: bool
    price: Decimal | None


class Trade(_Answer):
    t: datetime
    p: float


class Snapshot(_Answer):
    latestTrade: Trade  # noqa: N815


class Snapshots(RootModel[dict[str, Snapshot]]):
    pass


class CalendarDay(_Answer):
    date: dt.date
    open: Annotated[str, Field(pattern=r"^[0-2][0-9]:[0-5][0-9]$")]
    close: Annotated[str, Field(pattern=r"^[0-2][0-9]:[0-5][0-9]$")]
    settlement_date: dt.date


class Clock(_Answer):
    timestamp: datetime
    is_open: bool
    next_open: datetime
    next_close: datetime


class Sandbox(_Answer):
    now: datetime
    firm_account: UUID
