"""The reachable target: the weights, scaled by one factor λ within the bounds of every line (R-61)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from rebal_tui.domain.quantities import HUNDRED_PERCENT, Percent, Value
from rebal_tui.engine.bounds import Bound, Line


@dataclass(frozen=True, slots=True)
class ReachableTarget:
    """The value of each line and of cash under restrictions, in the units of a `Value`; they sum to the plan's base.

    `factor` is λ: the least factor for which the lines sum to the base less the cash weight's part of it. It is None
    when no λ gives that sum, because every line is at one of its limits; cash then has the rest.
    """

    values: Mapping[str, Fraction]
    cash: Fraction
    factor: Fraction | None


def reachable_target(
    lines: Sequence[Line], bounds: Mapping[str, Bound], base: Value, cash_weight: Percent
) -> ReachableTarget:
    """The reachable target of a plan's lines; their bounds must not conflict.

    `base` is the equity to distribute over the lines and cash, 0 or more.
    """
    wanted = Fraction((HUNDRED_PERCENT - cash_weight) * base, HUNDRED_PERCENT)
    factor = _factor(lines, bounds, base, wanted)
    if factor is not None:
        values = {line.symbol: _clip(factor * _ideal(line, base), bounds[line.symbol]) for line in lines}
    else:
        full = sum(bounds[line.symbol].low for line in lines) < wanted
        values = {
            line.symbol: bounds[line.symbol].high if full and line.weight else bounds[line.symbol].low for line in lines
        }
    return ReachableTarget(values, base - sum(values.values(), Fraction(0)), factor)


def _factor(lines: Sequence[Line], bounds: Mapping[str, Bound], base: Value, wanted: Fraction) -> Fraction | None:
    """The least λ for which the lines sum to `wanted`; None if there is none, or if no line can move."""
    fixed = sum((bounds[line.symbol].low for line in lines if not line.weight), Fraction(0))
    moving = [line for line in lines if line.weight]
    if base <= 0 or all(bounds[line.symbol].low == bounds[line.symbol].high for line in moving):
        return None
    # Between two breakpoints the sum is constant + slope * λ: each line is at its low, at λ * weight, or at its high.
    constant, slope = fixed + sum(bounds[line.symbol].low for line in moving), Fraction(0)
    if constant > wanted:
        return None
    steps: list[tuple[Fraction, Fraction, Fraction]] = []
    for line in moving:
        ideal, bound = _ideal(line, base), bounds[line.symbol]
        steps.append((bound.low / ideal, -bound.low, ideal))
        steps.append((bound.high / ideal, bound.high, -ideal))
    factor = Fraction(0)
    for at, constant_step, slope_step in sorted(steps):
        if constant + slope * at >= wanted:
            break
        constant, slope, factor = constant + constant_step, slope + slope_step, at
    reached = constant + slope * factor
    if reached >= wanted:
        return factor
    return (wanted - constant) / slope if slope else None


def _ideal(line: Line, base: Value) -> Fraction:
    return Fraction(line.weight * base, HUNDRED_PERCENT)


def _clip(value: Fraction, bound: Bound) -> Fraction:
    return min(max(value, bound.low), bound.high)
