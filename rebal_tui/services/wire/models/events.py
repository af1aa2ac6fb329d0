"""The shapes of the events in the streams. The OpenAPI document does not describe them."""

from __future__ import annotations

from typing import Annotated, Literal, NotRequired

from typing_extensions import TypedDict

from rebal_tui.domain.accounts import AccountStatus
from rebal_tui.domain.cash import JournalStatus
from rebal_tui.domain.runs import RunType
from rebal_tui.services.wire.models.rebalancing import Initiator, Order, Portfolio, ShownRunType, Weight
from rebal_tui.services.wire.models.types import OURS, Day, Decimal, Timestamp


# The first keys of run and portfolio events.
class RebalancerHead(TypedDict):
    event_id: str
    event_type: str
    at: Timestamp


class PortfolioStatusChanged(RebalancerHead):
    portfolio: Portfolio


# A run with the status that the event reports, without its orders.
class RunSnapshot(TypedDict):
    id: str
    type: ShownRunType
    kind: NotRequired[Annotated[RunType, OURS]]
    amount: Decimal | None
    initiated_from: Initiator
    status: str
    reason: str | None
    account_id: str
    portfolio_id: str
    weights: list[Weight]
    completed_at: Timestamp | None
    canceled_at: Timestamp | None
    created_at: Timestamp
    updated_at: Timestamp


class RunStatusChanged(RebalancerHead):
    run: RunSnapshot


# The first keys of broker events.
class BrokerHead(TypedDict):
    event_id: str
    event_ulid: str
    at: Timestamp


class OrderUpdate(BrokerHead):
    account_id: str
    event: str
    timestamp: Timestamp
    order: Order


class FillUpdate(OrderUpdate):
    execution_id: str
    price: Decimal
    qty: Decimal
    settle_date: Day


class JournalStatusChanged(BrokerHead):
    journal_id: str
    entry_type: Literal["JNLC"]
    status_to: JournalStatus
    status_from: Literal[""]


class AccountStatusChanged(BrokerHead):
    account_id: str
    account_number: str
    status_from: Literal[""]
    status_to: AccountStatus


class Activity(BrokerHead):
    id: str
    account_id: str
    entry_type: str
    status: Literal["executed"]
    net_amount: Decimal
    settle_date: Day
    system_date: Day
    description: Literal[""]
    reference: NotRequired[Annotated[str, OURS]]


# An activity as its own stream has it, `details` by type.
class ActivityEvent(TypedDict):
    event_id: str
    at: Timestamp
    account_id: str
    activity_type: str
    activity_subtype: str | None
    ref_id: str
    status: Literal["executed"]
    executed_at: Timestamp
    settle_date: Day
    qty: Decimal
    price: Decimal
    net_amount: Decimal
    currency: Literal["USD"]
    details: dict[str, str]


# A corporate action, `ca` by type.
class CorporateActionEvent(TypedDict):
    event_id: str
    at: Timestamp
    action: Literal["insert"]
    region: Literal["us"]
    event_type: str
    ca: dict[str, str]


TradeUpdate = OrderUpdate | FillUpdate
Event = (
    PortfolioStatusChanged
    | RunStatusChanged
    | TradeUpdate
    | JournalStatusChanged
    | AccountStatusChanged
    | Activity
    | ActivityEvent
    | CorporateActionEvent
)
