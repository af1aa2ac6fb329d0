"""The Desk screen, its account detail, and the preview of a run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING

from rebal_tui.domain.trade_status import StatusKind
from rebal_tui.services.view_models.standing import Tile

if TYPE_CHECKING:
    from rebal_tui.domain.decisions import Decision, Plan
    from rebal_tui.domain.quantities import Money, Percent, Qty
    from rebal_tui.services.view_models.restrictions import RunStops
    from rebal_tui.services.view_models.status import StatusLine


@dataclass(frozen=True, slots=True)
class DeskRow:
    """A subscribed account at current prices, as a row of the Desk screen.

    `drift_bp` is the signed drift of the asset with the worst drift, in hundredths of a percentage point; `band_used`
    is the largest drift ÷ band in tenths of a percent (1000 = at the band), None when the portfolio has no band.
    `year` is that of the book's day; a date of another year is shown with its year.
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
    status: StatusKind
    tiles: frozenset[Tile]
    state: str
    last_rebalanced: date | None
    year: int

    @property
    def exception(self) -> bool:
        """Whether the account needs a person."""
        return self.status is StatusKind.NEEDS_YOU


@dataclass(frozen=True, slots=True)
class InTile:
    """A filter that accepts the rows of the accounts that one tile, a tab of the Desk, counts."""

    tile: Tile

    def __call__(self, row: DeskRow) -> bool:
        return self.tile in row.tiles


@dataclass(frozen=True, slots=True)
class Among:
    """A filter that accepts some accounts, by id, and of them only those in one tab of the Desk (a tile).

    `label` describes the accounts on the screen.
    """

    account_ids: frozenset[str]
    label: str
    tile: Tile = Tile.ALL

    def __call__(self, row: DeskRow) -> bool:
        return row.account_id in self.account_ids and self.tile in row.tiles


@dataclass(frozen=True, slots=True)
class FirmView:
    """Totals over every account of a book.

    `outside` counts accounts outside a band, whose equity is `outside_equity`. `working_orders` counts the open orders
    and `working` is their dollars; `traded_today` is the dollars filled today. `working_orders` and `traded_today` are
    None when there are too many to sum. `next_evaluation` is a time of `next_time_text`, empty without one.
    """

    equity: Money
    cash: Money
    outside: int
    outside_equity: Money
    working_orders: int | None
    working: Money
    traded_today: Money | None
    next_evaluation: str


@dataclass(frozen=True, slots=True)
class DeskSnapshot:
    """The data of the Desk screen.

    `version` increases with every change; `stamp` is everything that the rows depend on, so that equal stamps mean
    equal rows. `reviewed`: the book requires review of every automatic run, so that what is due is proposed.
    """

    version: int
    status: StatusLine
    tiles: tuple[tuple[Tile, int], ...]
    rows: Sequence[DeskRow]
    stamp: tuple[object, ...] = ()
    firm: FirmView | None = None
    reviewed: bool = False


@dataclass(frozen=True, slots=True)
class HoldingView:
    """A position of an account, or a target that the account does not have.

    `band_low` and `band_high` are the bounds of the tightest band around the reachable target, None if no band applies.
    `reachable_bp` is the reachable target, None if it equals `target`. These three, `actual_bp` and `drift_bp` are in
    hundredths of a percent of managed equity. `price_note` is why the asset has no price or is not eligible, empty
    otherwise. `held` is the restriction that keeps the asset from its target, empty without one (R-60, R-61). An
    `unmanaged` holding is not part of equity: `actual_bp` and `drift_bp` are 0. `target` and `drift_bp` are None for an
    account that follows no portfolio.
    """

    symbol: str
    qty: Qty
    value: Money
    target: Percent | None
    actual_bp: int
    drift_bp: int | None
    band_low: int | None
    band_high: int | None
    price_note: str
    reachable_bp: int | None = None
    held: str = ""
    unmanaged: bool = False

    @property
    def goal_bp(self) -> int | None:
        """The target from which drift is measured, in hundredths of a percent; None without one.

        That is the reachable target where it differs from the weight (R-61).
        """
        return self.target if self.reachable_bp is None else self.reachable_bp

    @property
    def off_target_bp(self) -> int | None:
        """The drift from `goal_bp`, signed, in hundredths of a percentage point; None without a target."""
        return self.drift_bp if self.reachable_bp is None else self.actual_bp - self.reachable_bp


@dataclass(frozen=True, slots=True)
class DriftPoint:
    """One point of the drift history: the largest band usage of an account at one evaluation or now, in tenths of a
    percent.

    `run` is whether a run that traded was created since the point before. A run that waited for review counts from its
    start instead.
    """

    at: datetime
    band_used: int
    run: bool


@dataclass(frozen=True, slots=True)
class AccountView:
    """One account as the Desk shows it: holdings, the last stored decision, a fresh decision, and recent history.

    `decision_now` is the decision of an evaluation made now, `next_step` a sentence on what happens next and when.
    `near`: the account uses 80 % of a drift band or more. `cash_target` is the dollars of the portfolio's cash weight.
    `cash_kept` is the cash target of the last completed run if that is larger, because a cash run then keeps as much
    (R-14.7), else None. `cash_line` is cash less `reserved`, shown as the last of the holdings; None when equity is not
    above 0. `reserved` is the cash reserved for an owner (R-2), `unsettled` the part of `cash` that has not settled
    yet, None if all of it has. `managed` is managed equity, the base of all percentages; None if it equals `equity`.
    """

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
    near: bool
    reserved: Money
    managed: Money | None = None
    cash_kept: Money | None = None
    cash_line: HoldingView | None = None
    unsettled: Money | None = None


@dataclass(frozen=True, slots=True)
class PreviewView:
    """A preview of a run: its plan and the effect on the account. Nothing is sent.

    `why` is the reason for the run. `turnover` is dollars bought plus dollars sold; `cash` and `cash_after` are the
    cash before and after the run. All three are as printed, in whole cents. `before` and `after` have each managed
    asset of the plan, and `cash`, with its share of managed equity in hundredths of a percent. `stops` are the three
    destinations of a drift-band run, each with its figures (R-62). `overridable` are the advisor's restrictions on
    assets of the run, as (id, display text). `startable` is whether a person can start the run now.
    """

    account_id: str
    client: str
    portfolio: str
    plan: Plan
    why: str
    turnover: Money
    cash: Money
    cash_after: Money
    before: tuple[tuple[str, int], ...]
    after: tuple[tuple[str, int], ...]
    at: datetime
    stops: tuple[RunStops, ...] = ()
    overridable: tuple[tuple[str, str], ...] = ()
    startable: bool = True
