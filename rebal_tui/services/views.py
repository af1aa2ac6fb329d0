"""What the screens are given: frozen snapshots, complete in themselves, ready to be drawn.

Amounts keep their exact types; a screen only formats them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from rebal_tui.domain.decisions import Decision, Plan
from rebal_tui.domain.orders import Fill, Order, SkippedOrder
from rebal_tui.domain.portfolios import Condition, Weights
from rebal_tui.domain.quantities import Money, Percent, Qty, Value
from rebal_tui.domain.runs import Run


class Standing(StrEnum):
    """Where an account stands; a state is never colour alone."""

    OUTSIDE = "outside"
    NEAR = "near"
    INSIDE = "inside"
    BLOCKED = "blocked"
    UNABLE = "unable"
    NONE = "none"


GLYPHS = {
    Standing.OUTSIDE: "■",
    Standing.NEAR: "▲",
    Standing.INSIDE: "●",
    Standing.BLOCKED: "◌",
    Standing.UNABLE: "?",
    Standing.NONE: "·",
}


class Tile(StrEnum):
    """The counts above the Desk, each also a filter. An account can stand in several."""

    ALL = "All"
    OUTSIDE = "Outside"
    NEAR = "Near"
    CALENDAR = "Calendar"
    CASH = "Cash"
    FIRST = "First"
    COOLDOWN = "Cooldown"
    BLOCKED = "Blocked"
    UNABLE = "Unable"


TILE_GLYPHS = {
    Tile.ALL: " ",
    Tile.OUTSIDE: "■",
    Tile.NEAR: "▲",
    Tile.CALENDAR: "◇",
    Tile.CASH: "$",
    Tile.FIRST: "☆",
    Tile.COOLDOWN: "◷",
    Tile.BLOCKED: "◌",
    Tile.UNABLE: "?",
}


@dataclass(frozen=True, slots=True)
class DeskRow:
    """A subscribed account under the current prices.

    `drift_bp` is the signed drift of the worst asset in hundredths of a percentage point; `band_used` is the largest
    drift ÷ band in tenths of a percent (1000 = at the band), None when the portfolio has no band.
    """

    account_id: str
    account_number: str
    client: str
    portfolio_id: str
    portfolio: str
    equity: Money
    cash: Money
    worst: str
    drift_bp: int
    band_used: int | None
    standing: Standing
    tiles: frozenset[Tile]
    state: str
    last_rebalanced: date | None
    exception: bool


@dataclass(frozen=True, slots=True)
class StatusLine:
    """The line on top of every screen. `mode` is `SIMULATED ×600`, `PAUSED`, `REPLAY 2020-03-16` or `LIVE`."""

    book: str
    mode: str
    now: datetime
    session: str
    next_evaluation: datetime | None
    price_age_seconds: int | None
    alerts: int
    halted: bool
    read_only: bool


@dataclass(frozen=True, slots=True)
class DeskSnapshot:
    """The Desk at one moment. `version` rises with every change, so a screen can skip what it has shown."""

    version: int
    status: StatusLine
    tiles: tuple[tuple[Tile, int], ...]
    rows: tuple[DeskRow, ...]


@dataclass(frozen=True, slots=True)
class HoldingView:
    """A holding, or a target not held, of one account. `band_low`/`band_high` are the tightest band around the target
    in hundredths of a percent of equity, None where no band applies; so are `actual_bp` and `drift_bp`."""

    symbol: str
    qty: Qty
    value: Money
    target: Percent
    actual_bp: int
    drift_bp: int
    band_low: int | None
    band_high: int | None
    price_note: str


@dataclass(frozen=True, slots=True)
class DriftPoint:
    """The largest band use of an account at the end of an evaluation, for the small history."""

    at: datetime
    band_used: int
    run: bool


@dataclass(frozen=True, slots=True)
class AccountView:
    """One account beside the Desk: holdings, the last stored decision, one made right now, and a short history."""

    account_id: str
    account_number: str
    client: str
    portfolio_id: str | None
    portfolio: str
    equity: Money
    cash: Money
    cash_target: Money
    holdings: tuple[HoldingView, ...]
    conditions: str
    last_decision: Decision | None
    decision_now: Decision | None
    next_step: str
    history: tuple[DriftPoint, ...]
    withdrawable: Money
    restrictions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PreviewView:
    """The run that would be made: the plan with what it does to the account. Nothing is sent by it."""

    account_id: str
    client: str
    portfolio: str
    plan: Plan
    why: str
    turnover: Money
    cash_after: Money
    before: tuple[tuple[str, int], ...]
    after: tuple[tuple[str, int], ...]
    at: datetime


@dataclass(frozen=True, slots=True)
class RunRow:
    """A run in the list. `done` and `total` count orders; `amount` is what has filled, bought plus sold."""

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


@dataclass(frozen=True, slots=True)
class RunsSnapshot:
    """The newest runs first, and how many there are in the book."""

    version: int
    rows: tuple[RunRow, ...]
    total: int


@dataclass(frozen=True, slots=True)
class RunWeight:
    """An asset (or `cash`) before, planned and after a run, in hundredths of a percent of equity."""

    symbol: str
    target: Percent
    before: int | None
    after: int | None


@dataclass(frozen=True, slots=True)
class TimelineEvent:
    """A state that a run reached, and what was said with it."""

    at: datetime
    what: str
    detail: str


@dataclass(frozen=True, slots=True)
class RunView:
    """One run with everything the Runs place shows. `api_json` is the run in the API's shape."""

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


@dataclass(frozen=True, slots=True)
class PortfolioRow:
    """A portfolio in a list."""

    id: str
    name: str
    description: str
    status: str
    weights: Weights
    conditions: tuple[Condition, ...]
    conditions_text: str
    cooldown_days: int
    subscribers: int
    assets_under_model: Value
    review: bool


@dataclass(frozen=True, slots=True)
class JobView:
    """A scheduler job: when it ran, when it runs next, and how it went."""

    name: str
    title: str
    next_at: datetime | None
    last_at: datetime | None
    last_result: str
    duration_ms: int | None
    missed: int
    failed: int
    paused: bool
