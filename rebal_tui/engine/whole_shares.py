"""Split of a buy budget into whole shares (R-65)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from math import ceil

from rebal_tui.domain.quantities import NANO, Price, Value
from rebal_tui.engine.allocation import BuyIntent, descending

LIVE_MARGIN = Fraction(25, 10_000)
"""At a real broker a share is affordable at its price and this share of it more."""

_TOGETHER_MIN_SHARES = 32
"""Shares to buy from which finding the common level is faster than one share at a time."""


def whole_share_buys(
    intents: Sequence[BuyIntent],
    budget: Value,
    prices: Mapping[str, Price],
    portions: Callable[[Sequence[BuyIntent]], Mapping[str, Fraction]],
    *,
    live: bool,
) -> dict[str, int]:
    """The whole shares to buy, by symbol: first as many as fit in the asset's portion, then one share at a time.

    The next share goes to the affordable asset with the largest remaining shortfall ÷ price (ties: the larger weight,
    then the earlier symbol), as long as that shortfall exceeds half the price and the limit `BuyIntent.most` is kept.
    `portions` returns the exact portion of each intent, by symbol. With `live` (a real broker), a share is affordable
    only with cash for its price plus 0.25 %.
    """
    factor = 1 + LIVE_MARGIN if live else Fraction(1)
    cost = {intent.symbol: prices[intent.symbol] * NANO * factor for intent in intents}
    portion = portions(intents)
    shares = {
        intent.symbol: min(int(portion[intent.symbol] // cost[intent.symbol]), _room(intent, prices))
        for intent in intents
    }
    left = Fraction(budget) - sum(count * cost[symbol] for symbol, count in shares.items())
    while True:
        candidates = [
            intent
            for intent in intents
            if cost[intent.symbol] <= left
            and shares[intent.symbol] < _room(intent, prices)
            and 2 * _lacking(intent, shares, prices) > prices[intent.symbol] * NANO
        ]
        if not candidates:
            return {symbol: count for symbol, count in shares.items() if count}
        together = _together(candidates, left, shares, cost, prices)
        if any(together.values()):
            for symbol, count in together.items():
                shares[symbol] += count
                left -= count * cost[symbol]
            continue
        ranked = sorted(
            candidates,
            key=lambda one: (_missing(one, shares, prices), one.weight, descending(one.symbol)),
            reverse=True,
        )
        chosen = ranked[0]
        missing = _missing(chosen, shares, prices)
        # The line stays first as long as it misses more shares than the next one.
        ahead = ceil(missing - _missing(ranked[1], shares, prices)) if len(ranked) > 1 else ceil(missing)
        count = min(
            max(1, ahead),
            ceil(missing - Fraction(1, 2)),
            int(left // cost[chosen.symbol]),
            _room(chosen, prices) - shares[chosen.symbol],
        )
        shares[chosen.symbol] += count
        left -= count * cost[chosen.symbol]


def _together(
    candidates: Sequence[BuyIntent],
    left: Fraction,
    shares: Mapping[str, int],
    cost: Mapping[str, Fraction],
    prices: Mapping[str, Price],
) -> dict[str, int]:
    """The shares that are bought, in any order, before a candidate becomes unaffordable; empty if they are few.

    One share at a time always goes to the line that lacks most shares. So all shares above a level of lacking shares
    are bought before the first share below it. The level is found by bisection.
    """
    missing = {one.symbol: _missing(one, shares, prices) - Fraction(1, 2) for one in candidates}
    room = {one.symbol: _room(one, prices) - shares[one.symbol] for one in candidates}
    spare = left - max(cost[symbol] for symbol in missing)
    steps = min(sum(ceil(one) for one in missing.values()), spare // min(cost[symbol] for symbol in missing))
    if steps < _TOGETHER_MIN_SHARES:
        return {}

    def above(level: int) -> dict[str, int]:
        return {symbol: min(max(0, ceil(one - level)), room[symbol]) for symbol, one in missing.items()}

    low, high = 0, ceil(max(missing.values()))
    while low < high:
        level = (low + high) // 2
        if sum(count * cost[symbol] for symbol, count in above(level).items()) <= spare:
            high = level
        else:
            low = level + 1
    return above(low)


def _missing(intent: BuyIntent, shares: Mapping[str, int], prices: Mapping[str, Price]) -> Fraction:
    """The number of shares that a line still lacks to its target."""
    return Fraction(_lacking(intent, shares, prices), prices[intent.symbol] * NANO)


def _lacking(intent: BuyIntent, shares: Mapping[str, int], prices: Mapping[str, Price]) -> Fraction:
    return intent.shortfall - shares[intent.symbol] * prices[intent.symbol] * NANO


def _room(intent: BuyIntent, prices: Mapping[str, Price]) -> int:
    """The number of whole shares that may still be bought within the line's maximum."""
    return int(intent.most // (prices[intent.symbol] * NANO)) if intent.most is not None else 10**12


def smallest_order(
    shares: Mapping[str, int], intents: Sequence[BuyIntent], prices: Mapping[str, Price]
) -> BuyIntent | None:
    """The intent whose buy is the smallest of those below their minimum, or None.

    Ties go to the smaller weight, then to the later symbol.
    """
    worth = {symbol: count * prices[symbol] * NANO for symbol, count in shares.items()}
    below = [one for one in intents if one.symbol in worth and worth[one.symbol] < one.minimum]
    return min(below, key=lambda one: (worth[one.symbol], one.weight, descending(one.symbol)), default=None)
