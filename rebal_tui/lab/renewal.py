"""Deviations after a rebalance to the targets, which depend only on the day of the rebalance and the day observed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rebal_tui.domain.portfolios import Weights
from rebal_tui.lab.history import Floats, History


@dataclass(frozen=True, slots=True)
class RenewalRow:
    """The sessions from `first` on, for a portfolio that was on its targets in an earlier session.

    `growth` is equity ÷ equity after that rebalance; `absolute` the largest deviation of an asset from its target as a
    fraction of equity; `relative` the largest one as a fraction of the target. `deviations` has one row per asset.
    """

    first: int
    growth: Floats
    deviations: Floats
    absolute: Floats
    relative: Floats


class RenewalTable:
    """Renewal rows of a history and weights, computed on demand, not cached."""

    def __init__(self, history: History, weights: Weights) -> None:
        self.history = history
        self.weights = weights
        self.targets: Floats = np.array([w.percent for w in weights.assets], dtype=np.float64) / 10_000
        self.cash = weights.cash / 10_000

    def row(self, since: int, first: int, stop: int) -> RenewalRow:
        """The sessions `first` up to `stop`, exclusive, after a rebalance in session `since`."""
        closes = self.history.closes
        deviations = closes[:, first:stop] * (self.targets / closes[:, since])[:, None]
        growth = deviations.sum(axis=0) + self.cash
        deviations /= growth
        deviations -= self.targets[:, None]
        sizes = np.abs(deviations)
        absolute = sizes.max(axis=0)
        sizes /= self.targets[:, None]
        return RenewalRow(first, growth, deviations, absolute, sizes.max(axis=0))
