"""Split of many buy budgets at once, with the results of `allocate` (R-20 to R-22)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rebal_tui.domain.quantities import CENT, NANO
from rebal_tui.engine.arrays.int128 import Int128
from rebal_tui.engine.arrays.memory_layout import Flags, Floats, Ints

_NEARLY = 99 * CENT
"""Slices from $0.99 to $1 may be raised to $1 by the cents left over from rounding: the exact form decides."""


@dataclass(slots=True, eq=False)
class BudgetSplit:
    """By slot and account, in billionths of a dollar: `amounts` are buys, `dropped` slices below the minimum, else -1.

    `needs_exact` marks accounts whose split the exact form must compute; their other entries mean nothing.
    """

    amounts: Ints
    dropped: Ints
    needs_exact: Flags


@dataclass(frozen=True, slots=True, eq=False)
class BuyDemand:
    """Shortfalls by slot and account, 0 or more, rounded down to an attodollar.

    `buyable` marks the slots that get a slice, `weight` is in hundredths of a percent, `symbol_rank` orders symbols.
    """

    shortfall: Int128
    buyable: Flags
    weight: Ints
    symbol_rank: Ints

    def of(self, columns: Ints) -> BuyDemand:
        short = Int128(self.shortfall.nano[:, columns], self.shortfall.rest[:, columns])
        return BuyDemand(short, self.buyable[:, columns], self.weight[:, columns], self.symbol_rank[:, columns])


def split_budgets(demand: BuyDemand, budget: Ints, *, spread_rest: bool) -> BudgetSplit:
    """Split each account's budget, in billionths of a dollar, over its slots.

    `spread_rest` distributes the budget above the shortfalls by weight.
    """
    buyable = demand.buyable.copy()
    out = BudgetSplit(
        np.zeros(buyable.shape, np.int64), np.full(buyable.shape, -1, np.int64), np.zeros(len(budget), np.bool_)
    )
    left = np.arange(len(budget))
    # Each round drops one slot of every account that still has a slice below the minimum, as `allocate` does.
    while len(left):
        part = demand.of(left)
        included = buyable[:, left]
        cents, value, unsure = _slices(part, included, budget[left], spread_rest)
        small = included & (value > 0) & (cents < NANO)
        has_small = small.any(axis=0)
        nearly = has_small & (np.where(small, cents, NANO).min(axis=0) >= _NEARLY)
        smallest, ambiguous = _smallest(part, small, value, spread_rest)
        needs_exact = unsure | nearly | (has_small & ambiguous)
        out.needs_exact[left[needs_exact]] = True
        done = ~has_small & ~needs_exact
        out.amounts[:, left[done]] = np.where(included & (value > 0), cents, 0)[:, done]
        unfinished = np.flatnonzero(has_small & ~needs_exact)
        slots = smallest[unfinished]
        out.dropped[slots, left[unfinished]] = cents[slots, unfinished]
        buyable[slots, left[unfinished]] = False
        left = left[unfinished]
    return out


def _slices(demand: BuyDemand, included: Flags, budget: Ints, spread_rest: bool) -> tuple[Ints, Floats, Flags]:
    """Each slice rounded down to the cent, its float value, and the accounts with an uncertain cent."""
    short = demand.shortfall
    total = short.total(included)
    scaled = (total.nano > budget) | ((total.nano == budget) & (total.rest > 0))
    missing = (total.nano - budget) + total.rest * 1e-9
    whole = np.maximum(total.nano + total.rest * 1e-9, 1e-9)
    # A slice is the exact shortfall plus a float change, so rounding errors are relative to the change.
    change = -(short.nano + short.rest * 1e-9) * (missing / whole)
    if spread_rest:
        weight = np.maximum(np.where(included, demand.weight, 0).sum(axis=0), 1)
        change = np.where(scaled, change, demand.weight * (-missing / weight))
    else:
        change = np.where(scaled, change, 0.0)
    part = short.rest * 1e-9 + change
    # The change takes fewer than 36 roundings of 1.1e-16 each, hence 4e-15. Each shortfall lacks less than 1e-9
    # billionths from rounding down, so 1e-3 covers a million slots. Without a change, the slice is the shortfall. A
    # cent is certain when both ends of the range round down to the same cent.
    doubt = np.where(change == 0, 0.0, 1e-3 + np.abs(change) * 4e-15)
    low = (short.nano + np.floor(part - doubt).astype(np.int64)) // CENT
    high = (short.nano + np.floor(part + doubt).astype(np.int64)) // CENT
    nothing = (short.nano == 0) & (short.rest == 0) & scaled
    unsure = (included & (low != high) & ~nothing).any(axis=0)
    value = np.where(nothing | ~included, 0.0, short.nano + part)
    return np.where(nothing, 0, high * CENT), value, unsure


def _smallest(demand: BuyDemand, small: Flags, value: Floats, spread_rest: bool) -> tuple[Ints, Flags]:
    """The next slot to drop, and the accounts where this is ambiguous in floats."""
    masked = np.where(small, value, np.inf)
    least = masked.min(axis=0)
    close = small & (masked <= least + (1e-2 + np.abs(least) * 1e-14))
    nano, rest = demand.shortfall.nano, demand.shortfall.rest
    if not spread_rest:
        # These slices are shortfalls times one factor of the account, so the shortfalls have the order of the slices.
        close = close & (nano == np.where(close, nano, np.iinfo(np.int64).max).min(axis=0))
        # Shortfalls that are equal here may differ below an attodollar if their weights differ: `differs` covers them.
        close = close & (rest == np.where(close, rest, np.iinfo(np.int64).max).min(axis=0))
    differs = np.zeros(small.shape[1], np.bool_)
    for figure in (nano, rest, demand.weight):
        high = np.where(close, figure, np.iinfo(np.int64).min).max(axis=0)
        low = np.where(close, figure, np.iinfo(np.int64).max).min(axis=0)
        differs |= high > low
    return np.where(close, demand.symbol_rank, -1).argmax(axis=0), differs
