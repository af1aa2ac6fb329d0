"""Split of a buy budget over assets, with the one-dollar minimum (R-20 to R-22)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from rebal_tui.domain.quantities import ATTO, NANO, Money, Percent, Value, floor_cents

MIN_BUY_VALUE = Value(ATTO)
"""A buy below one dollar is not sent."""
RAISED_ABOVE = Value(ATTO // 2)
"""A portion above half a dollar is raised to one dollar when the budget allows."""


@dataclass(frozen=True, slots=True)
class BuyIntent:
    """An asset's shortfall to its target, 0 or more, in the units of a `Value`.

    It is a fraction because a share of equity need not be a whole number of units, and one unit can decide whether a
    portion reaches the next cent.
    """

    symbol: str
    weight: Percent
    shortfall: Fraction


@dataclass(frozen=True, slots=True)
class Allocation:
    """Buys in whole cents, at least $1 each; `raised` are those raised to $1; `dropped` are portions below $1.

    `scale` is the common factor of the last split.
    """

    amounts: dict[str, Money]
    raised: frozenset[str]
    dropped: dict[str, Money]
    scale: tuple[int, int]


def allocate(intents: Sequence[BuyIntent], budget: Money, *, spread_rest: bool = False) -> Allocation:
    """Split a budget in proportion to shortfalls, no buy below $1 (R-22).

    No portion exceeds its shortfall, unless `spread_rest` distributes the remaining budget by weight. While a portion
    is below $1, the smallest (ties: the smaller weight, then the later symbol) becomes $1 if it is above $0.50 and the
    budget is at least $1 for each portion; otherwise it is dropped. The rest of the budget is split again among the
    other assets. Portions are compared exactly and rounded down to the cent at the end (R-8). A portion of 0 is neither
    bought nor dropped.
    """
    available = Value(max(0, budget) * NANO)
    remaining = list(intents)
    raised: set[str] = set()
    dropped: dict[str, Money] = {}
    while True:
        portions, scale = _portions(remaining, available, spread_rest)
        positive = [intent for intent in remaining if portions[intent.symbol] > 0]
        if all(portions[intent.symbol] >= MIN_BUY_VALUE for intent in positive):
            amounts = {intent.symbol: floor_cents(Value(int(portions[intent.symbol]))) for intent in positive}
            amounts.update(dict.fromkeys(raised, Money(NANO)))
            return Allocation(amounts, frozenset(raised), dropped, (scale.numerator, scale.denominator))
        least = min(portions[intent.symbol] for intent in positive)
        smallest = min(
            (intent for intent in positive if portions[intent.symbol] == least),
            key=lambda intent: (intent.weight, _descending(intent.symbol)),
        )
        if least > RAISED_ABOVE and available >= len(positive) * MIN_BUY_VALUE:
            raised.add(smallest.symbol)
            available = Value(available - MIN_BUY_VALUE)
        else:
            dropped[smallest.symbol] = floor_cents(Value(int(least)))
        remaining.remove(smallest)


def _portions(
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
