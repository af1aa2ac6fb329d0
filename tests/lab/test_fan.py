"""The luck of the day: start days and calendar days of a policy."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from rebal_tui.domain.portfolios import CalendarCondition, CalendarType, Destination, RebalanceScope
from rebal_tui.domain.quantities import Percent
from rebal_tui.lab.backtest import run_backtest
from rebal_tui.lab.fan import calendar_days, days_of, start_days
from rebal_tui.lab.figures import mix_equity
from rebal_tui.lab.policies import Policy
from rebal_tui.lab.progress import Canceled
from tests.lab.histories import random_history, weights

TARGETS = weights(5000, 2500, 2000, cash=500)
QUARTERLY = Policy(calendar=CalendarCondition(CalendarType.QUARTERLY, "15"))


@pytest.mark.slow
@pytest.mark.parametrize(
    "policy",
    [
        Policy(Percent(200), Percent(1000), None, 7),
        Policy(Percent(150), destination=Destination.EDGE, scope=RebalanceScope.BREACHED, cooldown_days=3),
        Policy(Percent(150), None, QUARTERLY.calendar, destination=Destination.MIDDLE),
    ],
)
def test_each_start_day_is_a_backtest_of_the_later_sessions(policy: Policy) -> None:
    past = random_history(5, 540)
    fan = start_days(run_backtest("x", TARGETS, past, [policy], cost_bps=5), policy)

    assert fan is not None
    count = len(fan.labels)
    assert (fan.first, fan.labels[0]) == (count - 1, past.days[0].isoformat())
    for start in (0, 7, count - 1):
        later = run_backtest("x", TARGETS, past.part(start, past.length), [policy], cost_bps=5)
        path = later.path(later.own)
        common = path.equity[fan.first - start :]
        assert fan.equity[start] == pytest.approx(common / common[0], rel=1e-9)
        assert fan.worst[start] == pytest.approx(path.absolute[fan.first - start :][1:].max(), rel=1e-9)
    assert fan.spread == pytest.approx(fan.annual_return.max() - fan.annual_return.min())


def test_calendar_days_are_variants_over_the_whole_history() -> None:
    past = random_history(6, 400)
    backtest = run_backtest("x", TARGETS, past, [QUARTERLY])
    fan = calendar_days(backtest, QUARTERLY)

    assert fan is not None
    assert fan.first == 0
    assert "15" in fan.labels
    number = fan.labels.index("1")
    other = run_backtest(
        "x", TARGETS, past, [replace(QUARTERLY, calendar=CalendarCondition(CalendarType.QUARTERLY, "1"))]
    )
    assert fan.equity[number] == pytest.approx(other.path(other.own).equity, rel=1e-12)
    assert fan.turnover[number] == pytest.approx(other.own.figures.turnover, rel=1e-9)
    assert fan.rms[number] == pytest.approx(other.own.figures.rms, rel=1e-9)
    low, high = fan.around
    assert (low <= 1).all()
    assert (high >= 1).all()
    assert len({fan.equity[n].tobytes() for n in range(len(fan.labels))}) == len(fan.labels)


def test_what_has_no_fan() -> None:
    short = random_history(6, 300)
    backtest = run_backtest("x", TARGETS, short, [Policy()])

    assert start_days(backtest, Policy()) is None
    assert calendar_days(backtest, Policy()) is None
    with pytest.raises(Canceled):
        calendar_days(backtest, QUARTERLY, canceled=lambda: True)


def test_a_policy_that_trades_every_day_depends_on_no_start_day() -> None:
    past = random_history(7, 540)
    policy = Policy(absolute=Percent(0))
    fan = start_days(run_backtest("x", TARGETS, past, [policy]), policy)

    assert fan is not None
    assert fan.spread == pytest.approx(0, abs=1e-12)
    mix = mix_equity(past.closes, np.array([0.5, 0.25, 0.2]))
    assert fan.equity[3] == pytest.approx(mix[fan.first :] / mix[fan.first], rel=1e-9)


def test_every_day_of_a_calendar() -> None:
    assert days_of(CalendarType.WEEKLY) == ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday")
    assert days_of(CalendarType.MONTHLY)[-1] == "31"
    assert (len(days_of(CalendarType.ANNUALLY)), days_of(CalendarType.ANNUALLY)[59]) == (366, "02-29")
