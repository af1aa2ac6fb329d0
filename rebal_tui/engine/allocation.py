"""Split of a buy budget over assets, with the one-dollar minimum (R-20 to R-22)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from rebal_tui.domain.quantities import ATTO, CENT, NANO, Money, Percent, Value, floor_cents

MIN_BUY_VALUE = Value(ATTO)
"""A buy below one dollar is not sent."""
_ONE_CENT = Value(CENT * NANO)


@dataclass(frozen=True, slots=True)
class BuyIntent:
    """An asset's shortfall to its target, 0 or more, in the units of a `Value`.

    It is a fraction because a share of equity need not be a whole number of units, and one unit can decide whether a
    slice reaches the next cent.
    """

    symbol: str
    weight: Percent
    shortfall: Fraction


@dataclass(frozen=True, slots=True)
class Allocation:
    """`amounts` are buys in whole cents, at least $1 each; `dropped` are slices below $1; `scale` the common factor."""

    amounts: dict[str, Money]
    dropped: dict[str, Money]
    scale: tuple[int, int]


def allocate(intents: Sequence[BuyIntent], budget: Money, *, spread_rest: bool = False) -> Allocation:
    """Split a budget in proportion to shortfalls.

    No slice exceeds its shortfall, unless `spread_rest` distributes the remaining budget by weight. Slices are rounded
    down to the cent (R-8). While a slice is below $1, the smallest is dropped (ties: the smaller weight, then the later
    symbol) and the budget is split again among the rest. A slice at most one cent below $1 is raised to $1 when the
    cents left over by rounding pay for it: $10 over eleven assets of 9.09 % and 9.10 % buys ten times $1.00. A slice
    of 0 is neither bought nor dropped.
    """
    available = Value(max(0, budget) * NANO)
    remaining = list(intents)
    dropped: dict[str, Money] = {}
    while True:
        slices, scale = _slices(remaining, available, spread_rest)
        amounts = {symbol: floor_cents(Value(int(amount))) for symbol, amount in slices.items() if amount > 0}
        small = [intent for intent in remaining if 0 < slices[intent.symbol] < MIN_BUY_VALUE]
        if not small:
            return Allocation(amounts, dropped, (scale.numerator, scale.denominator))
        left_over = floor_cents(Value(int(sum(slices.values())))) - sum(amounts.values())
        nearly = all(slices[intent.symbol] >= MIN_BUY_VALUE - _ONE_CENT for intent in small)
        if nearly and len(small) * CENT <= left_over:
            amounts.update({intent.symbol: Money(NANO) for intent in small})
            return Allocation(amounts, dropped, (scale.numerator, scale.denominator))
        least = min(slices[intent.symbol] for intent in small)
        smallest = min(
            (intent for intent in small if slices[intent.symbol] == least),
            key=lambda intent: (intent.weight, _descending(intent.symbol)),
        )
        dropped[smallest.symbol] = amounts[smallest.symbol]
        remaining.remove(smallest)


def _slices(
    remaining: Sequence[BuyIntent], available: Value, spread_rest: bool
) -> tuple[dict[str, Fraction], Fraction]:
    total = sum((intent.shortfall for intent in remaining), Fraction(0))
    if total > available:
        scale = available / total
        return {intent.symbol: intent.shortfall * scale for intent in remaining}, scale
    weight = sum(intent.weight for intent in remaining)
    share = (available - total) / weight if spread_rest and weight else Fraction(0)
    return {intent.symbol: intent.shortfall + intent.weight * share for intent in remaining}, Fraction(1)


def _descending(symbol: str) -> tuple[int, ...]:
    """A sort key that puts the later symbol first; the final 1 puts `AB` before its prefix `A`."""
    return (*(-ord(char) for char in symbol), 1)
