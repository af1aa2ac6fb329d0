"""Splitting many buying budgets at once, as `allocate` splits one (R-20 to R-22)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rebal_tui.domain.quantities import CENT, NANO
from rebal_tui.engine.arrays.layout import Flags, Floats, Ints
from rebal_tui.engine.arrays.wide import Wide

_NEARLY = 99 * CENT
"""Slices from here to a dollar may become one by what rounding left over: left to the exact form."""


@dataclass(slots=True, eq=False)
class Split:
    """By slot and account: `amounts` bought in billionths of a dollar, `dropped` what fell to the minimum (-1 where
    nothing did). `hard` marks the accounts whose split only the exact form can make."""

    amounts: Ints
    dropped: Ints
    hard: Flags


@dataclass(frozen=True, slots=True, eq=False)
class Wants:
    """What buyable slots lack, by slot and account; `takes` those that get a slice, `later` ranks symbols by name."""

    shortfall: Wide
    takes: Flags
    weight: Ints
    later: Ints

    def of(self, columns: Ints) -> Wants:
        short = Wide(self.shortfall.nano[:, columns], self.shortfall.rest[:, columns])
        return Wants(short, self.takes[:, columns], self.weight[:, columns], self.later[:, columns])


def split(wants: Wants, budget: Ints, *, spread_rest: bool) -> Split:
    """Split each account's budget, in billionths of a dollar, over its slots."""
    takes = wants.takes.copy()
    out = Split(np.zeros(takes.shape, np.int64), np.full(takes.shape, -1, np.int64), np.zeros(len(budget), np.bool_))
    left = np.arange(len(budget))
    while len(left):
        part = wants.of(left)
        kept = takes[:, left]
        cents, value, unsure = _slices(part, kept, budget[left], spread_rest)
        small = kept & (value > 0) & (cents < NANO)
        again = small.any(axis=0)
        nearly = again & (np.where(small, cents, NANO).min(axis=0) >= _NEARLY)
        victim, doubtful = _smallest(part, small, value, spread_rest)
        hard = unsure | nearly | (again & doubtful)
        out.hard[left[hard]] = True
        done = ~again & ~hard
        out.amounts[:, left[done]] = np.where(kept & (value > 0), cents, 0)[:, done]
        go_on = np.flatnonzero(again & ~hard)
        slots = victim[go_on]
        out.dropped[slots, left[go_on]] = cents[slots, go_on]
        takes[slots, left[go_on]] = False
        left = left[go_on]
    return out


def _slices(wants: Wants, kept: Flags, budget: Ints, spread_rest: bool) -> tuple[Ints, Floats, Flags]:
    """Each slice rounded down to the cent, about what it is, and the accounts where a cent is in doubt."""
    short = wants.shortfall
    total = short.total(kept)
    scaled = (total.nano > budget) | ((total.nano == budget) & (total.rest > 0))
    missing = (total.nano - budget) + total.rest * 1e-9
    whole = np.maximum(total.nano + total.rest * 1e-9, 1e-9)
    change = -(short.nano + short.rest * 1e-9) * (missing / whole)
    if spread_rest:
        weight = np.maximum(np.where(kept, wants.weight, 0).sum(axis=0), 1)
        change = np.where(scaled, change, wants.weight * (-missing / weight))
    else:
        change = np.where(scaled, change, 0.0)
    part = short.rest * 1e-9 + change
    doubt = np.where(change == 0, 0.0, 1e-3 + np.abs(change) * 4e-15)
    low = (short.nano + np.floor(part - doubt).astype(np.int64)) // CENT
    high = (short.nano + np.floor(part + doubt).astype(np.int64)) // CENT
    nothing = (short.nano == 0) & (short.rest == 0) & scaled
    unsure = (kept & (low != high) & ~nothing).any(axis=0)
    value = np.where(nothing | ~kept, 0.0, short.nano + part)
    return np.where(nothing, 0, high * CENT), value, unsure


def _smallest(wants: Wants, small: Flags, value: Floats, spread_rest: bool) -> tuple[Ints, Flags]:
    """The slot that is dropped next, and the accounts where floats cannot tell which it is."""
    masked = np.where(small, value, np.inf)
    least = masked.min(axis=0)
    close = small & (masked <= least + (1e-2 + np.abs(least) * 1e-14))
    nano, rest = wants.shortfall.nano, wants.shortfall.rest
    if not spread_rest:
        close = close & (nano == np.where(close, nano, np.iinfo(np.int64).max).min(axis=0))
        # Alike to the last digit kept here, shortfalls of other weights may still differ: those are left in doubt.
        close = close & (rest == np.where(close, rest, np.iinfo(np.int64).max).min(axis=0))
    differs = np.zeros(small.shape[1], np.bool_)
    for figure in (nano, rest, wants.weight):
        high = np.where(close, figure, np.iinfo(np.int64).min).max(axis=0)
        low = np.where(close, figure, np.iinfo(np.int64).max).min(axis=0)
        differs |= high > low
    return np.where(close, wants.later, -1).argmax(axis=0), differs
