"""Percents of equity for display, each rounded by itself."""

from __future__ import annotations

from fractions import Fraction

from rebal_tui.domain.decisions import LineReason, Plan
from rebal_tui.domain.quantities import HUNDRED_PERCENT, NANO

CASH = "cash"


def share(part: int | Fraction, whole: int | Fraction) -> int:
    """A part of a whole in hundredths of a percent, rounded half to even; 0 if the whole is 0 or less.

    The parts of a whole are not adjusted to add up, so they may sum to 99.99 % or 100.01 %.
    """
    return round(Fraction(part * HUNDRED_PERCENT) / Fraction(whole)) if whole > 0 else 0


def planned_shares(plan: Plan) -> tuple[dict[str, int], dict[str, int]]:
    """The weights of a plan's managed lines and, last, of `cash`, by symbol: now, and after all orders have filled.

    Both are in hundredths of a percent of the plan's equity, at the plan's prices. A line without an order has the same
    weight in both.
    """
    managed = [line for line in plan.lines if line.reason is not LineReason.UNMANAGED]
    before = {line.symbol: share(line.value, plan.equity) for line in managed}
    planned = {line.symbol: share(line.value_after, plan.equity) for line in managed}
    return (
        before | {CASH: share(plan.cash * NANO, plan.equity)},
        planned | {CASH: share(plan.cash_after * NANO, plan.equity)},
    )


def goal_shares(plan: Plan) -> dict[str, int]:
    """The percent of equity to which a plan is to bring each managed line and `cash`, in hundredths of a percent.

    By symbol; empty if every line is brought to its weight.
    """
    base = plan.equity - (plan.amount or 0) * NANO
    managed = [line for line in plan.lines if line.reason is not LineReason.UNMANAGED]
    if base <= 0 or all(line.goal is None for line in managed):
        return {}
    goals = {line.symbol: int(line.target) if line.goal is None else share(line.goal, base) for line in managed}
    return goals | {CASH: share(plan.cash_target * NANO, base)}
