"""Portfolios, their weights and conditions, and subscriptions (R-3 to R-6)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from enum import StrEnum

from rebal_tui.domain.quantities import HUNDRED_PERCENT, Money, Percent, percent_text


class PortfolioStatus(StrEnum):
    ACTIVE = "active"
    INACTIVE = "inactive"
    NEEDS_ADJUSTMENT = "needs_adjustment"

    @property
    def predicate(self) -> str:
        """The status as the end of a sentence: `is active`, `is inactive` or `needs adjustment`."""
        return "needs adjustment" if self is PortfolioStatus.NEEDS_ADJUSTMENT else f"is {self}"


class BandType(StrEnum):
    ABSOLUTE = "absolute"
    RELATIVE = "relative"


class CalendarType(StrEnum):
    WEEKLY = "weekly"
    MONTHLY = "monthly"
    QUARTERLY = "quarterly"
    ANNUALLY = "annually"


_DAYS_OF_MONTH = frozenset(str(day) for day in range(1, 32))
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday")


@dataclass(frozen=True, slots=True)
class AssetWeight:
    """An asset and its target: 0.01 to 100.00 percent of managed equity."""

    symbol: str
    percent: Percent


@dataclass(frozen=True, slots=True)
class Weights:
    """A target allocation: percents of assets and cash that sum to exactly 100.00. `cash` is 0 without a cash weight.

    `symbol in weights` and `of` are fast: they are dictionary lookups.
    """

    assets: tuple[AssetWeight, ...]
    cash: Percent = Percent(0)
    _percents: dict[str, Percent] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_percents", {weight.symbol: weight.percent for weight in self.assets})

    def __contains__(self, symbol: str) -> bool:
        return symbol in self._percents

    def of(self, symbol: str) -> Percent:
        """The target of an asset in hundredths of a percent, 0 for an asset outside the allocation."""
        return self._percents.get(symbol, Percent(0))

    @property
    def symbols(self) -> tuple[str, ...]:
        return tuple(self._percents)

    def equivalent(self, other: Weights) -> bool:
        """Whether both allocations give every asset and cash the same target, whatever the order of the assets."""
        return self.cash == other.cash and frozenset(self.assets) == frozenset(other.assets)


@dataclass(frozen=True, slots=True)
class DriftBand:
    """A condition that fires when drift exceeds `percent`: percentage points or, if relative, percent of the target.

    See R-15.
    """

    sub_type: BandType
    percent: Percent


@dataclass(frozen=True, slots=True)
class CalendarCondition:
    """A condition that fires on a day: `Monday`…`Friday`, a day of the month "1".."31", or "MM-DD" once a year.

    See R-5 and R-16.
    """

    sub_type: CalendarType
    day: str


@dataclass(frozen=True, slots=True)
class PortfolioUpdate:
    """A condition that fires when weights or conditions changed after the last completed full rebalance.

    See R-5, R-14 and R-25.
    """


Condition = DriftBand | CalendarCondition | PortfolioUpdate


class Destination(StrEnum):
    """Where a run of a drift band stops: at the target, halfway between target and band edge, or at the edge (R-62)."""

    TARGET = "target"
    MIDDLE = "middle"
    EDGE = "edge"


class RebalanceScope(StrEnum):
    """What a run of a drift band trades: all assets, or only those outside a band and those that fund them (R-63)."""

    WHOLE = "whole"
    BREACHED = "breached"


@dataclass(frozen=True, slots=True)
class MinimumTrade:
    """The smallest order of an account: the larger of a dollar amount and a percent of managed equity (R-64)."""

    amount: Money = Money(0)
    percent: Percent = Percent(0)


@dataclass(frozen=True, slots=True)
class Portfolio:
    """A model that accounts subscribe to.

    `changed_at` is when weights or conditions last changed, or the time of creation; `updated_at` is when any field
    last changed. With `review`, its automatic runs wait for an advisor's approval (R-27). `fault` is a text about the
    rule that the stored portfolio breaks, empty when it is valid; a portfolio with a fault needs adjustment.
    `rebalance_to` (destination) and `rebalance_scope` are for runs of a drift band (R-62, R-63). `minimum_trade` is
    None when the portfolio sets none (R-64). `stagger_sessions` is the number of sessions over which the runs of the
    calendar condition are spread (R-66).
    """

    id: str
    name: str
    description: str
    status: PortfolioStatus
    weights: Weights
    cooldown_days: int
    conditions: tuple[Condition, ...]
    created_at: datetime
    updated_at: datetime
    changed_at: datetime
    review: bool = False
    fault: str = field(default="", compare=False)
    rebalance_to: Destination = Destination.TARGET
    rebalance_scope: RebalanceScope = RebalanceScope.WHOLE
    minimum_trade: MinimumTrade | None = None
    stagger_sessions: int = 1

    @property
    def bands(self) -> tuple[DriftBand, ...]:
        return tuple(c for c in self.conditions if isinstance(c, DriftBand))

    @property
    def calendar(self) -> CalendarCondition | None:
        return next((c for c in self.conditions if isinstance(c, CalendarCondition)), None)

    @property
    def on_update(self) -> bool:
        """Whether a change of weights or conditions makes subscribers rebalance (R-5)."""
        return any(isinstance(c, PortfolioUpdate) for c in self.conditions)

    def revised(
        self, weights: Weights, conditions: tuple[Condition, ...], cooldown_days: int, at: datetime
    ) -> Portfolio:
        """The portfolio with these settings; `changed_at` becomes `at` if they change the weights or conditions.

        The same weights or conditions in another order count as unchanged.
        """
        same = weights.equivalent(self.weights) and frozenset(conditions) == frozenset(self.conditions)
        changed_at = self.changed_at if same else at
        return replace(self, weights=weights, conditions=conditions, cooldown_days=cooldown_days, changed_at=changed_at)


@dataclass(frozen=True, slots=True)
class Unfinished:
    """The sells that the last full rebalance of a subscription left undone (R-25).

    `traded_at` is the end of the last run that placed an order, None when none did. `since` is the day of the full
    rebalance's session in ISO form; `tried_on` are the days of later sessions in which the subscription was evaluated.
    After three such days the sells are given up; `given_up_at` is when, None before.
    """

    symbols: tuple[str, ...]
    traded_at: datetime | None
    since: str = ""
    tried_on: tuple[str, ...] = ()
    given_up_at: datetime | None = None


def weights_fault(weights: Weights) -> str:
    """Which part of R-4 the weights break, as text; empty when they are valid."""
    if weights.cash < 0 or any(weight.percent <= 0 for weight in weights.assets):
        return "a weight is not above 0"
    total = Percent(weights.cash + sum(weight.percent for weight in weights.assets))
    return "" if total == HUNDRED_PERCENT else f"its weights sum to {percent_text(total)} %, not 100"


def conditions_fault(conditions: Sequence[Condition]) -> str:
    """Which part of R-5 the conditions break, as text; empty when they are valid."""
    if any(isinstance(condition, DriftBand) and condition.percent <= 0 for condition in conditions):
        return "a drift band is not above 0"
    calendars = [condition for condition in conditions if isinstance(condition, CalendarCondition)]
    wrong = next((f"its {c.sub_type} day is {c.day!r}" for c in calendars if not _is_day(c)), "")
    return wrong or ("it has several calendar conditions" if len(calendars) > 1 else "")


def _is_day(condition: CalendarCondition) -> bool:
    match condition.sub_type:
        case CalendarType.WEEKLY:
            return condition.day in WEEKDAYS
        case CalendarType.ANNUALLY:
            try:
                return len(condition.day) == 5 and bool(date.fromisoformat(f"2024-{condition.day}"))
            except ValueError:
                return False
        case _:
            return condition.day in _DAYS_OF_MONTH


@dataclass(frozen=True, slots=True)
class Subscription:
    """The tie between an account and the portfolio that it follows (R-6).

    `update_spent_at`: a change of the portfolio at this time or before does not fire `on_portfolio_update` (R-14).
    `propose_on`: the day on which a run that expired without approval is proposed once more, None if there is none
    (R-27).
    """

    id: str
    account_id: str
    portfolio_id: str
    created_at: datetime
    last_rebalanced_at: datetime | None = None
    update_spent_at: datetime | None = None
    propose_on: date | None = None
