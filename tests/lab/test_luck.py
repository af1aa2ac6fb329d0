"""Differences beyond luck: the bootstrap and its sentence."""

from __future__ import annotations

import numpy as np
import pytest

from rebal_tui.domain.quantities import Percent
from rebal_tui.lab.backtest import run_backtest
from rebal_tui.lab.luck import luck_of, stationary_counts
from rebal_tui.lab.policies import Policy
from rebal_tui.lab.progress import Canceled
from tests.lab.histories import history, random_history, weights


def test_resamples_are_as_long_as_the_history_and_in_blocks() -> None:
    counts = stationary_counts(400, 200, 40, np.random.default_rng(1))

    assert counts.sum(axis=1).tolist() == [400] * 200
    assert counts.mean() == 1
    # Neighbors are drawn together: their counts correlate far more than those of independent draws.
    assert np.corrcoef(counts[:, :-1].ravel(), counts[:, 1:].ravel())[0, 1] > 0.8
    assert stationary_counts(5, 3, 1, np.random.default_rng(1)).sum(axis=1).tolist() == [5] * 3


def test_random_walks_differ_in_turnover_and_tracking_not_in_return() -> None:
    past = random_history(3, 700)
    policies = [Policy(absolute=Percent(a)) for a in (100, 300, 800)]
    backtest = run_backtest("x", weights(5000, 3000, 2000), past, policies)

    luck = luck_of(backtest, resamples=300, block=20)

    assert luck.sentence == "Return: no difference beyond luck. Turnover: yes. Tracking: yes."
    assert luck.annual_return.low[0] == luck.annual_return.high[0] == 0
    assert luck.annual_return.low[2] < 0 < luck.annual_return.high[2]
    assert luck.turnover.high[2] < 0 < luck.rms.low[2]
    assert "300 resamples, mean block 20 sessions, seed 1" in luck.method
    assert luck.selection.p_value > 0.1
    again = luck_of(backtest, resamples=300, block=20)
    assert np.array_equal(luck.annual_return.low, again.annual_return.low)


def test_a_return_that_always_differs_is_beyond_luck() -> None:
    """One asset rises and falls back, over and over: rebalancing always gains."""
    past = history([["100", "100"] if n % 2 == 0 else ["120", "100"] for n in range(200)])
    backtest = run_backtest("x", weights(5000, 5000), past, [Policy(), Policy(absolute=Percent(0))])

    luck = luck_of(backtest, resamples=200, block=10)

    assert luck.annual_return.beyond_luck
    assert luck.sentence.startswith("Return: the best policy earns more than yours. ")
    assert luck.annual_return.low[1] > 0
    assert (luck.selection.best, luck.selection.chosen, luck.selection.tried) == (1, 1, 2)
    assert luck.selection.p_value < 0.05
    best, later = luck.selection.sentences(("own", "other"))
    assert best.startswith("Highest return of 2 policies: other, +")
    assert later.endswith("on the second: it carries over.")
    with pytest.raises(Canceled):
        luck_of(backtest, canceled=lambda: True)


def test_a_return_that_is_always_lower_is_no_reason_to_expect_more_from_another() -> None:
    """The policy that rebalances is yours here; the one that never does earns less."""
    past = history([["100", "100"] if n % 2 == 0 else ["120", "100"] for n in range(200)])
    backtest = run_backtest("x", weights(5000, 5000), past, [Policy(absolute=Percent(0)), Policy()])

    luck = luck_of(backtest, resamples=200, block=10)

    assert luck.sentence.startswith("Return: no policy earns more than yours beyond luck, 1 earns less. ")
    assert luck.annual_return.beyond_luck
    assert luck.selection.p_value > 0.5
