"""The shapes of accounts, positions and journals."""

from __future__ import annotations

from typing import Annotated, Literal, NotRequired

from pydantic.json_schema import SkipJsonSchema
from typing_extensions import TypedDict

from rebal_tui.domain.accounts import AccountStatus, Restriction
from rebal_tui.domain.cash import JournalStatus
from rebal_tui.domain.orders import OrderStatus, Side
from rebal_tui.domain.trading_rules import RangeUnit, RestrictionKind, RestrictionScope
from rebal_tui.services.wire.models.rebalancing import Error, MinimumTrade, Order, TradeStatus
from rebal_tui.services.wire.models.types import OURS, Day, Decimal, Timestamp, Uuid, documented


# The first keys of every account shape.
class AccountHead(TypedDict):
    id: str
    account_number: str
    name: str
    status: AccountStatus
    currency: Literal["USD"]
    created_at: Timestamp


# A restriction in force. `min` and `max` are percent, dollars or shares, by `unit`.
@documented
class TradeRestriction(TypedDict):
    id: str
    scope: RestrictionScope
    kind: RestrictionKind
    symbol: str | None
    min: Decimal | None
    max: Decimal | None
    unit: RangeUnit | None
    reason: str
    until: Day | None
    made_by: str


@documented
class Account(TypedDict):
    id: str
    account_number: str
    name: NotRequired[Annotated[str, OURS]]
    status: AccountStatus
    currency: Literal["USD"]
    account_type: Literal["trading"]
    last_equity: Decimal
    created_at: Timestamp
    whole_shares: NotRequired[Annotated[bool, OURS]]
    minimum_trade: NotRequired[Annotated[MinimumTrade | None, OURS]]


@documented
class TradingAccount(TypedDict):
    id: str
    account_number: str
    name: NotRequired[Annotated[str, OURS]]
    status: AccountStatus
    crypto_status: Literal["INACTIVE"]
    currency: Literal["USD"]
    created_at: SkipJsonSchema[Timestamp]
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
    effective_buying_power: Decimal
    non_marginable_buying_power: SkipJsonSchema[Decimal]
    regt_buying_power: SkipJsonSchema[Decimal]
    multiplier: Literal["1"]
    initial_margin: SkipJsonSchema[Decimal]
    maintenance_margin: SkipJsonSchema[Decimal]
    sma: Literal["0"]
    accrued_fees: SkipJsonSchema[Decimal]
    pending_transfer_in: SkipJsonSchema[Decimal]
    pending_transfer_out: SkipJsonSchema[Decimal]
    trading_blocked: bool
    transfers_blocked: bool
    account_blocked: bool
    trade_suspended_by_user: bool
    shorting_enabled: SkipJsonSchema[bool]
    admin_configurations: SkipJsonSchema[dict[str, dict[str, bool]]]
    balance_asof: SkipJsonSchema[None]
    previous_close: None
    last_long_market_value: SkipJsonSchema[None]
    last_short_market_value: SkipJsonSchema[None]
    last_cash: SkipJsonSchema[None]
    last_initial_margin: SkipJsonSchema[None]
    last_maintenance_margin: SkipJsonSchema[None]
    last_regt_buying_power: SkipJsonSchema[None]
    last_buying_power: SkipJsonSchema[None]
    clearing_broker: None
    user_configurations: SkipJsonSchema[None]
    restrictions: NotRequired[Annotated[list[Restriction], OURS]]
    trade_restrictions: NotRequired[Annotated[list[TradeRestriction], OURS]]
    trade_status: NotRequired[Annotated[TradeStatus | None, OURS]]


# A position as exports show it.
class PositionRecord(TypedDict):
    asset_id: str | None
    symbol: str
    qty: Decimal
    side: Literal["long"]
    avg_entry_price: Decimal | None
    current_price: Decimal | None
    market_value: Decimal | None


# An account as exports show it.
class AccountRecord(TypedDict):
    id: str
    account_number: str
    name: str
    status: AccountStatus
    currency: Literal["USD"]
    cash: Decimal
    cash_withdrawable: Decimal
    cash_transferable: Decimal
    position_market_value: Decimal
    equity: Decimal
    restrictions: list[Restriction]
    created_at: Timestamp
    positions: list[PositionRecord]


@documented
class Position(TypedDict):
    asset_id: str
    symbol: str
    exchange: str
    asset_class: Literal["us_equity"]
    asset_marginable: SkipJsonSchema[bool]
    avg_entry_price: Decimal
    qty: Decimal
    qty_available: Decimal
    side: Literal["long"]
    market_value: Decimal | None
    cost_basis: Decimal
    unrealized_pl: SkipJsonSchema[Decimal | None]
    unrealized_plpc: Decimal | None
    unrealized_intraday_pl: Literal["0"]
    unrealized_intraday_plpc: Literal["0"]
    current_price: Decimal | None
    lastday_price: SkipJsonSchema[None]
    change_today: SkipJsonSchema[None]


@documented
class AllPositions(TypedDict):
    as_of: Timestamp
    positions: dict[str, list[Position]]


@documented
class TradeActivity(TypedDict):
    id: str
    account_id: str
    activity_type: Literal["FILL"]
    transaction_time: Timestamp
    type: Literal["fill", "partial_fill"]
    price: Decimal
    qty: Decimal
    side: Side
    symbol: str
    leaves_qty: Decimal
    order_id: str
    cum_qty: Decimal
    order_status: OrderStatus


@documented
class NonTradeActivity(TypedDict):
    id: str
    account_id: str
    activity_type: str
    date: Day
    net_amount: Decimal
    description: str
    status: Literal["executed"]


AccountActivity = TradeActivity | NonTradeActivity


@documented
class CanceledOrder(TypedDict):
    id: str
    status: int


@documented
class ClosedPosition(TypedDict):
    order_id: str | None
    symbol: str
    status: int
    body: Order | Error


@documented
class Journal(TypedDict):
    id: Uuid
    entry_type: Literal["JNLC"]
    from_account: str
    to_account: str
    symbol: Literal[""]
    qty: None
    price: SkipJsonSchema[Literal["0"]]
    status: JournalStatus
    net_amount: Decimal
    currency: SkipJsonSchema[Literal["USD"]]
    description: str
    reason: NotRequired[Annotated[str | None, OURS]]
    settle_date: Day | None
    system_date: Day | None
    created_at: NotRequired[Annotated[Timestamp, OURS]]
    updated_at: NotRequired[Annotated[Timestamp, OURS]]
