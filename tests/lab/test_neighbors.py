"""Whether results hold for bands one point narrower and wider."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rebal_tui.domain.portfolios import Destination
from rebal_tui.domain.quantities import Percent
from rebal_tui.lab.backtest import run_backtest
from rebal_tui.lab.neighbors import EDGE, neighborhoods, neighbors_of
from rebal_tui.lab.policies import Policy
from rebal_tui.lab.progress import Canceled
from tests.lab.histories import random_history, weights

PAIR = Policy(Percent(300), Percent(1000), None, 7)


def test_neighbors_differ_in_one_band_by_one_point() -> None:
    assert [(p.absolute, p.relative, p.cooldown_days) for p in neighbors_of(PAIR)] == [
        (200, 1000, 7), (300, 900, 7), (400, 1000, 7), (300, 1100, 7),
    ]  # fmt: skip
    assert [p.absolute for p in neighbors_of(Policy(absolute=Percent(100)))] == [200]
    assert neighbors_of(Policy()) == ()


def test_neighbors_are_named_by_their_bands() -> None:
    policies = [PAIR, Policy(relative=Percent(1000), look=21), Policy(absolute=Percent(100))]
    backtest = run_backtest("x", weights(5000, 3000, 2000), random_history(5, 100), policies)

    assert [around and around.bands for around in neighborhoods(backtest)] == [
        "±2/10 %, ±3/9 %, ±4/10 % and ±3/11 %", "±9 % and ±11 %", "±2 pp",
    ]  # fmt: skip


@pytest.mark.parametrize("destination", [Destination.TARGET, Destination.EDGE])
def test_a_neighborhood_has_the_figures_of_the_neighbors_backtests(destination: Destination) -> None:
    past, targets = random_history(5, 260), weights(5000, 3000, 2000)
    policy = replace(PAIR, destination=destination)
    backtest = run_backtest("x", targets, past, [policy, Policy()], cost_bps=10)

    around, none = neighborhoods(backtest)

    found = run_backtest("x", targets, past, neighbors_of(policy), cost_bps=10).outcomes
    returns = [outcome.figures.annual_return for outcome in found]
    turnovers = [outcome.figures.turnover for outcome in found]
    assert none is None
    assert around is not None
    assert (around.low_return, around.high_return) == pytest.approx((min(returns), max(returns)))
    assert (around.low_turnover, around.high_turnover) == pytest.approx((min(turnovers), max(turnovers)))
    with pytest.raises(Canceled):
        neighborhoods(backtest, canceled=lambda: True)


def test_a_return_beyond_all_neighbors_stands_on_an_edge() -> None:
    backtest = run_backtest("x", weights(5000, 3000, 2000), random_history(5, 200), [PAIR])
    (around,) = neighborhoods(backtest)
    figures = backtest.own.figures

    assert around is not None
    assert not around.is_edge(replace(figures, annual_return=around.high_return + 0.9 * EDGE))
    assert around.is_edge(replace(figures, annual_return=around.high_return + 1.1 * EDGE))
    assert around.is_edge(replace(figures, annual_return=around.low_return - 1.1 * EDGE))
