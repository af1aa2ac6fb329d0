"""Figures of policies that have one absolute and one relative band, for every combination of their sizes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from threading import Lock

import numpy as np

from rebal_tui.domain.portfolios import Weights
from rebal_tui.domain.quantities import Percent
from rebal_tui.lab.band_table import ROWS, BandTable, Schedule
from rebal_tui.lab.chains import Followed
from rebal_tui.lab.history import Floats, History
from rebal_tui.lab.progress import Cancelled
from rebal_tui.lab.renewal import RenewalTable

LEAST_ABSOLUTE, MOST_ABSOLUTE = 50, 1000
LEAST_RELATIVE, MOST_RELATIVE = 500, 6000
"""The bands of a heat map, in hundredths of a percentage point and in hundredths of a percent of the target."""
NEIGHBORHOOD = 100
"""Neighbors of a band are within one point."""


@dataclass(frozen=True, slots=True, eq=False)
class HeatMap:
    """Figures of policies as matrices: row r, column c is the policy with the bands `relative[r]` and `absolute[c]`.

    Both lists of bands ascend. `relative` bands are in hundredths of a percent of the target, `absolute` bands in
    hundredths of a percentage point. `turnover` is a fraction of average equity a year; `rms` and `worst` are of the
    largest deviation from a target, as fractions of equity; `annual_return` is a fraction; `rebalances` are per year.
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
        """The row and column of the policy with the bands nearest to `absolute` and `relative`.

        `absolute` is in hundredths of a percentage point, `relative` in hundredths of a percent of the target.
        """
        row = min(range(len(self.relative)), key=lambda n: abs(self.relative[n] - relative))
        column = min(range(len(self.absolute)), key=lambda n: abs(self.absolute[n] - absolute))
        return row, column

    def around(self, figure: Floats, row: int, column: int) -> tuple[float, float]:
        """The least and the greatest value of a figure for policies with nearly the same bands.

        `figure` is one of the matrices of this map. The values compared are in row `row`, in the columns whose absolute
        band differs from that of `column` by at most one percentage point.
        """
        near = [abs(band - self.absolute[column]) <= NEIGHBORHOOD for band in self.absolute]
        found = figure[row, np.array(near)]
        return float(found.min()), float(found.max())


class BandPairs:
    """Computes heat maps over a price history, with `columns` absolute bands and `rows` relative bands.

    `columns` and `rows` are at least 2. The first map for a cooldown takes about a second for sixteen years of daily
    prices; later maps for the same cooldown reuse what the first one computed.
    """

    def __init__(self, history: History, weights: Weights, columns: int, rows: int) -> None:
        self.absolute = _spread(LEAST_ABSOLUTE, MOST_ABSOLUTE, columns)
        self.relative = _spread(LEAST_RELATIVE, MOST_RELATIVE, rows)
        self._renewal = RenewalTable(history, weights)
        self._tables: dict[int, BandTable] = {}
        self._in_use = Lock()

    def map(self, cooldown_days: int = 0, canceled: Cancelled | None = None) -> HeatMap:
        """The figures of all policies with this cooldown in days. Raises `Canceled`.

        Only one thread computes at a time; a second one waits.
        """
        with self._in_use:
            return self._map(cooldown_days, canceled)

    def _map(self, cooldown_days: int, canceled: Cancelled | None) -> HeatMap:
        history, shape = self._renewal.history, (len(self.relative), len(self.absolute))
        if cooldown_days not in self._tables:
            absolute_bands, relative_bands = np.array(self.absolute), np.array(self.relative)
            schedule = Schedule(None, cooldown_days, 1, 0, True, True)
            self._tables[cooldown_days] = BandTable(
                self._renewal, schedule, absolute_bands, relative_bands, 0.0, 0, ROWS
            )
        relative, absolute = np.divmod(np.arange(shape[0] * shape[1]), shape[1])
        followed = Followed(len(absolute), with_events=False)
        followed.follow(self._tables[cooldown_days], np.arange(len(absolute)), absolute, relative, canceled)
        found, years = followed.chains(), history.years
        return HeatMap(
            self.absolute,
            self.relative,
            cooldown_days,
            (found.sold / (found.equity_sum / history.length) / years).reshape(shape),
            np.sqrt(found.square_sum / history.length).reshape(shape),
            found.worst.reshape(shape),
            (found.final ** (1 / years) - 1).reshape(shape),
            (found.rebalances / years).reshape(shape),
        )


def _spread(least: int, most: int, count: int) -> tuple[Percent, ...]:
    bands: Sequence[float] = np.linspace(least, most, count).tolist()
    return tuple(Percent(round(band)) for band in bands)
