"""Shares of a whole for display, rounded so that they add up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from types import MappingProxyType

from rebal_tui.domain.decisions import Plan
from rebal_tui.domain.quantities import HUNDRED_PERCENT, NANO

NONE_KEPT: Mapping[int, int] = MappingProxyType({})


def rounded_shares(parts: Sequence[int | Fraction], kept: Mapping[int, int] = NONE_KEPT) -> list[int]:
    """Each part's share of their sum, in hundredths of a percent, half even; all 0 when the sum is not above 0.

    The shares sum to exactly 100.00 %: for that, the parts with the largest rounding errors get or lose 0.01 %, the
    earlier part on a tie. `kept` has shares that are already known, by the part's index: they stay as they are, unless
    all parts have one and they do not sum to 100.00 %.
    """
    whole = sum(parts)
    if whole <= 0:
        return [0] * len(parts)
    exact = [Fraction(part * HUNDRED_PERCENT) / Fraction(whole) for part in parts]
    shares = [kept.get(at, round(share)) for at, share in enumerate(exact)]
    free = [at for at in range(len(parts)) if at not in kept] or list(range(len(parts)))
    missing = HUNDRED_PERCENT - sum(shares)
    step = 1 if missing > 0 else -1
    for _ in range(abs(missing)):
        shares[min(free, key=lambda at: (step * (shares[at] - exact[at]), at))] += step
    return shares


def planned_shares(plan: Plan) -> tuple[list[int], list[int]]:
    """The percent shares of a plan's lines in their order, and last of its cash: now, and after all orders have filled.

    Both at the plan's prices, in hundredths of a percent, and summing to 100.00 %. A line without an order has the same
    share in both.
    """
    before = rounded_shares([*(line.value for line in plan.lines), plan.cash * NANO])
    untouched = {at: before[at] for at, line in enumerate(plan.lines) if line.side is None}
    planned = rounded_shares([*(line.value_after for line in plan.lines), plan.cash_after * NANO], untouched)
    return before, planned


def goal_shares(plan: Plan) -> dict[str, int]:
    """The percent, in hundredths, that each line and `cash` are brought to; empty where all aim at their weights.

    A line that stays as it is has the share of `planned_shares`. Where the goals and the cash target are all of the
    equity, they sum to 100.00 %.
    """
    base = plan.equity - (plan.amount or 0) * NANO
    if base <= 0 or all(line.goal is None for line in plan.lines):
        return {}
    parts = [
        Fraction(base * line.target, HUNDRED_PERCENT) if line.goal is None else line.goal for line in plan.lines
    ] + [Fraction(plan.cash_target * NANO)]
    names = [*(line.symbol for line in plan.lines), "cash"]
    if abs(sum(parts, Fraction()) - base) * HUNDRED_PERCENT >= base:
        return {name: round(part * HUNDRED_PERCENT / base) for name, part in zip(names, parts, strict=True)}
    before, _ = planned_shares(plan)
    stays = {at: before[at] for at, line in enumerate(plan.lines) if line.side is None and line.goal == line.value}
    return dict(zip(names, rounded_shares(parts, stays if base == plan.equity else NONE_KEPT), strict=True))
