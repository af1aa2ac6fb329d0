"""Published numbers compared with the numbers that the Lab computes from the same data."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np

from rebal_tui.domain.errors import Fault, Invalid
from rebal_tui.lab import literature, peers
from rebal_tui.lab.history import Floats
from rebal_tui.lab.literature import Comparison
from rebal_tui.market.monthly_returns import read_monthly_returns
from rebal_tui.services.backtest.histories import DATA, returns_source

MONTHLY_FILE = DATA / "us_stock_bond_monthly_1926_2018.csv"
COVER_FILE = DATA / "cover_nyse_1962_1984.csv"
_UNIT = 100_000
_MONTHS_TO_2009 = 1003


def comparisons(data_sets: Path | None = None) -> tuple[Comparison, ...]:
    """Every published number with the Lab's number for it.

    `data_sets` is a folder with the six data sets of online portfolio selection, as in `universal/data` of
    `universal-portfolios` 0.4.17; without the folder, their numbers are left out. Raises `Invalid` with file and line
    for a missing file, for a cell that is no number, and for one in the data sets that is not above 0.
    """
    history = returns_source("monthly", read_monthly_returns(MONTHLY_FILE), ("STOCK", "BOND")).history
    found = [
        *literature.vanguard(history.part(0, _MONTHS_TO_2009)),
        *literature.cover(1 + _numbers(COVER_FILE, above=-_UNIT).T / _UNIT),
        *peers.peers(),
    ]
    if data_sets is not None:
        for name in literature.PUBLISHED_WEALTH:
            found += literature.online_selection(name, _numbers(data_sets / f"{name}.csv", above=0).T)
    return tuple(found)


def _numbers(path: Path, above: float) -> Floats:
    """The rows of a CSV file below its header.

    Raises `Invalid` for a cell that is not a number above `above`.
    """
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.reader(file))
    except (OSError, UnicodeDecodeError) as error:
        raise Invalid([Fault(str(path), f"the file cannot be read: {error}")]) from error
    numbers = []
    for line, row in enumerate(rows[1:], start=2):
        try:
            cells = [float(cell) for cell in row]
        except ValueError:
            cells = []
        if len(cells) != len(rows[0]) or not all(above < cell < float("inf") for cell in cells):
            raise Invalid([Fault(f"{path}, line {line}", f"expected {len(rows[0])} numbers above {above:g}")])
        numbers.append(cells)
    if not numbers:
        raise Invalid([Fault(str(path), "got only a header, expected at least one row")])
    return np.array(numbers)
