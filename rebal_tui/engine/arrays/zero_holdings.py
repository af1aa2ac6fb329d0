"""Exact band usage of portfolio assets that an account does not hold."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rebal_tui.engine.arrays.frame import BookFrame
from rebal_tui.engine.arrays.memory_layout import Block, Flags, Indexes, Ints


@dataclass(frozen=True, slots=True, eq=False)
class ZeroHoldings:
    """Exact figures of a portfolio asset that is not held: its drift is minus its target, whatever the equity.

    They have a row per asset slot and a column per portfolio. `rank` orders the slots of a portfolio by band usage, the
    larger the higher; it is -1 for an unused slot. `permille` is the band usage in tenths of a percent, rounded down;
    `outside` is whether the drift exceeds a band.
    """

    rank: Ints
    permille: Ints
    outside: Flags

    @classmethod
    def of(cls, frame: BookFrame, block: Block) -> ZeroHoldings:
        target = block.target
        absolute, relative = frame.table.absolute[block.members], frame.table.relative[block.members]
        # Usage is the larger of target / absolute and 10_000 / relative; times absolute * relative it is an integer.
        # With one band or none, the rank is usage times a constant of the portfolio.
        both = np.maximum(target * relative, 10_000 * absolute)
        rank = np.where(absolute == 0, np.where(relative == 0, target, 1), np.where(relative == 0, target, both))
        per_absolute = np.where(absolute > 0, target * 1_000 // np.maximum(absolute, 1), 0)
        per_relative = np.where(relative > 0, 10_000_000 // np.maximum(relative, 1), 0)
        outside = ((absolute > 0) & (target > absolute)) | ((relative > 0) & (relative < 10_000))
        return cls(np.where(target > 0, rank, -1), np.maximum(per_absolute, per_relative), outside)

    def first_of(self, close: Flags, qty: Ints, local: Indexes) -> Ints:
        """By account, the slot of highest rank among the slots flagged in `close`.

        It is -1 if the account holds the asset of one of these slots. `close` and `qty`, the shares held, have a row
        per slot and a column per account; `local` is the column of each account's portfolio in the block.
        """
        slot = np.where(close, self.rank[:, local], -1).argmax(axis=0)
        return np.where((close & (qty != 0)).any(axis=0), -1, slot)
