"""Differences beyond luck: the bootstrap and its sentence."""

from __future__ import annotations

import numpy as np
import pytest

from rebal_tui.domain.quantities import Percent
from rebal_tui.lab import blocks
from rebal_tui.lab.backtest import run_backtest
from rebal_tui.lab.blocks import stationary_order, stationary_orders
from rebal_tui.lab.luck import luck_of
from rebal_tui.lab.policies import Policy, default_grid
from rebal_tui.lab.progress import Canceled
from rebal_tui.lab.resampled_histories import follow_histories
from tests.lab.histories import history, random_history, weights


def test_resamples_are_as_long_as_the_history_and_in_blocks() -> None:
    orders = stationary_orders(400, range(200), 40, 1)

    assert orders.shape == (400, 200)
    assert 0.97 < ((orders[1:] - orders[:-1]) % 400 == 1).mean() < 0.98
    assert np.bincount(orders.ravel(), minlength=400).min() > 100
    # A resample is the same in every batch.
    assert np.array_equal(stationary_orders(400, range(5, 9), 40, 1)[:, 1], stationary_order(400, 40, 1, 6))


@pytest.mark.slow
@pytest.mark.parametrize(("cost", "delay"), [(0.0, 0), (10.0, 1)])
def test_a_history_in_its_own_order_has_the_figures_of_the_backtest(
    monkeypatch: pytest.MonkeyPatch, cost: float, delay: int
) -> None:
    past, targets = random_history(4, 300), weights(4000, 3000, 2500, cash=500)
    grid = default_grid(Policy(Percent(200), Percent(1000), None, 7))
    backtest = run_backtest("x", targets, past, grid, cost_bps=cost, fill_delay=delay)
    own_order = np.arange(past.length - 1)
    monkeypatch.setattr(blocks, "stationary_order", lambda *_: own_order)

    logs, sold, squares = follow_histories(past, targets, grid, range(2), 1, 1, cost_bps=cost, fill_delay=delay)

    years, size = past.sessions_per_year, past.length - 1
    for number, outcome in enumerate(backtest.outcomes):
        path = backtest.path(outcome)
        figures = outcome.figures
        assert np.expm1(logs[:, number] * years) == pytest.approx([figures.annual_return] * 2, abs=1e-9)
        assert sold[0, number] * size == pytest.approx((path.sold / path.equity[path.events]).sum(), abs=1e-9)
        assert squares[1, number] == pytest.approx((path.absolute[1:] ** 2).mean(), abs=1e-12)


def test_histories_are_resampled_with_progress_until_canceled() -> None:
    past, steps = random_history(3, 200), list[tuple[int, int]]()
    backtest = run_backtest("x", weights(6000, 3000, 1000), past, [Policy(absolute=Percent(a)) for a in (100, 800)])

    luck = luck_of(backtest, resamples=120, progress=lambda done, total: steps.append((done, total)))

    assert luck.method == "paired block bootstrap of 120 resampled histories, mean block 25 sessions, seed 1"
    assert luck.turnover.high[1] < 0 < luck.rms.low[1]
    assert steps[-1] == (120, 120)
    with pytest.raises(Canceled):
        luck_of(backtest, resamples=100, canceled=lambda: True)


@pytest.mark.slow
def test_random_walks_differ_in_turnover_and_tracking_not_in_return() -> None:
    past = random_history(3, 700)
    policies = [Policy(absolute=Percent(a)) for a in (100, 300, 800)]
    backtest = run_backtest("x", weights(5000, 3000, 2000), past, policies)

    luck = luck_of(backtest, resamples=300, block=20)

    assert luck.sentence == "Return: no difference beyond luck. Turnover: some differ. Tracking: some differ."
    assert luck.annual_return.low[0] == luck.annual_return.high[0] == 0
    assert luck.annual_return.low[2] < 0 < luck.annual_return.high[2]
    assert luck.turnover.high[2] < 0 < luck.rms.low[2]
    assert "300 resampled histories, mean block 20 sessions, seed 1" in luck.method
    assert luck.selection.p_value > 0.1
    again = luck_of(backtest, resamples=300, block=20)
    assert np.array_equal(luck.annual_return.low, again.annual_return.low)


def test_a_return_that_always_differs_is_beyond_luck() -> None:
    """One asset rises and falls back, over and over: rebalancing always gains."""
    past = history([["100", "100"] if n % 2 == 0 else ["120", "100"] for n in range(200)])
    backtest = run_backtest("x", weights(5000, 5000), past, [Policy(), Policy(absolute=Percent(0))])

    luck = luck_of(backtest, resamples=200, block=10)

    assert luck.annual_return.beyond_luck
    assert luck.sentence.startswith("Return: the best policy earns more. ")
    assert luck.annual_return.low[1] > 0
    assert (luck.selection.best, luck.selection.chosen, luck.selection.tried) == (1, 1, 2)
    assert luck.selection.p_value < 0.05
    best, later = luck.selection.sentences(("own", "other"), "yours")
    assert best.startswith("Highest return of 2 policies: other, +")
    assert later.endswith("on the second: it carries over.")
    with pytest.raises(Canceled):
        luck_of(backtest, canceled=lambda: True)


def test_a_return_that_is_always_lower_is_no_reason_to_expect_more_from_another() -> None:
    """The policy that rebalances is yours here; the one that never does earns less."""
    past = history([["100", "100"] if n % 2 == 0 else ["120", "100"] for n in range(200)])
    backtest = run_backtest("x", weights(5000, 5000), past, [Policy(absolute=Percent(0)), Policy()])

    luck = luck_of(backtest, resamples=200, block=10)

    assert luck.sentence.startswith("Return: no policy earns more beyond luck, 1 earns less. ")
    assert luck.annual_return.beyond_luck
    assert luck.selection.p_value > 0.5
