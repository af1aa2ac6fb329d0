"""Shares of a whole for display, rounded so that they add up."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from rebal_tui.domain.decisions import Plan
from rebal_tui.domain.quantities import HUNDRED_PERCENT, NANO


def rounded_shares(parts: Sequence[int]) -> list[int]:
    """Each part's share of their sum, in hundredths of a percent, half even; all 0 when the sum is not above 0.

    The shares sum to exactly 100.00 %: for that, the parts with the largest rounding errors get or lose 0.01 %, the
    earlier part on a tie.
    """
    whole = sum(parts)
    if whole <= 0:
        return [0] * len(parts)
    exact = [Fraction(part * HUNDRED_PERCENT, whole) for part in parts]
    shares = [round(share) for share in exact]
    missing = HUNDRED_PERCENT - sum(shares)
    step = 1 if missing > 0 else -1
    by_error = sorted(range(len(parts)), key=lambda at: (step * (shares[at] - exact[at]), at))
    for at in by_error[: abs(missing)]:
        shares[at] += step
    return shares


def planned_shares(plan: Plan) -> tuple[list[int], list[int]]:
    """The percent shares of a plan's lines in their order, and last of its cash: now, and after all orders have filled.

    Both at the plan's prices, in hundredths of a percent, and summing to 100.00 %.
    """
    before = rounded_shares([*(line.value for line in plan.lines), plan.cash * NANO])
    planned = rounded_shares([*(line.value_after for line in plan.lines), plan.cash_after * NANO])
    return before, planned
