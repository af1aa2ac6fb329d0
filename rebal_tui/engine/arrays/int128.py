"""Sums and differences of dollar values too wide for 64 bits, exact without leaving NumPy.

A value of billionths of billionths of a dollar is kept as whole billionths and a remainder below one. Products and sums
are taken modulo 2**64, where they are exact; a float beside them is right to far less than the 2**63 units ($9.22) by
which values of the same remainder differ, and so tells which of them is meant. That holds below `MAX_EXACT_DOLLARS`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rebal_tui.domain.quantities import HUNDRED_PERCENT, NANO
from rebal_tui.engine.arrays.memory_layout import Flags, Floats, Ints

MAX_EXACT_DOLLARS = 9e9
"""Dollars from which on a value is left to the exact form."""
_SHARE = int(HUNDRED_PERCENT)


@dataclass(frozen=True, slots=True, eq=False)
class Int128:
    """Values: `nano` billionths of a dollar, rounded down, and `rest` billionths of those."""

    nano: Ints
    rest: Ints

    @classmethod
    def of(cls, modular: Ints, dollars: Floats) -> Int128:
        """The value that is `modular` modulo 2**64 and nearest to `dollars`."""
        about = np.rint(np.clip(dollars * NANO, -9.2e18, 9.2e18)).astype(np.int64)
        rest = modular - about * NANO
        return cls(about + rest // NANO, rest % NANO)

    @property
    def modular(self) -> Ints:
        """The value modulo 2**64."""
        return np.asarray(self.nano * NANO + self.rest)

    @property
    def dollars(self) -> Floats:
        return np.multiply(self.nano, 1e-9, dtype=np.float64)

    def share(self, percent: Ints) -> Int128:
        """Hundredths of a percent of values of 0 or more, rounded down to the smallest unit."""
        whole, part = self.nano // _SHARE, self.nano % _SHARE
        rest = (part * NANO + self.rest) * percent // _SHARE
        return Int128(whole * percent + rest // NANO, rest % NANO)

    def share_up(self, percent: Ints) -> Ints:
        """Hundredths of a percent of values of 0 or more, rounded up to a billionth of a dollar."""
        whole, part = self.nano // _SHARE, self.nano % _SHARE
        return np.asarray(whole * percent - (-(part * NANO + self.rest) * percent // (_SHARE * NANO)))

    def negated(self) -> Int128:
        """The values with their sign turned."""
        return Int128(-self.nano - (self.rest > 0), (NANO - self.rest) % NANO)

    def at_least(self, nano: int) -> Flags:
        """Whether values reach so many billionths of a dollar."""
        return np.asarray(self.nano >= nano)

    def total(self, included: Flags) -> Int128:
        """The sum over the first axis of those kept."""
        rest = np.where(included, self.rest, 0).sum(axis=0)
        return Int128(np.where(included, self.nano, 0).sum(axis=0) + rest // NANO, rest % NANO)

    def shares_up(self, price: Ints) -> Ints:
        """How many billionths of a share cost the values at least, at prices above 0."""
        about = np.rint(self.dollars * (1e18 / price)).astype(np.int64)
        rest = self.modular - about * price
        return np.asarray(about - (-rest // price))


def product(qty: Ints, price: Ints) -> Int128:
    """What quantities are worth at prices."""
    return Int128.of(qty * price, np.multiply(qty, price * 1e-18, dtype=np.float64))
