"""Split of many buy budgets at once, with the results of `allocate` (R-20 to R-22)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rebal_tui.domain.quantities import CENT, NANO
from rebal_tui.engine.allocation import MIN_BUY_VALUE, RAISED_ABOVE
from rebal_tui.engine.arrays.int128 import Int128
from rebal_tui.engine.arrays.memory_layout import Flags, Floats, Ints

_MINIMUM = MIN_BUY_VALUE // NANO
_RAISED_ABOVE = RAISED_ABOVE // NANO


@dataclass(slots=True, eq=False)
class BudgetSplit:
    """The result of `split_budgets`, in billionths of a dollar, with a row per asset slot and a column per account.

    `amounts` are the buys. `dropped` are the portions that are not bought because they are below the minimum, -1
    elsewhere. `needs_exact` marks accounts whose split the exact form must compute; their columns are not valid.
    """

    amounts: Ints
    dropped: Ints
    needs_exact: Flags


@dataclass(frozen=True, slots=True, eq=False)
class BuyDemand:
    """What accounts are to buy: shortfalls in dollars, 0 or more, with a row per asset slot and a column per account.

    They are rounded down to a billionth of a billionth of a dollar; `inexact` marks those that the rounding changed.
    `buyable` marks the slots that get a portion. `weight` is in hundredths of a percent. `symbol_rank` is the position
    of the slot's asset when symbols are sorted.
    """

    shortfall: Int128
    inexact: Flags
    buyable: Flags
    weight: Ints
    symbol_rank: Ints

    def of(self, columns: Ints) -> BuyDemand:
        short = Int128(self.shortfall.nano[:, columns], self.shortfall.rest[:, columns])
        return BuyDemand(
            short, self.inexact[:, columns], self.buyable[:, columns], self.weight[:, columns],
            self.symbol_rank[:, columns],
        )  # fmt: skip


def split_budgets(demand: BuyDemand, budget: Ints, *, spread_rest: bool) -> BudgetSplit:
    """Split each account's budget, in billionths of a dollar, over its assets as `allocate` does.

    `spread_rest` distributes by weight what the budget has beyond the shortfalls.
    """
    buyable = demand.buyable.copy()
    out = BudgetSplit(
        np.zeros(buyable.shape, np.int64), np.full(buyable.shape, -1, np.int64), np.zeros(len(budget), np.bool_)
    )
    budget = budget.copy()
    left = np.arange(len(budget))
    # Each round raises or drops the smallest slot of every account that has a portion below $1, as `allocate` does.
    while len(left):
        part = demand.of(left)
        included = buyable[:, left]
        portions = _portions(part, included, budget[left], spread_rest)
        small = portions.positive & (portions.cents < _MINIMUM)
        has_small = small.any(axis=0)
        smallest, ambiguous = _smallest(part, small, portions, spread_rest)
        at = (smallest, np.arange(len(left)))
        above_half = portions.value[at] - _RAISED_ABOVE
        ambiguous |= np.abs(above_half) <= portions.doubt[at] + 1
        needs_exact = portions.unsure | (has_small & ambiguous)
        out.needs_exact[left[needs_exact]] = True
        done = ~has_small & ~needs_exact
        whole = np.where(portions.positive, portions.cents, 0) + out.amounts[:, left]
        out.amounts[:, left[done]] = whole[:, done]
        raises = (above_half > 0) & (budget[left] >= portions.positive.sum(axis=0) * _MINIMUM)
        unfinished = has_small & ~needs_exact
        raised, dropped = np.flatnonzero(unfinished & raises), np.flatnonzero(unfinished & ~raises)
        out.amounts[smallest[raised], left[raised]] = _MINIMUM
        budget[left[raised]] -= _MINIMUM
        out.dropped[smallest[dropped], left[dropped]] = portions.cents[smallest[dropped], dropped]
        buyable[smallest[unfinished], left[unfinished]] = False
        left = left[unfinished]
    return out


@dataclass(frozen=True, slots=True, eq=False)
class _Portions:
    """Portions by slot and account: `cents` are rounded down to the cent, `value` are floats.

    `doubt` bounds the errors of `value`. `positive` marks portions above 0, `unsure` the accounts with an uncertain
    cent or scale.
    """

    cents: Ints
    value: Floats
    doubt: Floats
    positive: Flags
    unsure: Flags


def _portions(demand: BuyDemand, included: Flags, budget: Ints, spread_rest: bool) -> _Portions:
    """The split of each account's budget over the slots flagged in `included`."""
    short = demand.shortfall
    total = short.total(included)
    scaled = (total.nano > budget) | ((total.nano == budget) & (total.rest > 0))
    missing = (total.nano - budget) + total.rest * 1e-9
    whole = np.maximum(total.nano + total.rest * 1e-9, 1e-9)
    # A portion is the exact shortfall plus a float change, so rounding errors are relative to the change.
    change = -(short.nano + short.rest * 1e-9) * (missing / whole)
    if spread_rest:
        weight = np.maximum(np.where(included, demand.weight, 0).sum(axis=0), 1)
        change = np.where(scaled, change, demand.weight * (-missing / weight))
    else:
        change = np.where(scaled, change, 0.0)
    part = short.rest * 1e-9 + change
    # The change takes fewer than 36 roundings of 1.1e-16 each, hence 4e-15. Each shortfall lacks less than 1e-9
    # billionths from rounding down, so 1e-3 covers a million slots. Without a change, the portion is the shortfall. A
    # cent is certain when both ends of the range round down to the same cent.
    doubt = np.where(change == 0, 0.0, 1e-3 + np.abs(change) * 4e-15)
    low = (short.nano + np.floor(part - doubt).astype(np.int64)) // CENT
    high = (short.nano + np.floor(part + doubt).astype(np.int64)) // CENT
    nothing = (short.nano == 0) & (short.rest == 0) & scaled
    unsure = (included & (low != high) & ~nothing).any(axis=0)
    # The exact total is above this one by less than an attodollar for each inexact shortfall, which can make it exceed
    # the budget; and a shortfall that is 0 here may be a fraction of an attodollar. `margin` is capped to fit 64 bits.
    inexact = included & demand.inexact
    margin = np.minimum(budget - total.nano, 1) * NANO - total.rest
    unsure |= (~scaled & (margin < inexact.sum(axis=0))) | (inexact & nothing).any(axis=0)
    value = np.where(nothing | ~included, 0.0, short.nano + part)
    return _Portions(np.where(nothing, 0, high * CENT), value, doubt, included & (value > 0), unsure)


def _smallest(demand: BuyDemand, small: Flags, portions: _Portions, spread_rest: bool) -> tuple[Ints, Flags]:
    """By account, the slot of the smallest portion among those flagged in `small`.

    The second result flags the accounts for which floats leave that slot uncertain.
    """
    least = np.where(small, portions.value + portions.doubt, np.inf).min(axis=0)
    close = small & (portions.value - portions.doubt <= least + 1e-2)
    nano, rest = demand.shortfall.nano, demand.shortfall.rest
    if not spread_rest:
        # These portions are shortfalls times one factor of the account, so both have the same order.
        close = close & (nano == np.where(close, nano, np.iinfo(np.int64).max).min(axis=0))
        # Shortfalls that are equal here may differ below an attodollar if their weights differ: `differs` covers them.
        close = close & (rest == np.where(close, rest, np.iinfo(np.int64).max).min(axis=0))
    differs = np.zeros(small.shape[1], np.bool_)
    for figure in (nano, rest, demand.weight):
        high = np.where(close, figure, np.iinfo(np.int64).min).max(axis=0)
        low = np.where(close, figure, np.iinfo(np.int64).max).min(axis=0)
        differs |= high > low
    return np.where(close, demand.symbol_rank, -1).argmax(axis=0), differs
