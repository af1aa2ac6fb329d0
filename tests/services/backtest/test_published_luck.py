"""Published figures of luck and of destinations, on the same data."""

from __future__ import annotations

from pathlib import Path

import pytest

from rebal_tui.domain.portfolios import AssetWeight, CalendarCondition, CalendarType, Destination, Weights
from rebal_tui.domain.quantities import Percent
from rebal_tui.lab.backtest import run_backtest
from rebal_tui.lab.fan import calendar_days
from rebal_tui.lab.luck import luck_of
from rebal_tui.lab.policies import Policy
from rebal_tui.market.closes_file import read_closes
from rebal_tui.market.monthly_returns import read_monthly_returns
from rebal_tui.services.backtest.histories import closes_source, returns_source
from rebal_tui.services.backtest.literature import MONTHLY_FILE

REAL = Path(__file__).parents[4] / "shared" / "data" / "etf_daily_close_2009_2024.csv"
STOCKS_BONDS = Weights((AssetWeight("STOCK", Percent(6000)), AssetWeight("BOND", Percent(4000))))
MONTHS = returns_source("monthly", read_monthly_returns(MONTHLY_FILE), STOCKS_BONDS.symbols).history


@pytest.mark.slow
def test_the_month_of_a_yearly_rebalance_is_worth_hundreds_of_basis_points() -> None:
    policy = Policy(calendar=CalendarCondition(CalendarType.ANNUALLY, "12-31"))
    ends = ("01-31", "02-29", *(f"{month:02}-{30 + (month in (3, 5, 7, 8, 10, 12))}" for month in range(3, 13)))
    fan = calendar_days(run_backtest("60/40", STOCKS_BONDS, MONTHS, [policy]), policy, ends)

    assert fan is not None
    assert len(fan.labels) == 12
    years = dict(fan.years())
    assert {year: round(1e4 * years[year]) for year in (2009, 1932, 1933, 1938)} == {
        2009: 637, 1932: 1178, 1933: 870, 1938: 811,
    }  # fmt: skip
    assert (round(100 * min(fan.annual_return), 2), round(100 * max(fan.annual_return), 2)) == (8.75, 8.99)
    assert (round(min(fan.equity[:, -1])), round(max(fan.equity[:, -1]))) == (2333, 2853)


@pytest.mark.slow
def test_intervals_of_the_return_contain_no_difference_while_turnover_and_tracking_differ() -> None:
    """60/40 checked yearly with 5 points, compared with monthly, quarterly, yearly with 10 points, and never.

    The published intervals have 2,000 resamples; with 600 a bound varies by a few basis points.
    """
    policies = [
        Policy(absolute=Percent(500), look=12), Policy(absolute=Percent(0)), Policy(absolute=Percent(0), look=3),
        Policy(absolute=Percent(1000), look=12), Policy(),
    ]  # fmt: skip
    backtest = run_backtest("60/40", STOCKS_BONDS, MONTHS, policies)
    luck = luck_of(backtest, resamples=600, block=24)
    own = backtest.own.figures.annual_return

    published = {1: (-23, -31, 7), 2: (-12, -26, 14), 3: (5, -15, 25), 4: (37, -66, 228)}
    for number, (actual, low, high) in published.items():
        assert round(1e4 * (backtest.outcomes[number].figures.annual_return - own)) == actual
        wide = high - low
        assert 1e4 * luck.annual_return.low[number] == pytest.approx(low, abs=0.1 * wide)
        assert 1e4 * luck.annual_return.high[number] == pytest.approx(high, abs=0.1 * wide)
    assert luck.sentence == "Return: no difference beyond luck. Turnover: some differ. Tracking: some differ."


@pytest.mark.slow
@pytest.mark.skipif(not REAL.exists(), reason="the price history is not part of the repository")
def test_stopping_before_the_target_trades_less_than_quarterly_at_the_same_deviation() -> None:
    weights = Weights((AssetWeight("SPY", Percent(6000)), AssetWeight("AGG", Percent(4000))))
    past = closes_source("etf", read_closes(REAL), weights.symbols).history
    quarterly = Policy(calendar=CalendarCondition(CalendarType.QUARTERLY, "31"))
    edge = Policy(absolute=Percent(192), destination=Destination.EDGE)
    middle = Policy(absolute=Percent(250), destination=Destination.MIDDLE)
    theirs, *ours = (o.figures for o in run_backtest("x", weights, past, [quarterly, edge, middle]).outcomes)

    assert [one.rms for one in ours] == pytest.approx([theirs.rms] * 2, rel=0.03)
    assert [round(100 * (1 - one.turnover / theirs.turnover)) for one in ours] == [25, 23]
