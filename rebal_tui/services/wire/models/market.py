"""The shapes of assets, prices, the calendar and the clock."""

from __future__ import annotations

from typing import Annotated, Literal, NotRequired

from pydantic import Field
from pydantic.json_schema import SkipJsonSchema
from typing_extensions import TypeAliasType, TypedDict

from rebal_tui.domain.assets import AssetStatus
from rebal_tui.domain.corporate_actions import ActionKind
from rebal_tui.services.wire.models.types import OURS, Day, Decimal, TimeOfDay, Timestamp, Uuid, documented

# Declared by a call, because one of its keys is a Python keyword.
Asset = TypedDict(
    "Asset",
    {
        "id": str,
        "class": Literal["us_equity"],
        "exchange": str,
        "symbol": str,
        "name": str,
        "status": AssetStatus,
        "tradable": bool,
        "marginable": bool,
        "shortable": bool,
        "easy_to_borrow": bool,
        "fractionable": bool,
        "margin_requirement_long": Literal["100"],
        "margin_requirement_short": Literal["100"],
        "price": NotRequired[Annotated[Decimal | None, OURS]],
        "price_at": NotRequired[Annotated[Timestamp | None, OURS]],
    },
)
documented(Asset)


# Written as JSON text with exact numbers.
@documented
class Trade(TypedDict):
    t: Timestamp
    p: float


@documented
class Snapshot(TypedDict):
    latestTrade: Trade


@documented
class CalendarDay(TypedDict):
    date: Day
    open: TimeOfDay
    close: TimeOfDay
    session_open: SkipJsonSchema[str]
    session_close: SkipJsonSchema[str]
    settlement_date: Day


@documented
class Clock(TypedDict):
    timestamp: Timestamp
    is_open: bool
    next_open: Timestamp
    next_close: Timestamp


@documented
class CorporateAction(TypedDict):
    id: str
    kind: ActionKind
    symbol: str
    accounts: int
    unexplained: int
    canceled_orders: int
    paid: Decimal
    confirmation: str


@documented
class Sandbox(TypedDict):
    now: Timestamp
    firm_account: Uuid


# The guards of a book; limits of 0 are not checked.
@documented
class Guards(TypedDict):
    jump_guard: bool
    jump_limit: Decimal
    surge_guard: bool
    surge_limit: Decimal
    surge_order_limit: Decimal
    surge_run_limit: Decimal


Snapshots = TypeAliasType("Snapshots", Annotated[dict[str, Snapshot], Field(title="Snapshots")])
