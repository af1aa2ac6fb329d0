"""What the screens are given: frozen snapshots, complete in themselves, ready to be drawn.

Amounts keep their exact types; a screen only formats them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from rebal_tui.domain.decisions import Decision, Plan
from rebal_tui.domain.orders import Fill, Order, SkippedOrder
from rebal_tui.domain.portfolios import Condition, Portfolio, Weights
from rebal_tui.domain.quantities import Money, Percent, Price, Qty, Value
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
    """The line on top of every screen. `mode` is `SIMULATED ×600`, `PAUSED`, `REPLAY 2020-03-16` or `LIVE`; `awaiting`
    counts runs that wait for approval."""

    book: str
    mode: str
    now: datetime
    session: str
    next_evaluation: datetime | None
    price_age_seconds: int | None
    alerts: int
    halted: bool
    read_only: bool
    awaiting: int = 0


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


@dataclass(frozen=True, slots=True)
class AccountRow:
    """Any account of the book, subscribed or not. `exception` names what needs a person, empty when nothing does."""

    account_id: str
    account_number: str
    client: str
    status: str
    restrictions: tuple[str, ...]
    equity: Money
    cash: Money
    withdrawable: Money
    set_aside: Money
    portfolio_id: str | None
    portfolio: str
    standing: Standing
    exception: str
    open_run: str | None


@dataclass(frozen=True, slots=True)
class PositionView:
    """A holding with what it cost; `gain` is None when the entry price or the price is unknown."""

    symbol: str
    name: str
    qty: Qty
    price: Price | None
    value: Money
    avg_entry_price: Price | None
    gain: Money | None


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """A movement of cash with the day it settles; `settled` is whether that day has come."""

    at: datetime
    kind: str
    amount: Money
    settles_on: str
    settled: bool
    text: str


@dataclass(frozen=True, slots=True)
class AccountDetail:
    """Everything the Accounts place shows of one account."""

    row: AccountRow
    positions: tuple[PositionView, ...]
    ledger: tuple[LedgerEntry, ...]
    runs: tuple[RunRow, ...]
    decisions: tuple[Decision, ...]
    created_at: datetime
    last_rebalanced: date | None
    unsettled: Money
    subscription_id: str | None


@dataclass(frozen=True, slots=True)
class Impact:
    """What saving a portfolio change would do to its subscribers, were they evaluated now.

    `outside_before` and `outside_after` count accounts beyond a band; `orders` and `turnover` are those of the full
    rebalances that would follow, `cooling` the accounts whose cooldown holds them back, `unable` those that cannot
    be valued.
    """

    subscribers: int
    outside_before: int
    outside_after: int
    orders: int
    turnover: Money
    cooling: int
    unable: int


@dataclass(frozen=True, slots=True)
class PortfolioView:
    """A portfolio in full. `next_dates` are the next sessions on which its calendar condition fires; `culprits` its
    assets that are not eligible, each with why."""

    row: PortfolioRow
    next_dates: tuple[date, ...]
    culprits: tuple[str, ...]
    subscribers: tuple[AccountRow, ...]
    api_json: str


@dataclass(frozen=True, slots=True)
class AssetChoice:
    """An asset that weights can name. `ineligible` is why a portfolio may not hold it, empty when it may."""

    symbol: str
    name: str
    ineligible: str


@dataclass(frozen=True, slots=True)
class PortfolioDraft:
    """What an editor begins with: the portfolio, None for a new one, its subscribers, and every asset by symbol."""

    portfolio: Portfolio | None
    subscribers: int
    assets: tuple[AssetChoice, ...]


@dataclass(frozen=True, slots=True)
class WithdrawalView:
    """A withdrawal on its five stages. `can_leave` is the day the money can go, None while it is not known."""

    id: str
    account_id: str
    client: str
    portfolio: str
    amount: Money
    stage: str
    stopped: str | None
    cancelable: bool
    can_leave: date | None
    steps: tuple[tuple[str, str, str], ...]
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class JournalView:
    """A journal of an account; `incoming` is from the firm to the client."""

    id: str
    account_id: str
    client: str
    incoming: bool
    amount: Money
    status: str
    description: str
    reason: str | None
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class CashSnapshot:
    """The Cash place: withdrawals, journals and the latest deposits, the newest first."""

    version: int
    withdrawals: tuple[WithdrawalView, ...]
    journals: tuple[JournalView, ...]
    deposits: tuple[tuple[datetime, str, str, Money, str], ...]


@dataclass(frozen=True, slots=True)
class WithdrawalPreview:
    """What a withdrawal would sell, leave, and when it can go; nothing is done."""

    preview: PreviewView
    amount: Money
    settled_now: Money
    can_leave: date | None


@dataclass(frozen=True, slots=True)
class AssetRow:
    """An asset in the market. `change_bp` is since the last close in hundredths of a percent, None without one."""

    symbol: str
    name: str
    status: str
    tradable: bool
    fractionable: bool
    halted: bool
    price: Price | None
    price_at: datetime | None
    change_bp: int | None
    trend: tuple[Price, ...]
    portfolios: int
    accounts: int
    frozen: bool = False


@dataclass(frozen=True, slots=True)
class MarketSnapshot:
    """The Market place. `speed` is None where time is not simulated; `subscribed` counts the accounts that `outside` is
    out of."""

    version: int
    assets: tuple[AssetRow, ...]
    outside: int
    speed: float | None
    paused: bool
    subscribed: int = 0


@dataclass(frozen=True, slots=True)
class Effect:
    """How many of the subscribed accounts stood outside a band before something, and how many after it."""

    before: int
    after: int
    subscribed: int

    def __str__(self) -> str:
        """`12 more accounts outside: 21 of 58`."""
        moved = abs(self.after - self.before)
        total = f"{self.after:,} of {self.subscribed:,}"
        if not moved:
            return f"no account moved in or out: {total} outside"
        noun = "account" if moved == 1 else "accounts"
        return f"{moved:,} {'more' if self.after > self.before else 'fewer'} {noun} outside: {total}"


@dataclass(frozen=True, slots=True)
class HolderView:
    """An account that holds an asset or follows a portfolio with it; `actual_bp` is its share of equity."""

    account_id: str
    client: str
    portfolio: str
    qty: Qty
    value: Money
    target: Percent
    actual_bp: int


@dataclass(frozen=True, slots=True)
class AssetView:
    """An asset with the portfolios that want it and the accounts that hold it, the largest first."""

    row: AssetRow
    portfolios: tuple[tuple[str, Percent], ...]
    holders: tuple[HolderView, ...]


@dataclass(frozen=True, slots=True)
class ReviewSnapshot:
    """Runs that wait for approval, the oldest first. `everything` is whether the book asks for review of every run."""

    version: int
    rows: tuple[RunRow, ...]
    everything: bool


@dataclass(frozen=True, slots=True)
class ReviewView:
    """A run that waits, with the plan under the current prices. `changed` is whether that is another plan than the one
    stored with the run, `until` when the run expires."""

    row: RunRow
    preview: PreviewView
    changed: bool
    until: datetime | None


@dataclass(frozen=True, slots=True)
class AuditCheck:
    """What a verification of the audit trail found, in a sentence."""

    intact: bool
    text: str


@dataclass(frozen=True, slots=True)
class AlertView:
    """Something that a person should see. `kind` is restricted, needs_adjustment, run, withdrawal, job or missed."""

    key: int
    at: datetime
    kind: str
    subject: str
    text: str


@dataclass(frozen=True, slots=True)
class AuditView:
    """An entry of the audit trail; `detail` is JSON."""

    seq: int
    at: datetime
    actor: str
    action: str
    subject: str
    detail: str


@dataclass(frozen=True, slots=True)
class LogSnapshot:
    """The Log place; `entries` counts the whole audit trail."""

    version: int
    jobs: tuple[JobView, ...]
    alerts: tuple[AlertView, ...]
    audit: tuple[AuditView, ...]
    entries: int


@dataclass(frozen=True, slots=True)
class BulkResult:
    """What became of one account of a bulk action; `refusal` is empty when it was done."""

    account_id: str
    client: str
    refusal: str


@dataclass(frozen=True, slots=True)
class FirstRun:
    """What a bulk action would lead to for one account. `follows` is its portfolio now, empty when it has none;
    `refusal` is why it would be left out, `note` what else there is to say."""

    account_id: str
    client: str
    follows: str
    orders: int
    turnover: Money
    refusal: str
    note: str


@dataclass(frozen=True, slots=True)
class BulkPreview:
    """A bulk action before it is done; `portfolio` is the one that the accounts would follow."""

    portfolio: str
    rows: tuple[FirstRun, ...]


@dataclass(frozen=True, slots=True)
class AccountsSnapshot:
    """Every account of the book, those that need a person first."""

    version: int
    rows: tuple[AccountRow, ...]
