"""One figure of every pair of an absolute and a relative band."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rebal_tui.domain.portfolios import Weights
from rebal_tui.domain.quantities import Percent
from rebal_tui.lab.chains import run_chains
from rebal_tui.lab.history import Floats, History
from rebal_tui.lab.policies import Policy
from rebal_tui.lab.progress import Cancelled, Progress

LEAST_ABSOLUTE, MOST_ABSOLUTE = 50, 1000
LEAST_RELATIVE, MOST_RELATIVE = 500, 6000
"""The bands of a heat map, in hundredths of a point and of a percent."""
NEIGHBORHOOD = 100
"""Neighbors of a band are within one point."""


@dataclass(frozen=True, slots=True, eq=False)
class HeatMap:
    """Figures of band pairs: row r, column c is the pair `relative[r]`, `absolute[c]`, both ascending.

    `turnover` is a year's, of average equity; `rms` and `worst` deviations are fractions of equity; `annual_return` is
    per year; `rebalances` are per year.
    """

    absolute: tuple[Percent, ...]
    relative: tuple[Percent, ...]
    cooldown_days: int
    turnover: Floats
    rms: Floats
    worst: Floats
    annual_return: Floats
    rebalances: Floats

    def nearest(self, absolute: int, relative: int) -> tuple[int, int]:
        """The row and column of the pair nearest to two bands."""
        row = min(range(len(self.relative)), key=lambda n: abs(self.relative[n] - relative))
        column = min(range(len(self.absolute)), key=lambda n: abs(self.absolute[n] - absolute))
        return row, column

    def around(self, figure: Floats, row: int, column: int) -> tuple[float, float]:
        """The least and the greatest figure of the pairs whose absolute band is within one point of a pair's."""
        near = [abs(band - self.absolute[column]) <= NEIGHBORHOOD for band in self.absolute]
        found = figure[row, np.array(near)]
        return float(found.min()), float(found.max())


def heat_map(
    history: History,
    weights: Weights,
    columns: int,
    rows: int,
    cooldown_days: int = 0,
    progress: Progress | None = None,
    canceled: Cancelled | None = None,
) -> HeatMap:
    """The figures of `columns` absolute and `rows` relative bands, at least two each. Raises `Canceled`."""
    absolute = _spread(LEAST_ABSOLUTE, MOST_ABSOLUTE, columns)
    relative = _spread(LEAST_RELATIVE, MOST_RELATIVE, rows)
    policies = [Policy(a, r, None, cooldown_days) for r in relative for a in absolute]
    found = run_chains(history, weights, policies, with_events=False, progress=progress, canceled=canceled)
    shape, years, length = (rows, columns), history.years, history.length
    return HeatMap(
        absolute,
        relative,
        cooldown_days,
        (found.sold / (found.equity_sum / length) / years).reshape(shape),
        np.sqrt(found.square_sum / length).reshape(shape),
        found.worst.reshape(shape),
        (found.final ** (1 / years) - 1).reshape(shape),
        (found.rebalances / years).reshape(shape),
    )


def _spread(least: int, most: int, count: int) -> tuple[Percent, ...]:
    bands: Sequence[float] = np.linspace(least, most, count).tolist()
    return tuple(Percent(round(band)) for band in bands)
