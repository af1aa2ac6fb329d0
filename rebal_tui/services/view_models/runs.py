"""Run rows and run details."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from rebal_tui.domain.decisions import Decision, Plan
from rebal_tui.domain.orders import Fill, Order, SkippedOrder
from rebal_tui.domain.quantities import Money, Percent
from rebal_tui.domain.runs import Run


@dataclass(frozen=True, slots=True)
class RunRow:
    """A run in the list. `done` and `total` count orders; `amount` is what has filled, buys plus sells.

    `overrides` names the restrictions that it overrides and its note, empty without any.
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


@dataclass(frozen=True, slots=True)
class RunsSnapshot:
    """The newest runs first, the number of runs in the book, and how many of them match the filter."""

    version: int
    rows: tuple[RunRow, ...]
    total: int
    matching: int


@dataclass(frozen=True, slots=True)
class RunWeight:
    """An asset (or `cash`) of a run, in hundredths of a percent of equity.

    `before` and `planned` are None before the run has a plan; `after` is None before it has fills.
    """

    symbol: str
    target: Percent
    before: int | None
    planned: int | None
    after: int | None


@dataclass(frozen=True, slots=True)
class TimelineEvent:
    """A state that a run or withdrawal reached, with its detail."""

    at: datetime
    what: str
    detail: str


@dataclass(frozen=True, slots=True)
class RunView:
    """Everything the Runs screen shows for one run. `api_json` is the run in the API's format."""

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
