"""Split of a buy budget over assets, with the one-dollar minimum (R-20 to R-22)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from rebal_tui.domain.quantities import ATTO, NANO, Money, Percent, Qty, Value, floor_cents

MIN_BUY_VALUE = Value(ATTO)
"""A buy below one dollar is not sent."""
RAISED_ABOVE = Value(ATTO // 2)
"""A portion above half a dollar is raised to one dollar when the budget allows."""


@dataclass(frozen=True, slots=True)
class BuyIntent:
    """An asset to buy: `shortfall` is the amount by which it is below its target, in the units of a `Value`.

    The shortfall is 0 or more, and a fraction, because a percent of equity need not be a whole number of units, and one
    unit can decide whether a portion reaches the next cent. `weight` is that of the portfolio. `minimum` is the
    smallest order, in the units of a `Value`: $1, or the minimum trade if that is larger and the account holds the
    asset (R-64). `most` is the most that may be bought, in the same units, None without a limit. An asset with
    `no_rest` gets nothing of the cash that is left when every shortfall is covered (R-21).
    """

    symbol: str
    weight: Percent
    shortfall: Fraction
    minimum: Fraction = Fraction(MIN_BUY_VALUE)
    most: Fraction | None = None
    no_rest: bool = False


@dataclass(frozen=True, slots=True)
class Allocation:
    """The result of splitting a buy budget: `amounts` are the buys by symbol, in whole cents, at least $1 each.

    `raised` are the symbols of buys raised to $1. `dropped` are the portions by symbol that are below the minimum and
    not bought. `scale` is the common factor to which the shortfalls were cut, as (numerator, denominator). `shares` are
    the shares of buys in whole shares, whose `amounts` are shares × price (R-65). `kept_back` are the symbols in
    `dropped` that only the minimum trade prevents (R-64).
    """

    amounts: dict[str, Money]
    raised: frozenset[str]
    dropped: dict[str, Money]
    scale: tuple[int, int]
    shares: Mapping[str, Qty] = field(default_factory=dict)
    kept_back: frozenset[str] = frozenset()


def allocate(intents: Sequence[BuyIntent], budget: Money, *, spread_rest: bool = False) -> Allocation:
    """Split a buy budget over assets in proportion to their shortfalls, with no buy below $1 (R-22).

    No portion exceeds its shortfall. With `spread_rest`, a budget beyond all shortfalls is distributed by weight. While
    a portion is below $1, the smallest portion (ties: the smaller weight, then the later symbol) becomes $1 if it is
    above $0.50 and the budget is at least $1 for each portion; otherwise it is dropped. The rest of the budget is then
    split again among the other assets. Portions are compared exactly and rounded down to the cent at the end (R-8). A
    portion of 0 is neither bought nor dropped. A portion below the minimum trade is never raised; once such a portion
    is dropped, no buy exceeds its shortfall (R-64).
    """
    available = Value(max(0, budget) * NANO)
    remaining = list(intents)
    raised: set[str] = set()
    dropped: dict[str, Money] = {}
    kept_back: set[str] = set()
    while True:
        portions, scale = portions_of(remaining, available, spread_rest and not kept_back)
        positive = [intent for intent in remaining if portions[intent.symbol] > 0]
        below = [intent for intent in positive if portions[intent.symbol] < intent.minimum]
        if not below:
            amounts = {intent.symbol: floor_cents(Value(int(portions[intent.symbol]))) for intent in positive}
            amounts.update(dict.fromkeys(raised, Money(NANO)))
            factor = (scale.numerator, scale.denominator)
            return Allocation(amounts, frozenset(raised), dropped, factor, kept_back=frozenset(kept_back))
        least = min(portions[intent.symbol] for intent in below)
        smallest = min(
            (intent for intent in below if portions[intent.symbol] == least),
            key=lambda intent: (intent.weight, descending(intent.symbol)),
        )
        if smallest.minimum > MIN_BUY_VALUE:
            kept_back.add(smallest.symbol)
            dropped[smallest.symbol] = floor_cents(Value(int(least)))
        elif least > RAISED_ABOVE and available >= len(positive) * MIN_BUY_VALUE:
            raised.add(smallest.symbol)
            available = Value(available - MIN_BUY_VALUE)
        else:
            dropped[smallest.symbol] = floor_cents(Value(int(least)))
        remaining.remove(smallest)


def portions_of(
    remaining: Sequence[BuyIntent], available: Value, spread_rest: bool
) -> tuple[dict[str, Fraction], Fraction]:
    """The exact portion of each intent by symbol, and the factor, at most 1, by which shortfalls are multiplied.

    The factor fits the shortfalls to the budget, `available`. With `spread_rest`, a budget beyond them is distributed
    by weight.
    """
    total = sum((intent.shortfall for intent in remaining), Fraction(0))
    if total > available:
        scale = available / total
        return {intent.symbol: intent.shortfall * scale for intent in remaining}, scale
    portions = {intent.symbol: intent.shortfall for intent in remaining}
    if spread_rest:
        _spread(portions, remaining, available - total)
    return portions, Fraction(1)


def _spread(portions: dict[str, Fraction], remaining: Sequence[BuyIntent], rest: Fraction) -> None:
    """Add the rest of a budget to the portions, by weight, within the limit of each asset."""
    takers = [intent for intent in remaining if not intent.no_rest and intent.weight]
    while takers and rest > 0:
        share = rest / sum(intent.weight for intent in takers)
        full = [
            intent
            for intent in takers
            if intent.most is not None and portions[intent.symbol] + intent.weight * share > intent.most
        ]
        for intent in full or takers:
            more = intent.weight * share
            if intent.most is not None:
                more = min(more, max(Fraction(0), intent.most - portions[intent.symbol]))
            portions[intent.symbol] += more
            rest -= more
        takers = [intent for intent in takers if intent not in full] if full else []


def descending(symbol: str) -> tuple[int, ...]:
    """A sort key that puts the later symbol first; the final 1 puts `AB` before its prefix `A`."""
    return (*(-ord(char) for char in symbol), 1)
