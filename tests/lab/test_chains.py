"""Rebalances of many policies at once against an independent simulation in fractions, one policy at a time."""

from __future__ import annotations

import random
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rebal_tui.domain.portfolios import CalendarCondition, CalendarType
from rebal_tui.domain.quantities import Percent
from rebal_tui.lab import band_table, chains
from rebal_tui.lab.backtest import run_backtest
from rebal_tui.lab.chains import run_chains, run_events
from rebal_tui.lab.history import History
from rebal_tui.lab.policies import Policy
from rebal_tui.lab.progress import Canceled
from tests.lab.histories import history, random_history, simulated, weights

TARGETS = weights(5000, 3000, 1500, cash=500)


def random_policies(seed: int, count: int) -> list[Policy]:
    draw = random.Random(seed)
    return [
        Policy(
            draw.choice([None, Percent(draw.randint(0, 400))]),
            draw.choice([None, Percent(draw.randint(100, 2000))]),
            draw.choice([None, None, CalendarCondition(CalendarType.MONTHLY, str(draw.randint(1, 28)))]),
            draw.choice([0, 0, 3, 7, 31]),
            look := draw.choice([1, 1, 5, 10]),
            phase=draw.randrange(look),
        )
        for _ in range(count)
    ]


def events_of(past: History, policies: list[Policy], fill_delay: int = 0) -> list[list[int]]:
    return [events.tolist() for events in run_chains(past, TARGETS, policies, fill_delay=fill_delay).events or ()]


@pytest.mark.slow
@pytest.mark.parametrize("many", [1, 200])
def test_rebalances_are_the_same_without_the_figures(monkeypatch: pytest.MonkeyPatch, many: int) -> None:
    monkeypatch.setattr(chains, "MANY", many)
    past, policies = random_history(2, 90), random_policies(2, 40)

    found = run_events(past, TARGETS, policies, fill_delay=1)

    assert [events.tolist() for events in found] == events_of(past, policies, 1)
    assert run_events(past, TARGETS, [Policy()])[0].tolist() == []
    assert run_events(past, TARGETS, []) == ()


@pytest.mark.slow
@pytest.mark.parametrize(("width", "many"), [(7, 1), (7, 200), (256, 200)])
def test_every_rebalance_is_that_of_a_simulation_day_by_day(
    monkeypatch: pytest.MonkeyPatch, width: int, many: int
) -> None:
    """Rows of a table are computed together for `many` policies."""
    monkeypatch.setattr(band_table, "WIDTH", width)
    monkeypatch.setattr(chains, "MANY", many)
    policies = random_policies(width, 60)
    past = random_history(width, 260)

    found = events_of(past, policies)

    assert found == [simulated(past, TARGETS, policy) for policy in policies]
    assert sum(map(len, found)) > 300


@pytest.mark.slow
@given(
    st.lists(st.lists(st.sampled_from(["90", "100", "110", "120"]), min_size=3, max_size=3), min_size=3, max_size=12)
)
@settings(max_examples=30, deadline=None)
def test_exact_ties_are_decided_as_the_engine_does(rows: list[list[str]]) -> None:
    past = history(rows)
    policies = [Policy(absolute=Percent(a), cooldown_days=c) for a in range(0, 400, 25) for c in (0, 4)]
    policies += [Policy(relative=Percent(r)) for r in range(100, 1100, 100)]

    assert events_of(past, policies) == [simulated(past, TARGETS, policy) for policy in policies]


def test_a_drift_equal_to_its_band_does_not_fire() -> None:
    """From 50/50, 110 against 90 is 55 % exactly; the next step is beyond 5 points by a billionth of a dollar."""
    halves = weights(5000, 5000)
    past = history([["100", "100"], ["110", "90"], ["110.000000001", "90"]])

    chain = run_chains(past, halves, [Policy(absolute=Percent(500)), Policy(relative=Percent(1000))])

    assert chain.events is not None
    assert [events.tolist() for events in chain.events] == [[2], [2]]


@pytest.mark.slow
@given(st.integers(0, 10_000), st.integers(5, 115))
@settings(max_examples=15, deadline=None)
def test_decisions_do_not_depend_on_the_future(seed: int, known: int) -> None:
    past = random_history(seed)
    rows = list(past.rows[known + 1 :])
    random.Random(seed).shuffle(rows)
    other = replace(past, rows=(*past.rows[: known + 1], *rows))
    policies = random_policies(seed, 12)

    for own, shuffled in zip(events_of(past, policies), events_of(other, policies), strict=True):
        assert [e for e in own if e <= known] == [e for e in shuffled if e <= known]


@pytest.mark.slow
def test_the_sums_of_the_chains_are_those_of_the_paths() -> None:
    past, policies = random_history(5, 500), random_policies(5, 20)

    sums = run_chains(past, TARGETS, policies, cost_bps=10)
    backtest = run_backtest("x", TARGETS, past, policies, cost_bps=10)

    for number, outcome in enumerate(backtest.outcomes):
        path, figures = backtest.path(outcome), outcome.figures
        assert sums.final[number] == pytest.approx(figures.final, rel=1e-12)
        assert sums.sold[number] == pytest.approx(path.sold.sum(), rel=1e-12)
        assert sums.cost[number] == pytest.approx(path.cost.sum(), rel=1e-12)
        assert sums.equity_sum[number] == pytest.approx(path.equity.sum(), rel=1e-12)
        assert sums.square_sum[number] == pytest.approx((path.absolute**2).sum(), rel=1e-9)
        assert sums.worst[number] == pytest.approx(figures.worst, rel=1e-12)
        assert (sums.rebalances[number], sums.trades[number]) == (figures.rebalances, figures.trades)


def test_costs_leave_the_days_unchanged_and_reduce_equity_by_what_was_traded() -> None:
    past = random_history(9, 300)
    policy = Policy(absolute=Percent(150))
    free, costly = (run_chains(past, TARGETS, [policy], cost_bps=bps) for bps in (0, 50))

    assert free.events is not None
    assert costly.events is not None
    assert np.array_equal(free.events[0], costly.events[0])
    assert free.events[0].tolist() == simulated(past, TARGETS, policy, Fraction(50, 10_000))
    assert costly.final[0] < free.final[0]
    assert costly.cost[0] == pytest.approx(free.final[0] - costly.final[0], rel=0.2)


def test_a_rebalance_decided_at_a_close_can_be_filled_at_the_next() -> None:
    past = history([["100", "100", "100"], ["120", "100", "100"], ["150", "100", "100"], ["150", "100", "100"]])
    policy = Policy(absolute=Percent(300))

    assert events_of(past, [policy]) == [[1, 2]]
    assert events_of(past, [policy], fill_delay=1) == [[2]]


def test_a_computation_can_be_canceled() -> None:
    with pytest.raises(Canceled):
        run_chains(random_history(1), TARGETS, [Policy()], canceled=lambda: True)


def test_no_policy_has_no_result() -> None:
    assert run_chains(random_history(1), TARGETS, []).events == ()


@pytest.mark.slow
@pytest.mark.parametrize("delay", [0, 1])
def test_a_few_policies_have_the_figures_that_they_have_among_many(monkeypatch: pytest.MonkeyPatch, delay: int) -> None:
    past, policies = random_history(17, 300), random_policies(17, 60)
    few = run_chains(past, TARGETS, policies, cost_bps=20, fill_delay=delay)
    monkeypatch.setattr(chains, "MANY", 1)

    many = run_chains(past, TARGETS, policies, cost_bps=20, fill_delay=delay)

    assert [each.tolist() for each in few.events or ()] == [each.tolist() for each in many.events or ()]
    assert few.rebalances.tolist() == many.rebalances.tolist()
    for name in ("trades", "final", "sold", "cost", "equity_sum", "square_sum", "worst"):
        assert np.allclose(getattr(few, name), getattr(many, name), rtol=1e-12, atol=1e-15), name
