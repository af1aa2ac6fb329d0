"""Heat maps: every cell is the figure of its pair of bands."""

from __future__ import annotations

import numpy as np
import pytest

from rebal_tui.lab.backtest import run_backtest
from rebal_tui.lab.heat_map import BandPairs
from rebal_tui.lab.policies import Policy
from rebal_tui.lab.progress import Canceled
from tests.lab.histories import random_history
from tests.lab.test_chains import TARGETS


def test_every_cell_has_the_figures_of_a_backtest() -> None:
    past = random_history(4, 300)

    pairs = BandPairs(past, TARGETS, columns=6, rows=3)
    found = pairs.map(cooldown_days=7)

    assert (found.absolute[0], found.absolute[-1], found.relative[0], found.relative[-1]) == (50, 1000, 500, 6000)
    for row, column in ((0, 0), (2, 1), (1, 5)):
        policy = Policy(found.absolute[column], found.relative[row], None, 7)
        figures = run_backtest("x", TARGETS, past, [policy]).own.figures
        assert found.turnover[row, column] == pytest.approx(figures.turnover)
        assert found.rms[row, column] == pytest.approx(figures.rms)
        assert found.worst[row, column] == pytest.approx(figures.worst)
        assert found.annual_return[row, column] == pytest.approx(figures.annual_return)
        assert found.rebalances[row, column] == pytest.approx(figures.rebalances / past.years)
    assert found.nearest(300, 2000) == (1, 1)
    assert found.around(found.rms, 0, 0) == (found.rms[0, 0], found.rms[0, 0])
    with pytest.raises(Canceled):
        BandPairs(past, TARGETS, 2, 2).map(canceled=lambda: True)


def test_a_second_map_is_that_of_the_first_and_of_no_other_cooldown() -> None:
    pairs = BandPairs(random_history(4, 300), TARGETS, columns=4, rows=3)

    first, other, again = pairs.map(0), pairs.map(31), pairs.map(0)

    assert np.array_equal(first.rms, again.rms)
    assert np.array_equal(first.turnover, again.turnover)
    assert first.rebalances.sum() > other.rebalances.sum()
