"""Policies whose rebalances stop before the targets: where they stop, and the path through their trades."""

from __future__ import annotations

import random
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from rebal_tui.domain.portfolios import Destination, RebalanceScope
from rebal_tui.domain.quantities import Percent
from rebal_tui.lab import exact_path
from rebal_tui.lab.backtest import run_backtest
from rebal_tui.lab.direct import run_direct
from rebal_tui.lab.exact_path import breached_after
from rebal_tui.lab.policies import Policy
from rebal_tui.lab.progress import Canceled
from rebal_tui.lab.stops import reaches, stops_of_breached, stops_of_whole
from tests.lab.histories import history, random_history, simulated, weights
from tests.lab.test_chains import TARGETS, random_policies

PLACES = [(d, s) for d in Destination for s in RebalanceScope if (d, s) != (Destination.TARGET, RebalanceScope.WHOLE)]


@pytest.mark.parametrize(
    ("destination", "stops"),
    [
        (Destination.TARGET, (0.60, 0.35)), (Destination.MIDDLE, (0.625, 0.325)), (Destination.EDGE, (0.65, 0.30)),
    ],
)  # fmt: skip
def test_a_rebalance_stops_in_its_box(destination: Destination, stops: tuple[float, float]) -> None:
    """60/35/5 with bands of 5 points and 20 %, at 68/27.5/4.5: the example of R-62."""
    targets = np.array([0.6, 0.35])
    policy = Policy(Percent(500), Percent(2000), destination=destination)

    found = stops_of_whole(np.array([[0.68], [0.275]]), targets, reaches([policy], targets))

    assert found[:, 0] == pytest.approx(stops)


@pytest.mark.parametrize(
    ("destination", "moves"),
    [(Destination.TARGET, (-0.10, 0.05, 0.05)), (Destination.MIDDLE, (-0.075, 0.0375, 0.0375))],
)
def test_breached_assets_are_matched_by_those_off_their_target(
    destination: Destination, moves: tuple[float, ...]
) -> None:
    """A 40 (30 ± 5), B 25 (30), C 35 (40): the example of R-63."""
    targets, shares = np.array([0.3, 0.3, 0.4]), np.array([[0.4], [0.25], [0.35]])
    reach = reaches([Policy(Percent(500), destination=destination)], targets)

    found = stops_of_breached(shares, targets, 0.0, reach, np.array([[True], [False], [False]]))

    assert (found - shares)[:, 0] == pytest.approx(moves)


@pytest.mark.slow
@pytest.mark.parametrize(("destination", "scope"), PLACES)
def test_exact_arithmetic_agrees_with_floating_point(destination: Destination, scope: RebalanceScope) -> None:
    past = random_history(8, 60)
    policy = Policy(Percent(150), destination=destination, scope=scope)
    targets = weights(5000, 3000, 2000)
    (trades,) = run_direct(past, targets, [policy])
    made = [(session, True) for session in trades.sessions.tolist()]

    breached = [
        session
        for session in range(1, past.length)
        if breached_after(past, targets, policy, [one for one in made if one[0] < session], session)
    ]

    assert breached == trades.sessions.tolist()
    assert len(breached) > 5


@pytest.mark.slow
def test_policies_that_return_to_the_targets_agree_with_the_simulation() -> None:
    past, policies = random_history(11, 200), random_policies(11, 20)

    for cost in (0, 40):
        found = run_direct(past, TARGETS, policies, cost_bps=cost)
        simulations = [simulated(past, TARGETS, policy, Fraction(cost, 10_000)) for policy in policies]
        assert [trades.sessions.tolist() for trades in found] == simulations


@pytest.mark.parametrize("delay", [0, 1])
def test_decisions_do_not_depend_on_the_future(delay: int) -> None:
    past, known = random_history(21, 160), 90
    later = list(past.rows[known + 1 :])
    random.Random(1).shuffle(later)
    other = replace(past, rows=(*past.rows[: known + 1], *later))
    policies = [replace(p, destination=d, scope=s) for p in random_policies(21, 6) for d, s in PLACES]

    own, shuffled = (run_direct(each, TARGETS, policies, fill_delay=delay) for each in (past, other))

    for before, after in zip(own, shuffled, strict=True):
        assert before.sessions[before.sessions <= known].tolist() == after.sessions[after.sessions <= known].tolist()
    assert sum(len(each.sessions) for each in own) > 100


@pytest.mark.parametrize("delay", [0, 1])
def test_stopping_earlier_trades_less(delay: int) -> None:
    past, base = random_history(3, 400), Policy(absolute=Percent(200))
    policies = [base, *(replace(base, destination=d) for d in (Destination.MIDDLE, Destination.EDGE))]

    backtest = run_backtest("x", TARGETS, past, policies, cost_bps=5, fill_delay=delay)

    turnovers = [outcome.figures.turnover for outcome in backtest.outcomes]
    assert turnovers[0] > turnovers[1] > turnovers[2] > 0
    path = backtest.path(backtest.outcomes[2])
    assert path.equity[-1] == pytest.approx(backtest.outcomes[2].figures.final, rel=1e-3)
    assert path.shares.sum(axis=0).max() < 1


def test_prices_that_stand_still_leave_an_asset_on_its_edge() -> None:
    """A deviation that is equal to its band does not breach it."""
    past = history([["100", "100"], ["130", "100"], ["130", "100"], ["130.01", "100"]])
    policy = Policy(absolute=Percent(500), destination=Destination.EDGE)

    (trades,) = run_direct(past, weights(5000, 5000), [policy])

    assert trades.sessions.tolist() == [1, 3]
    with pytest.raises(Canceled):
        run_direct(random_history(1), TARGETS, [policy], canceled=lambda: True)


@pytest.mark.slow
def test_a_drift_near_its_band_is_decided_in_numbers_that_do_not_grow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Standing prices leave assets on their edges. Exact fractions would be longer after every rebalance."""
    past = random_history(5, 150, 12)
    past = replace(past, rows=(*past.rows[:-1], past.rows[-2]))
    policy, targets = Policy(absolute=Percent(4), destination=Destination.EDGE), weights(*[800] * 12, cash=400)
    (trades,) = run_direct(past, targets, [policy])
    made = [(session, True) for session in trades.sessions.tolist()]
    moved, digits = exact_path._moved, list[int]()

    def recorded(*given: Any) -> list[int]:
        values = moved(*given)
        digits.append(len(str(max(values))))
        return values

    monkeypatch.setattr(exact_path, "_moved", recorded)

    assert not breached_after(past, targets, policy, made, past.length - 1)

    assert len(made) > 140
    assert max(digits) <= digits[0] + 2
