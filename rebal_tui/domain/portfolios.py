"""Portfolios, their weights and conditions, and subscriptions (R-3 to R-6)."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from rebal_tui.domain.quantities import Percent


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
    """A model that accounts subscribe to. `review` requires an advisor's approval of its system runs (R-27)."""

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

    @property
    def bands(self) -> tuple[DriftBand, ...]:
        return tuple(c for c in self.conditions if isinstance(c, DriftBand))

    @property
    def calendar(self) -> CalendarCondition | None:
        return next((c for c in self.conditions if isinstance(c, CalendarCondition)), None)


@dataclass(frozen=True, slots=True)
class Subscription:
    """An account that follows a portfolio (R-6)."""

    id: str
    account_id: str
    portfolio_id: str
    created_at: datetime
    last_rebalanced_at: datetime | None = None
