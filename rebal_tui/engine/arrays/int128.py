"""Exact arithmetic on dollar values that exceed 64 bits, as NumPy arrays.

A value is a number of attodollars (billionths of a billionth of a dollar). It is stored as whole billionths of a dollar
plus a remainder below one billionth. Products and sums are exact modulo 2**64. Different values with the same remainder
modulo 2**64 are at least 2**64 attodollars ($18.45) apart, so a float with an error of less than half of that ($9.22)
identifies the value. This works up to `MAX_EXACT_DOLLARS`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rebal_tui.domain.quantities import HUNDRED_PERCENT, NANO
from rebal_tui.engine.arrays.memory_layout import Flags, Floats, Ints

MAX_EXACT_DOLLARS = 9e9
"""Above this many dollars, the exact form computes a value: 2**63 billionths are $9.22 billion."""
_SHARE = int(HUNDRED_PERCENT)


@dataclass(frozen=True, slots=True, eq=False)
class Int128:
    """Dollar values: `nano` are whole billionths of a dollar, rounded down; `rest` is 0 to 999,999,999 attodollars."""

    nano: Ints
    rest: Ints

    @classmethod
    def of(cls, modular: Ints, dollars: Floats) -> Int128:
        """The values nearest to `dollars` whose attodollars (10**-18 dollars) equal `modular` modulo 2**64.

        `dollars` may be off by less than $9.22, and may be at most `MAX_EXACT_DOLLARS` above or below zero.
        """
        # The clip keeps the conversion defined for larger values, whose results the callers discard.
        about = np.rint(np.clip(dollars * NANO, -9.2e18, 9.2e18)).astype(np.int64)
        # The true difference is within ±2**63 attodollars, so the wrapped 64-bit difference equals it. The floor
        # division moves whole billionths of it, of either sign, to `nano`.
        rest = modular - about * NANO
        return cls(about + rest // NANO, rest % NANO)

    @property
    def modular(self) -> Ints:
        """The values in attodollars (10**-18 dollars) modulo 2**64; int64 arrays wrap on overflow."""
        return np.asarray(self.nano * NANO + self.rest)

    @property
    def dollars(self) -> Floats:
        """The values as floats in dollars, rounded down to a billionth of a dollar."""
        return np.multiply(self.nano, 1e-9, dtype=np.float64)

    def share(self, percent: Ints) -> Int128:
        """`percent` (hundredths of a percent) of values of 0 or more, rounded down to 10**-18 dollars."""
        # With percent <= 10_000, `whole * percent` is at most `nano`; `part * NANO + rest` is below 1e13, its product
        # with percent below 1e17. So nothing overflows. `whole` divides evenly: only the second term is rounded.
        whole, part = self.nano // _SHARE, self.nano % _SHARE
        rest = (part * NANO + self.rest) * percent // _SHARE
        return Int128(whole * percent + rest // NANO, rest % NANO)

    def share_inexact(self, percent: Ints) -> Flags:
        """Whether `share` with this percent is rounded, for each value."""
        part = self.nano % _SHARE
        return np.asarray((part * NANO + self.rest) * percent % _SHARE != 0)

    def share_up(self, percent: Ints) -> Ints:
        """`percent` (hundredths of a percent) of values of 0 or more, rounded up to a billionth of a dollar."""
        # Bounds as in `share`. Floor division of the negated numerator, negated again, rounds up.
        whole, part = self.nano // _SHARE, self.nano % _SHARE
        return np.asarray(whole * percent - (-(part * NANO + self.rest) * percent // (_SHARE * NANO)))

    def negated(self) -> Int128:
        """The negated values; `rest` stays in 0 to 999,999,999."""
        return Int128(-self.nano - (self.rest > 0), (NANO - self.rest) % NANO)

    def at_least(self, nano: int) -> Flags:
        """Whether each value is at least `nano` billionths of a dollar."""
        return np.asarray(self.nano >= nano)

    def total(self, included: Flags) -> Int128:
        """The sum over the first axis of the values flagged in `included`; it must be within ±`MAX_EXACT_DOLLARS`."""
        # Each `rest` is below 1e9, so even 65,536 slots sum to less than 1e14.
        rest = np.where(included, self.rest, 0).sum(axis=0)
        return Int128(np.where(included, self.nano, 0).sum(axis=0) + rest // NANO, rest % NANO)

    def shares_up(self, price: Ints) -> Ints:
        """For each value, the fewest billionths of a share that are worth at least as much.

        `price` is that of a share in billionths of a dollar, above 0. A result that does not fit 64 bits is wrong;
        callers do not use it.
        """
        # The float quotient is off by a few 2**-53 of itself plus half a unit. Times the price, that is below 1e13 plus
        # 5e17 attodollars for values up to `MAX_EXACT_DOLLARS` and prices up to $1e9, so the 64-bit rest is exact.
        about = np.rint(self.dollars * (1e18 / price)).astype(np.int64)
        rest = self.modular - about * price
        return np.asarray(about - (-rest // price))


def product(qty: Ints, price: Ints) -> Int128:
    """The values of quantities at prices; exact for values up to `MAX_EXACT_DOLLARS`."""
    return Int128.of(qty * price, np.multiply(qty, price * 1e-18, dtype=np.float64))
