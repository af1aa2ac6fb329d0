"""Splitting many buying budgets at once, as `allocate` splits one (R-20 to R-22)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rebal_tui.domain.quantities import CENT, NANO
from rebal_tui.engine.arrays.int128 import Int128
from rebal_tui.engine.arrays.memory_layout import Flags, Floats, Ints

_NEARLY = 99 * CENT
"""Slices from here to a dollar may become one by what rounding left over: left to the exact form."""


@dataclass(slots=True, eq=False)
class BudgetSplit:
    """By slot and account: `amounts` bought in billionths of a dollar, `dropped` what fell to the minimum (-1 where
    nothing did). `needs_exact` marks the accounts whose split only the exact form can make."""

    amounts: Ints
    dropped: Ints
    needs_exact: Flags


@dataclass(frozen=True, slots=True, eq=False)
class BuyDemand:
    """What buyable slots lack, by slot and account; `buyable` those that get a slice, `symbol_rank` ranks symbols by
    name."""

    shortfall: Int128
    buyable: Flags
    weight: Ints
    symbol_rank: Ints

    def of(self, columns: Ints) -> BuyDemand:
        short = Int128(self.shortfall.nano[:, columns], self.shortfall.rest[:, columns])
        return BuyDemand(short, self.buyable[:, columns], self.weight[:, columns], self.symbol_rank[:, columns])


def split_budgets(demand: BuyDemand, budget: Ints, *, spread_rest: bool) -> BudgetSplit:
    """Split each account's budget, in billionths of a dollar, over its slots."""
    buyable = demand.buyable.copy()
    out = BudgetSplit(
        np.zeros(buyable.shape, np.int64), np.full(buyable.shape, -1, np.int64), np.zeros(len(budget), np.bool_)
    )
    left = np.arange(len(budget))
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
    """Each slice rounded down to the cent, about what it is, and the accounts where a cent is in doubt."""
    short = demand.shortfall
    total = short.total(included)
    scaled = (total.nano > budget) | ((total.nano == budget) & (total.rest > 0))
    missing = (total.nano - budget) + total.rest * 1e-9
    whole = np.maximum(total.nano + total.rest * 1e-9, 1e-9)
    change = -(short.nano + short.rest * 1e-9) * (missing / whole)
    if spread_rest:
        weight = np.maximum(np.where(included, demand.weight, 0).sum(axis=0), 1)
        change = np.where(scaled, change, demand.weight * (-missing / weight))
    else:
        change = np.where(scaled, change, 0.0)
    part = short.rest * 1e-9 + change
    doubt = np.where(change == 0, 0.0, 1e-3 + np.abs(change) * 4e-15)
    low = (short.nano + np.floor(part - doubt).astype(np.int64)) // CENT
    high = (short.nano + np.floor(part + doubt).astype(np.int64)) // CENT
    nothing = (short.nano == 0) & (short.rest == 0) & scaled
    unsure = (included & (low != high) & ~nothing).any(axis=0)
    value = np.where(nothing | ~included, 0.0, short.nano + part)
    return np.where(nothing, 0, high * CENT), value, unsure


def _smallest(demand: BuyDemand, small: Flags, value: Floats, spread_rest: bool) -> tuple[Ints, Flags]:
    """The slot that is dropped next, and the accounts where floats cannot tell which it is."""
    masked = np.where(small, value, np.inf)
    least = masked.min(axis=0)
    close = small & (masked <= least + (1e-2 + np.abs(least) * 1e-14))
    nano, rest = demand.shortfall.nano, demand.shortfall.rest
    if not spread_rest:
        close = close & (nano == np.where(close, nano, np.iinfo(np.int64).max).min(axis=0))
        # Alike to the last digit kept here, shortfalls of other weights may still differ: those are left in doubt.
        close = close & (rest == np.where(close, rest, np.iinfo(np.int64).max).min(axis=0))
    differs = np.zeros(small.shape[1], np.bool_)
    for figure in (nano, rest, demand.weight):
        high = np.where(close, figure, np.iinfo(np.int64).min).max(axis=0)
        low = np.where(close, figure, np.iinfo(np.int64).max).min(axis=0)
        differs |= high > low
    return np.where(close, demand.symbol_rank, -1).argmax(axis=0), differs
