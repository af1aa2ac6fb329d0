"""Weights that are shown: each is rounded by itself, as in the checks."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rebal_tui.domain.decisions import Plan
from rebal_tui.domain.portfolios import Destination
from rebal_tui.domain.quantities import format_scaled, parse_money
from rebal_tui.domain.trading_rules import TradeRestriction
from rebal_tui.engine.liquidation import plan_partial_liquidation
from rebal_tui.engine.plan_lines import Holdings
from rebal_tui.engine.planning import plan_full_rebalance
from rebal_tui.engine.shares import goal_shares, planned_shares, share
from rebal_tui.engine.trace_text import ratio_text
from tests.engine.support import band, holdings, weights
from tests.engine.test_restricted_plans import restriction, rules, start


@pytest.mark.parametrize(
    ("part", "whole", "shown"),
    [
        (60, 100, 6000),
        (1, 3, 3333),
        (2, 3, 6667),
        (12345, 100_000, 1234),
        (87655, 100_000, 8766),
        (-10, 100, -1000),
        (Fraction(1, 3), Fraction(2, 3), 5000),
        (1, 0, 0),
        (1, -1, 0),
    ],
)
def test_a_share_is_rounded_half_even(part: int | Fraction, whole: int | Fraction, shown: int) -> None:
    assert share(part, whole) == shown


@given(st.lists(st.integers(0, 10**30), min_size=1, max_size=20).filter(any))
def test_a_share_is_the_figure_of_the_checks_whatever_the_others_are(parts: list[int]) -> None:
    """A limit that no share can read as, so that the check needs no more than two decimals."""
    whole = sum(parts)
    for part in parts:
        assert format_scaled(share(part, whole), 2, 2) == ratio_text(part * 10_000, whole, -1)


BALANCED = weights("5", SPY="60", TLT="35")
NO_SELL = restriction("no_sell", "SPY")
GME = restriction("unmanaged", "GME")
HELD = {"SPY": "700", "TLT": "240"}
"""At $100 a share, with $6,000 of cash: 70/24/6 of $100,000."""


def full(state: Holdings) -> Plan:
    return plan_full_rebalance(state, BALANCED)


def withdrawing(amount: str) -> Callable[[Holdings], Plan]:
    return lambda state: plan_partial_liquidation(state, BALANCED, parse_money(amount))


@pytest.mark.parametrize(
    ("planned", "given", "others", "after"),
    [
        (full, [], {}, {"SPY": 6000, "TLT": 3500, "cash": 500}),
        (full, [NO_SELL], {}, {"SPY": 7000, "TLT": 2500, "cash": 500}),
        (full, [GME], {"GME": "999"}, {"SPY": 6000, "TLT": 3500, "cash": 500}),
        (withdrawing("10000"), [], {}, {"SPY": 6150, "TLT": 2400, "cash": 1450}),
        (withdrawing("100000"), [], {}, {"SPY": 0, "TLT": 0, "cash": 10_000}),
    ],
    ids=["to target", "no sell", "unmanaged", "withdrawal", "everything"],
)
def test_the_weights_of_a_plan_are_those_of_its_equity_before_and_after_its_orders(
    planned: Callable[[Holdings], Plan], given: list[TradeRestriction], others: dict[str, str], after: dict[str, int]
) -> None:
    """Unmanaged holdings have no weight; what a withdrawal raised is still cash of the account."""
    plan = planned(start("6000", {**HELD, **others}, rules(*given)))
    assert planned_shares(plan) == ({"SPY": 7000, "TLT": 2400, "cash": 600}, after)
    assert [list(shares) for shares in planned_shares(plan)] == [["SPY", "TLT", "cash"]] * 2


def test_a_line_without_an_order_keeps_its_weight_and_a_holding_that_is_closed_has_none() -> None:
    state = holdings("1", {"OLD": "1", "A": "1"}, {"OLD": "0.5", "A": "1.5"})
    assert planned_shares(plan_full_rebalance(state, weights("50", A="50"))) == (
        {"A": 5000, "OLD": 1667, "cash": 3333},
        {"A": 5000, "OLD": 0, "cash": 5000},
    )


def test_an_account_without_equity_has_no_weights() -> None:
    plan = plan_full_rebalance(holdings("0", {}, {"SPY": "100", "TLT": "100"}), BALANCED)
    assert planned_shares(plan) == ({"SPY": 0, "TLT": 0, "cash": 0}, {"SPY": 0, "TLT": 0, "cash": 0})


@pytest.mark.parametrize(
    ("planned", "given", "goals"),
    [
        (full, [], {}),
        (full, [NO_SELL], {"SPY": 7000, "TLT": 2500, "cash": 500}),
        (full, [NO_SELL, restriction("no_buy", "TLT")], {"SPY": 7000, "TLT": 2400, "cash": 600}),
        (full, [restriction("unmanaged", "TLT")], {"SPY": 9500, "cash": 500}),
        (withdrawing("10000"), [], {}),
        (withdrawing("10000"), [NO_SELL], {"SPY": 7778, "TLT": 1722, "cash": 500}),
        (withdrawing("100000"), [restriction("no_buy", "SPY")], {}),
    ],
    ids=["no rule", "no sell", "both held", "unmanaged", "withdrawal", "restricted withdrawal", "everything"],
)
def test_the_goals_of_a_plan_are_those_of_the_equity_that_it_leaves(
    planned: Callable[[Holdings], Plan], given: list[TradeRestriction], goals: dict[str, int]
) -> None:
    """R-61: only restrictions and destinations bring a line elsewhere than to its weight. R-23: of $90,000 that remain,
    SPY keeps 70,000, TLT 15,500 and cash 4,500.
    """
    assert goal_shares(planned(start("6000", HELD, rules(*given)))) == goals


@pytest.mark.parametrize(
    ("destination", "goals"),
    [
        (Destination.TARGET, {}),
        (Destination.MIDDLE, {"SPY": 6250, "TLT": 3250, "cash": 500}),
        (Destination.EDGE, {"SPY": 6500, "TLT": 3000, "cash": 500}),
    ],
)
def test_the_goals_of_a_run_of_a_band_are_where_it_stops(destination: Destination, goals: dict[str, int]) -> None:
    """R-62: SPY 68,000, TLT 27,500, cash 4,500; a band of 5 points."""
    state = start("4500", {"SPY": "680", "TLT": "275"}, rules(destination=destination))
    assert goal_shares(plan_full_rebalance(state, BALANCED, (band("absolute", "5"),))) == goals
