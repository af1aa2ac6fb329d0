"""Rebalance conditions as stored values."""

from __future__ import annotations

from rebal_tui.domain.portfolios import (
    BandType,
    CalendarCondition,
    CalendarType,
    Condition,
    DriftBand,
    PortfolioUpdate,
)
from rebal_tui.domain.quantities import Percent


def condition_values(condition: Condition) -> list[str | int]:
    """A condition as a list that `condition_of` reads."""
    match condition:
        case DriftBand():
            return ["drift_band", condition.sub_type.value, condition.percent]
        case CalendarCondition():
            return ["calendar", condition.sub_type.value, condition.day]
        case PortfolioUpdate():
            return ["on_portfolio_update"]


def condition_of(kind: str, sub_type: str = "", value: str | int = "") -> Condition:
    """A condition from the values of `condition_values`. Raises `ValueError` for other values."""
    if kind == "on_portfolio_update":
        return PortfolioUpdate()
    if kind == "drift_band":
        return DriftBand(BandType(sub_type), Percent(int(value)))
    return CalendarCondition(CalendarType(sub_type), str(value))
