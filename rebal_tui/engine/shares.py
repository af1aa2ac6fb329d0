"""Weights for display: shares of equity, each rounded by itself."""

from __future__ import annotations

from fractions import Fraction

from rebal_tui.domain.decisions import LineReason, Plan
from rebal_tui.domain.quantities import HUNDRED_PERCENT, NANO

CASH = "cash"


def share(part: int | Fraction, whole: int | Fraction) -> int:
    """A part's share of a whole in hundredths of a percent, half even, as checks have it; 0 of a whole of 0 or less.

    Shares are never changed to add up, so those of a whole may sum to 99.99 % or 100.01 %.
    """
    return round(Fraction(part * HUNDRED_PERCENT) / Fraction(whole)) if whole > 0 else 0


def planned_shares(plan: Plan) -> tuple[dict[str, int], dict[str, int]]:
    """The weights of a plan's managed lines and last of `cash`: now, and after all orders have filled.

    Both are of the plan's equity, at its prices, in hundredths of a percent; a line without an order has the same in
    both.
    """
    managed = [line for line in plan.lines if line.reason is not LineReason.UNMANAGED]
    before = {line.symbol: share(line.value, plan.equity) for line in managed}
    planned = {line.symbol: share(line.value_after, plan.equity) for line in managed}
    return (
        before | {CASH: share(plan.cash * NANO, plan.equity)},
        planned | {CASH: share(plan.cash_after * NANO, plan.equity)},
    )


def goal_shares(plan: Plan) -> dict[str, int]:
    """The percent, in hundredths, that each line and `cash` are brought to; empty where all aim at their weights."""
    base = plan.equity - (plan.amount or 0) * NANO
    if base <= 0 or all(line.goal is None for line in plan.lines):
        return {}
    goals = {line.symbol: int(line.target) if line.goal is None else share(line.goal, base) for line in plan.lines}
    return goals | {CASH: share(plan.cash_target * NANO, base)}
