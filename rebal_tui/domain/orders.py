"""Orders, fills and skipped orders (R-8, R-22)."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from rebal_tui.domain.quantities import Money, Price, Qty


class Side(StrEnum):
    BUY = "buy"
    SELL = "sell"


class OrderStatus(StrEnum):
    """The statuses of an order, as the API names them. `PENDING_NEW`: submitted, the broker has not responded yet."""

    NEW = "new"
    PARTIALLY_FILLED = "partially_filled"
    FILLED = "filled"
    DONE_FOR_DAY = "done_for_day"
    CANCELED = "canceled"
    EXPIRED = "expired"
    REPLACED = "replaced"
    PENDING_CANCEL = "pending_cancel"
    PENDING_REPLACE = "pending_replace"
    ACCEPTED = "accepted"
    PENDING_NEW = "pending_new"
    ACCEPTED_FOR_BIDDING = "accepted_for_bidding"
    STOPPED = "stopped"
    REJECTED = "rejected"
    SUSPENDED = "suspended"
    CALCULATED = "calculated"
    HELD = "held"
    PENDING_REVIEW = "pending_review"

    @property
    def final(self) -> bool:
        return self in _FINAL


_FINAL = frozenset(
    {
        OrderStatus.FILLED,
        OrderStatus.CANCELED,
        OrderStatus.EXPIRED,
        OrderStatus.REJECTED,
        OrderStatus.REPLACED,
    }
)


class SkipReason(StrEnum):
    ORDER_LESS_THAN_MIN_NOTIONAL = "ORDER_LESS_THAN_MIN_NOTIONAL"
    ASSET_NOT_TRADABLE = "ASSET_NOT_TRADABLE"
    INSUFFICIENT_CASH = "INSUFFICIENT_CASH"
    ACCOUNT_RESTRICTED = "ACCOUNT_RESTRICTED"
    RUN_CANCELED = "RUN_CANCELED"
    MARKET_WINDOW_CLOSED = "MARKET_WINDOW_CLOSED"
    NO_PRICE = "NO_PRICE"


@dataclass(frozen=True, slots=True)
class OrderRequest:
    """A market day order to submit to a broker: exactly one of `notional` and `qty` is set."""

    account_id: str
    client_order_id: str
    symbol: str
    side: Side
    notional: Money | None = None
    qty: Qty | None = None


@dataclass(frozen=True, slots=True)
class Order:
    """An order as the broker reports it. `client_order_id` is unique per broker and at most 128 characters."""

    id: str
    client_order_id: str
    account_id: str
    symbol: str
    side: Side
    status: OrderStatus
    notional: Money | None
    qty: Qty | None
    filled_qty: Qty
    filled_avg_price: Price | None
    created_at: datetime
    updated_at: datetime
    submitted_at: datetime
    filled_at: datetime | None = None
    expired_at: datetime | None = None
    canceled_at: datetime | None = None
    failed_at: datetime | None = None
    reject_reason: str | None = None


@dataclass(frozen=True, slots=True)
class Fill:
    """One execution of an order.

    `amount` is the dollars by which it changes the account's cash, always above 0: rounded up for a buy and down for a
    sell, to a billionth. `asset_id` is the asset's id, None when the broker does not give it; it is not compared.
    """

    execution_id: str
    order_id: str
    client_order_id: str
    account_id: str
    symbol: str
    side: Side
    qty: Qty
    price: Price
    amount: Money
    at: datetime
    settles_on: str
    asset_id: str | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class SkippedOrder:
    """An order that a plan meant and a run did not send, with its reason, as the API reports it."""

    symbol: str
    side: Side | None
    notional: Money | None
    reason: SkipReason
    reason_details: str
