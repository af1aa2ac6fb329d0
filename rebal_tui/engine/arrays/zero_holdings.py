"""Slots of a portfolio that hold nothing: how much of a band they use, exactly."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rebal_tui.engine.arrays.frame import BookFrame
from rebal_tui.engine.arrays.memory_layout import Block, Flags, Indexes, Ints


@dataclass(frozen=True, slots=True, eq=False)
class ZeroHoldings:
    """Slots that hold nothing, exactly: their drift is their whole target, whatever the equity.

    `rank` orders the slots of a portfolio by how much of a band they use; `permille` and `outside` are what they use.
    """

    rank: Ints
    permille: Ints
    outside: Flags

    @classmethod
    def of(cls, frame: BookFrame, block: Block) -> ZeroHoldings:
        target = block.target
        absolute, relative = frame.table.absolute[block.members], frame.table.relative[block.members]
        both = np.maximum(target * relative, 10_000 * absolute)
        rank = np.where(absolute == 0, np.where(relative == 0, target, 1), np.where(relative == 0, target, both))
        per_absolute = np.where(absolute > 0, target * 1_000 // np.maximum(absolute, 1), 0)
        per_relative = np.where(relative > 0, 10_000_000 // np.maximum(relative, 1), 0)
        outside = ((absolute > 0) & (target > absolute)) | ((relative > 0) & (relative < 10_000))
        return cls(np.where(target > 0, rank, -1), np.maximum(per_absolute, per_relative), outside)

    def first_of(self, close: Flags, qty: Ints, local: Indexes) -> Ints:
        """By column the slot that is worst among some close to each other, if all of them are empty; else below 0."""
        slot = np.where(close, self.rank[:, local], -1).argmax(axis=0)
        return np.where((close & (qty != 0)).any(axis=0), -1, slot)
