"""Portfolios, their weights and conditions, and subscriptions (R-3 to R-6)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum

from rebal_tui.domain.quantities import HUNDRED_PERCENT, Percent, percent_text


class PortfolioStatus(StrEnum):
    ACTIVE = "active"
    INACTIVE = "inactive"
    NEEDS_ADJUSTMENT = "needs_adjustment"

    @property
    def predicate(self) -> str:
        """`is active`, `is inactive` or `needs adjustment`."""
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
    """An asset's target share of equity, 0.01 to 100.00 percent."""

    symbol: str
    percent: Percent


@dataclass(frozen=True, slots=True)
class Weights:
    """A target allocation: assets and cash, summing to exactly 100.00 percent. `cash` is 0 without a cash weight.

    `symbol in weights` and `of` take the same time for any number of assets.
    """

    assets: tuple[AssetWeight, ...]
    cash: Percent = Percent(0)
    _percents: dict[str, Percent] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_percents", {weight.symbol: weight.percent for weight in self.assets})

    def __contains__(self, symbol: str) -> bool:
        return symbol in self._percents

    def of(self, symbol: str) -> Percent:
        """The target of an asset, 0 for an asset outside the allocation."""
        return self._percents.get(symbol, Percent(0))

    @property
    def symbols(self) -> tuple[str, ...]:
        return tuple(self._percents)


@dataclass(frozen=True, slots=True)
class DriftBand:
    """Fires when drift exceeds `percent`: percentage points if absolute, percent of the target if relative (R-15)."""

    sub_type: BandType
    percent: Percent


@dataclass(frozen=True, slots=True)
class CalendarCondition:
    """Fires on a day: `Monday`…`Friday`, "1".."31", or "MM-DD" for annually (R-5, R-16)."""

    sub_type: CalendarType
    day: str


Condition = DriftBand | CalendarCondition


@dataclass(frozen=True, slots=True)
class Portfolio:
    """A model that accounts subscribe to. `review` requires an advisor's approval of its system runs (R-27).

    `fault` is the rule that its stored form breaks, as text, empty when it is valid; such a portfolio needs adjustment.
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
    review: bool = False
    fault: str = field(default="", compare=False)

    @property
    def bands(self) -> tuple[DriftBand, ...]:
        return tuple(c for c in self.conditions if isinstance(c, DriftBand))

    @property
    def calendar(self) -> CalendarCondition | None:
        return next((c for c in self.conditions if isinstance(c, CalendarCondition)), None)


def weights_fault(weights: Weights) -> str:
    """The rule of R-4 that weights break, as text; empty when they are valid."""
    if weights.cash < 0 or any(weight.percent <= 0 for weight in weights.assets):
        return "a weight is not above 0"
    total = Percent(weights.cash + sum(weight.percent for weight in weights.assets))
    return "" if total == HUNDRED_PERCENT else f"its weights sum to {percent_text(total)} %, not 100"


def conditions_fault(conditions: Sequence[Condition]) -> str:
    """The rule of R-5 that conditions break, as text; empty when they are valid."""
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
    """An account that follows a portfolio (R-6)."""

    id: str
    account_id: str
    portfolio_id: str
    created_at: datetime
    last_rebalanced_at: datetime | None = None
