"""Deviations in the sessions after a rebalance to the targets, computed for each session of a rebalance."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rebal_tui.domain.portfolios import Weights
from rebal_tui.lab.history import Floats, History, Ints

KEPT = 1_000_000
"""Columns of single rows that are kept: 24 MB."""


@dataclass(frozen=True, slots=True)
class RenewalRows:
    """Growth of a portfolio, and deviations of its assets from their targets, after it was set to the targets.

    There is one row per session in which it was set to the targets, and one column per later session; the columns start
    with session index `first`. `growth` is equity ÷ equity at the row's session; `absolute` is the largest deviation of
    an asset from its target as a fraction of equity; `relative` the largest one as a fraction of the target. All three
    are 0 in a column whose session is not after that of the row.
    """

    first: int
    growth: Floats
    absolute: Floats
    relative: Floats


class RenewalTable:
    """Computes `RenewalRows` for a history and weights when requested, and caches some of them."""

    def __init__(self, history: History, weights: Weights) -> None:
        self.history = history
        self.weights = weights
        self.targets: Floats = np.array([w.percent for w in weights.assets], dtype=np.float64) / 10_000
        self.cash = weights.cash / 10_000
        self._kept: dict[int, RenewalRows] = {}
        self._left = KEPT

    def row(self, since: int, stop: int) -> RenewalRows:
        """Growth and deviations of a portfolio set to its targets in session `since`: `RenewalRows` with one row.

        The row has at least the columns before session `stop`.

        Rows are cached as long as they have at most `KEPT` columns in total.
        """
        kept = self._kept.get(since)
        if kept is not None and kept.first + kept.growth.shape[1] >= stop:
            return kept
        row = self.rows(np.array([since]), stop)
        added = row.growth.shape[1] - (0 if kept is None else kept.growth.shape[1])
        if added <= self._left:
            self._kept[since] = row
            self._left -= added
        return row

    def rows(self, since: Ints, stop: int) -> RenewalRows:
        """Growth and deviations of a portfolio set to its targets in each of the sessions `since`, ascending.

        The last column is that of session `stop` - 1.
        """
        closes, first, size = self.history.closes, int(since[0]) + 1, stop - int(since[0]) - 1
        growth, absolute, relative = (np.zeros((len(since), size)) for _ in range(3))
        values, targets = np.empty((len(closes), size)), self.targets[:, None]
        inverses = 1 / targets
        for row, session in enumerate(since.tolist()):
            skipped = session + 1 - first
            used, total = values[:, skipped:], growth[row, skipped:]
            np.multiply(closes[:, session + 1 : stop], targets / closes[:, session, None], out=used)
            np.add.reduce(used, axis=0, out=total)
            total += self.cash
            used *= 1 / total
            used -= targets
            np.abs(used, out=used)
            np.maximum.reduce(used, axis=0, out=absolute[row, skipped:])
            used *= inverses
            np.maximum.reduce(used, axis=0, out=relative[row, skipped:])
        return RenewalRows(first, growth, absolute, relative)

    def deviations(self, since: Ints, sessions: Ints, growth: Floats) -> Floats:
        """The signed deviation of each asset from its target in `sessions`: one row per asset, one column per session.

        `since` has, for each of `sessions`, the earlier session in which the portfolio was set to its targets; `growth`
        is the equity in `sessions` ÷ that in `since`.
        """
        closes, targets = self.history.closes, self.targets[:, None]
        return closes[:, sessions] / closes[:, since] * (targets / growth) - targets
