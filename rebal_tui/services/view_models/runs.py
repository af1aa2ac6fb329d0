"""Run rows and run details."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from rebal_tui.domain.decisions import Decision, Plan
from rebal_tui.domain.orders import Fill, Order, OrderStatus, SkippedOrder
from rebal_tui.domain.quantities import Money, Percent
from rebal_tui.domain.runs import Run

FOR_A_LIST = "for a list"
"""State of a run and its orders that a person sends, until they are on a trade list."""


@dataclass(frozen=True, slots=True)
class RunRow:
    """A run in a list. `done` of `total` orders are filled; `skipped` ones were planned, but not sent. `problems` were
    rejected, canceled, expired or skipped. `phase` is how far it has come, such as `buying`; in a files book where its
    orders wait, such as `on list 2`.

    `amount` is the dollars filled, buys plus sells; `ordered` is the dollars ordered, at the prices of the run's plan,
    while nothing is filled, else 0. `overrides` is a text with the restrictions that the run overrides and its note,
    empty without any.
    """

    id: str
    type: str
    status: str
    phase: str
    account_id: str
    account_number: str
    client: str
    portfolio_id: str | None
    portfolio: str
    created_at: datetime
    updated_at: datetime
    session: str
    initiated_from: str
    done: int
    total: int
    amount: Money
    problems: int
    awaiting_approval: bool
    overrides: str = ""
    ordered: Money = Money(0)
    skipped: int = 0


@dataclass(frozen=True, slots=True)
class RunsSnapshot:
    """Runs, newest first; `total` is the number of runs in the book, `matching` how many of them match the filter.

    `more` is whether the list continues with older runs. `counts` is the number of runs that match the filter, by
    status and by whether they await approval; None if they are too many to count. `waits_for_list` is whether an
    approved order is on no trade list yet; False in other books than a files book.
    """

    version: int
    rows: tuple[RunRow, ...]
    total: int
    matching: int
    more: bool = False
    counts: Mapping[tuple[str, bool], int] | None = None
    waits_for_list: bool = False


@dataclass(frozen=True, slots=True)
class RunWeight:
    """The share of an asset (or `cash`) in an account before and after a run, in hundredths of a percent of equity.

    `planned` is the share that the plan leads to. `before` and `planned` are None before the run has a plan, `after`
    before it has fills. All three are None for an unmanaged holding, which is not part of equity.
    """

    symbol: str
    target: Percent
    before: int | None
    planned: int | None
    after: int | None


@dataclass(frozen=True, slots=True)
class TimelineEvent:
    """A status that a run or withdrawal reached, or a note, with its time and detail."""

    at: datetime
    what: str
    detail: str


@dataclass(frozen=True, slots=True)
class OnList:
    """The number of a trade list, and when it was made."""

    number: int
    at: datetime


@dataclass(frozen=True, slots=True)
class RunView:
    """Everything the Runs screen shows for one run. `api_json` is the run in the API's format.

    `raised` is a text with the cash that a partial_liquidation raised, or is to raise, and where it comes from; empty
    for runs of other types. `phase` is how far the run has come, as in `RunRow`. `on_lists` has, by client_order_id,
    the trade list of each order that is on one; None in other books than files books.
    """

    run: Run
    client: str
    account_number: str
    portfolio: str
    plan: Plan | None
    orders: tuple[Order, ...]
    failed_orders: tuple[Order, ...]
    skipped_orders: tuple[SkippedOrder, ...]
    fills: tuple[Fill, ...]
    timeline: tuple[TimelineEvent, ...]
    weights: tuple[RunWeight, ...]
    decision: Decision | None
    api_json: str
    raised: str
    phase: str
    on_lists: Mapping[str, OnList] | None = None

    def list_text(self, order: Order) -> str:
        """Where an order without a fill waits in a files book: `for a list` or `on list 2`; otherwise empty."""
        if self.on_lists is None or order.status is not OrderStatus.ACCEPTED:
            return ""
        on_list = self.on_lists.get(order.client_order_id)
        return FOR_A_LIST if on_list is None else f"on list {on_list.number}"

    def listed_at(self, order: Order) -> datetime | None:
        """When the order was put on its trade list; None if it is on none."""
        on_list = (self.on_lists or {}).get(order.client_order_id)
        return None if on_list is None else on_list.at
