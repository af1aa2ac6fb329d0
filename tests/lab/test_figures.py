"""Figures of a policy, computed by hand for small histories."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from rebal_tui.domain.portfolios import (
    BandType,
    CalendarCondition,
    CalendarType,
    Destination,
    DriftBand,
    RebalanceScope,
)
from rebal_tui.domain.quantities import Percent
from rebal_tui.lab.backtest import run_backtest
from rebal_tui.lab.cheaper import cheaper_sentence
from rebal_tui.lab.dominance import dominated, redundant
from rebal_tui.lab.figures import longest_run
from rebal_tui.lab.neighbors import Neighborhood
from rebal_tui.lab.policies import Policy, default_grid, own_policy
from tests.lab.histories import history, random_history, weights


def test_figures_of_two_assets_in_four_sessions() -> None:
    """50/50, $1. At 150/100 the shares are 60/40: 0.625 of 1.25 sold is 0.125. Then 150/100 again, then 150/200."""
    past = history([["100", "100"], ["150", "100"], ["150", "100"], ["150", "200"]])
    policy = Policy(absolute=Percent(500))
    own = Policy(absolute=Percent(500), calendar=CalendarCondition(CalendarType.ANNUALLY, "06-30"))

    outcome = run_backtest("x", weights(5000, 5000), past, [own, policy]).outcomes[1]
    figures = outcome.figures

    equity = np.array([1, 1.25, 1.25, 1.875])
    years = 3 / 365.25
    assert outcome.days == (past.days[1], past.days[3])
    assert (figures.rebalances, figures.trades) == (2, 4)
    assert figures.turnover == pytest.approx((0.125 + 0.3125) / equity.mean() / years)
    assert figures.worst == pytest.approx(1 / 6)
    assert figures.rms == pytest.approx(np.sqrt((0.1**2 + (1 / 6) ** 2) / 4))
    assert figures.outside == 0.5
    assert figures.longest_outside == 1
    assert figures.final == pytest.approx(1.875)
    assert figures.annual_return == pytest.approx(1.875 ** (1 / years) - 1)
    assert figures.worst_year is None
    assert figures.cash_drag == pytest.approx(0, abs=1e-9)


def test_outside_is_measured_by_the_bands_of_the_portfolios_own_policy() -> None:
    past = history([["100", "100"], ["150", "100"], ["150", "100"]])
    own, never = Policy(absolute=Percent(500)), Policy()

    outcomes = run_backtest("x", weights(5000, 5000), past, [own, never]).outcomes

    assert [outcome.figures.outside for outcome in outcomes] == pytest.approx([1 / 3, 2 / 3])
    assert outcomes[1].figures.longest_outside == 2


def test_a_policy_is_dominated_when_another_is_better_and_nowhere_worse() -> None:
    """Rebalancing is no better when the price comes back: rms and worst are the same as without. Else it is nearer."""
    back = history([["100", "100"], ["112", "100"], ["112", "100"], ["100", "100"]])
    on = history([["100", "100"], ["112", "100"], ["125", "100"], ["125", "100"]])
    policies = [Policy(), Policy(absolute=Percent(100)), Policy(absolute=Percent(200)), Policy(absolute=Percent(2000))]

    figures_back, figures_on = (
        [o.figures for o in run_backtest("x", weights(5000, 5000), past, policies).outcomes] for past in (back, on)
    )

    assert dominated(figures_back) == (False, True, True, False)
    assert dominated(figures_on) == (False, False, False, False)
    assert longest_run(np.array([False, True, True, False, True])) == 2
    assert longest_run(np.array([True, True])) == 2


def test_of_policies_that_never_trade_the_first_is_listed() -> None:
    """Rounding errors of the two ways of computing a path differ, but are no reason to leave one out."""
    past, wide = random_history(5, 260), Policy(relative=Percent(9000))
    policies = [Policy(absolute=Percent(100)), Policy(), wide, replace(wide, destination=Destination.EDGE)]
    outcomes = run_backtest("x", weights(6000, 3000, 1000), past, policies).outcomes
    off_by_rounding = replace(outcomes[1].figures, rms=float(np.nextafter(outcomes[2].figures.rms, 1)))

    assert [outcome.days for outcome in outcomes[1:]] == [()] * 3
    assert redundant(outcomes) == (False, False, True, True)
    rounded = redundant([outcomes[0], replace(outcomes[1], figures=off_by_rounding), *outcomes[2:]])
    assert rounded == (False, False, True, True)


def test_policies_of_the_same_days_but_other_figures_are_all_listed() -> None:
    past, whole = history([["100", "100"], ["150", "100"], ["150", "100"]]), Policy(absolute=Percent(500))
    edge = replace(whole, destination=Destination.EDGE)

    outcomes = run_backtest("x", weights(5000, 5000), past, [whole, edge]).outcomes

    assert outcomes[0].days == outcomes[1].days != ()
    assert outcomes[0].figures.turnover > outcomes[1].figures.turnover
    assert redundant(outcomes) == (False, False)


def test_the_own_policy_takes_the_tightest_band_of_each_kind() -> None:
    bands = [DriftBand(BandType.ABSOLUTE, Percent(p)) for p in (700, 300)] + [
        DriftBand(BandType.RELATIVE, Percent(2000))
    ]
    calendar = CalendarCondition(CalendarType.MONTHLY, "15")

    own = own_policy([*bands, calendar], 7)

    assert own == Policy(Percent(300), Percent(2000), calendar, 7)
    assert own.label == "±3/20 % monthly 15th 7 d"
    assert default_grid(own)[0] == own
    assert 75 <= len(default_grid(own)) <= 130


def test_the_policy_that_costs_less_is_named() -> None:
    past = history([[price, "100"] for price in ("100", "110", "100", "110", "125")])
    own, wide, never = Policy(absolute=Percent(100)), Policy(absolute=Percent(400)), Policy()

    figures = [o.figures for o in run_backtest("x", weights(5000, 5000), past, [own, never, wide]).outcomes]

    assert cheaper_sentence(figures, "yours").startswith("Costs less than yours, but tracks worse: ±4 pp: ")
    none = cheaper_sentence([figures[2], figures[1]], "the sample's")
    assert none == "No policy costs noticeably less than the sample's."
    assert cheaper_sentence([replace(figures[0], worst=1.0, rms=1.0), figures[2]], "yours").startswith(
        "Costs less than yours and tracks about as well or better: ±4 pp: "
    )
    close = replace(figures[2], turnover=1.05 * figures[2].turnover)
    assert cheaper_sentence([close, figures[2]], "yours").startswith("No ")
    around = Neighborhood("±3 pp and ±5 pp", 0.05, 0.06, figures[2].turnover, 1.1 * figures[2].turnover)
    near = cheaper_sentence(figures, "yours", [None, None, around])
    assert " With ±3 pp and ±5 pp instead: turnover " in near
    assert "so the exact band matters" not in near
    wider = replace(around, high_turnover=1.1 * figures[0].turnover)
    assert cheaper_sentence(figures, "yours", [None, None, wider]).endswith(" %, so the exact band matters.")
    dearer = replace(figures[2], policy=Policy(absolute=Percent(500)), turnover=1.01 * figures[2].turnover)
    assert " ±5 pp: " in cheaper_sentence([*figures, dearer], "yours", [None, None, wider, around])


@pytest.mark.parametrize(
    ("policy", "label"),
    [
        (Policy(), "never"),
        (Policy(absolute=Percent(750)), "±7.5 pp"),
        (Policy(relative=Percent(2000), look=10), "±20 % every 10 sessions"),
        (Policy(Percent(500), Percent(2000), destination=Destination.MIDDLE), "±5/20 %→halfway"),
    ],
)
def test_labels(policy: Policy, label: str) -> None:
    assert policy.label == label


@pytest.mark.parametrize(
    ("policy", "text"),
    [
        (Policy(), "Never rebalances."),
        (
            Policy(Percent(500), Percent(2000), CalendarCondition(CalendarType.MONTHLY, "15"), 7, 10),
            "Rebalances when an asset is more than 5 points from its target or an asset is off by more than 20 % of "
            "its target or its day comes (monthly on the 15th); 7 days after the last time at the earliest; the bands "
            "are checked every 10 sessions; all assets trade, to the target.",
        ),
        (
            Policy(Percent(500), destination=Destination.EDGE, scope=RebalanceScope.BREACHED),
            "Rebalances when an asset is more than 5 points from its target; assets outside their band trade, to the "
            "edge of the band.",
        ),
    ],
)
def test_descriptions(policy: Policy, text: str) -> None:
    assert policy.description == text
