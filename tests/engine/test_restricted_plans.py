"""The examples of the rules for restrictions, destination and scope, to the cent (R-60 to R-63)."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest

from rebal_tui.domain.decisions import Decision, LineReason, Outcome, Plan, Verdict
from rebal_tui.domain.portfolios import Destination, MinimumTrade, RebalanceScope
from rebal_tui.domain.quantities import Money, Percent, money_text, parse_money, qty_text
from rebal_tui.domain.trading_rules import (
    RangeUnit,
    RestrictionKind,
    RestrictionScope,
    TradeRestriction,
    TradingRules,
)
from rebal_tui.engine.buys import wanted_dollars
from rebal_tui.engine.evaluation import evaluate
from rebal_tui.engine.plan_lines import Holdings
from rebal_tui.engine.planning import plan_full_rebalance
from rebal_tui.engine.trace_text import buys_cut_text
from tests.engine.support import asset, band, holdings, situation, weights

BANDS = (band("absolute", "5"), band("relative", "20"))


def restriction(kind: str, symbol: str | None = None, **given: object) -> TradeRestriction:
    made = TradeRestriction("r", RestrictionScope.ACCOUNT, RestrictionKind(kind), "low basis", symbol)
    return replace(made, **given)  # type: ignore[arg-type]  # the fields of a restriction


def rules(*restrictions: TradeRestriction, **given: object) -> TradingRules:
    return replace(TradingRules(restrictions), **given)  # type: ignore[arg-type]  # the fields of the rules


def start(cash: str, positions: dict[str, str], given: TradingRules, prices: dict[str, str] | None = None) -> Holdings:
    """A holding of each asset at $100 a share, unless priced otherwise."""
    quoted = prices or dict.fromkeys(positions, "100")
    return replace(holdings(cash, positions, quoted), rules=given)


def orders(plan: Plan) -> dict[str, str]:
    """`-8000.00` for a sell, `7500.00` for a buy, by symbol."""
    found = {}
    for line in plan.lines:
        if line.notional is not None:
            found[line.symbol] = money_text(line.notional)
        elif line.qty is not None:
            found[line.symbol] = "-" + money_text(Money(line.qty * (line.price or 0) // 10**9))
    return found


def reasons(plan: Plan) -> dict[str, LineReason]:
    return {line.symbol: line.reason for line in plan.lines}


def decided(given: TradingRules, cash: str, positions: dict[str, str]) -> Decision:
    made = situation(cash=cash, positions=positions, conditions=BANDS)
    return evaluate(replace(made, rules=given))


def test_a_line_that_may_not_be_sold_scales_the_others() -> None:
    given = rules(restriction("no_sell", "SPY"))
    made = decided(given, "6000", {"SPY": "700", "TLT": "240"})
    assert made.reachable is not None
    assert made.reachable.factor == Fraction(5, 7)
    assert [line.reachable for line in made.reachable.lines] == [Fraction(7, 10), Fraction(1, 4)]
    assert made.reachable.cash == Fraction(1, 20)
    assert made.reachable.lines[0].reason is LineReason.NO_SELL
    drift = next(check for check in made.trace if check.check == "drift_band")
    assert drift.verdict is Verdict.NO
    plan = plan_full_rebalance(start("6000", {"SPY": "700", "TLT": "240"}, given), weights("5", SPY="60", TLT="35"))
    assert orders(plan) == {"TLT": "1000.00"}
    assert reasons(plan)["SPY"] is LineReason.NO_SELL


def test_a_fully_held_account_trades_in_no_way() -> None:
    given = rules(restriction("no_sell", "SPY"), restriction("no_buy", "TLT"))
    made = decided(given, "6000", {"SPY": "700", "TLT": "240"})
    assert made.reachable is not None
    assert made.reachable.factor is None
    assert made.reachable.cash == Fraction(6, 100)
    assert made.outcome is Outcome.NONE
    plan = plan_full_rebalance(start("6000", {"SPY": "700", "TLT": "240"}, given), weights("5", SPY="60", TLT="35"))
    assert orders(plan) == {}
    assert reasons(plan) == {"SPY": LineReason.NO_SELL, "TLT": LineReason.NO_BUY}


@pytest.mark.parametrize(
    ("destination", "sold", "bought"),
    [
        (Destination.TARGET, "-8000.00", "7500.00"),
        (Destination.MIDDLE, "-5500.00", "5000.00"),
        (Destination.EDGE, "-3000.00", "2500.00"),
    ],
)
def test_a_run_of_a_band_stops_at_its_destination(destination: Destination, sold: str, bought: str) -> None:
    given = rules(destination=destination)
    state = start("4500", {"SPY": "680", "TLT": "275"}, given)
    plan = plan_full_rebalance(state, weights("5", SPY="60", TLT="35"), BANDS)
    assert orders(plan) == {"SPY": sold, "TLT": bought}
    to_target = plan_full_rebalance(state, weights("5", SPY="60", TLT="35"))
    assert orders(to_target) == {"SPY": "-8000.00", "TLT": "7500.00"}
    made = decided(given, "4500", {"SPY": "680", "TLT": "275"})
    assert made.plan is not None
    assert orders(made.plan) == {"SPY": sold, "TLT": bought}


@pytest.mark.parametrize(
    ("destination", "a", "b"),
    [(Destination.TARGET, "-1000.00", "500.00"), (Destination.MIDDLE, "-750.00", "375.00")],
)
def test_breached_lines_are_matched_by_lines_on_the_other_side(destination: Destination, a: str, b: str) -> None:
    given = rules(destination=destination, scope=RebalanceScope.BREACHED)
    state = start("0", {"A": "40", "B": "25", "C": "35"}, given)
    plan = plan_full_rebalance(state, weights(A="30", B="30", C="40"), (band("absolute", "5"),))
    assert orders(plan) == {"A": a, "B": b, "C": b}


def test_only_the_breached_lines_and_what_they_need_are_traded() -> None:
    given = rules(scope=RebalanceScope.BREACHED)
    state = start("0", {"A": "37", "B": "23", "C": "39", "D": "1"}, given)
    plan = plan_full_rebalance(state, weights(A="30", B="30", C="37", D="3"), (band("absolute", "5.5"),))
    assert orders(plan) == {"A": "-700.00", "B": "700.00"}
    assert {reasons(plan)["C"], reasons(plan)["D"]} == {LineReason.SCOPE_NOT_BREACHED}


def test_restrictions_that_exclude_each_other_stop_the_account() -> None:
    over = restriction("range", "SPY", minimum=8000, unit=RangeUnit.PERCENT)
    made = decided(rules(over, restriction("no_buy", "SPY")), "6000", {"SPY": "700", "TLT": "240"})
    assert made.outcome is Outcome.BLOCKED
    assert made.reason.startswith("the restrictions conflict: SPY: range (low basis) and no buy (low basis)")


@pytest.mark.parametrize(
    ("shares", "restrictions", "text"),
    [
        (700, [("no_sell", "SPY")], "SPY stays at 70.00 %: no sell (low basis); the other assets aim at 71.43 % of"),
        (600, [("no_sell", "SPY")], "no asset is kept from its weight"),
        (700, [("lock", "SPY"), ("lock", "TLT")], "; no other asset is free to trade, cash takes or gives the rest"),
    ],
)
def test_the_check_of_restrictions_names_what_they_do(
    shares: int, restrictions: list[tuple[str, str]], text: str
) -> None:
    given = rules(*(restriction(*one) for one in restrictions))
    cash = 100_000 - 100 * shares - 24_000
    made = decided(given, str(cash), {"SPY": str(shares), "TLT": "240"})
    (detail,) = (check.detail for check in made.trace if check.check == "restrictions")
    assert text in detail


def test_a_hold_stops_the_account() -> None:
    made = decided(rules(restriction("hold")), "6000", {"SPY": "700", "TLT": "240"})
    assert made.outcome is Outcome.BLOCKED
    assert made.reason == "hold (low basis)"


def test_an_unmanaged_holding_is_left_out_of_equity_and_lines() -> None:
    given = rules(restriction("unmanaged", "GME"))
    prices = {"SPY": "100", "TLT": "100", "GME": "100"}
    state = start("5000", {"SPY": "600", "TLT": "350", "GME": "999"}, given, prices)
    plan = plan_full_rebalance(state, weights("5", SPY="60", TLT="35"))
    assert orders(plan) == {}
    assert reasons(plan)["GME"] is LineReason.UNMANAGED
    unpriced = replace(state, assets={**state.assets, "GME": asset("GME", None)})
    assert orders(plan_full_rebalance(unpriced, weights("5", SPY="60", TLT="35"))) == {}


def test_a_range_in_shares_follows_the_price() -> None:
    given = rules(restriction("range", "SPY", minimum=650 * 10**9, unit=RangeUnit.SHARES))
    plan = plan_full_rebalance(start("6000", {"SPY": "700", "TLT": "240"}, given), weights("5", SPY="60", TLT="35"))
    assert orders(plan)["SPY"] == "-5000.00"


def test_a_minimum_trade_leaves_small_orders_to_the_lines_still_short() -> None:
    given = rules(minimum_trade=MinimumTrade(Money(0), Percent(100)))
    state = start("8000", {"SPY": "595", "TLT": "325"}, given)
    plan = plan_full_rebalance(state, weights("5", SPY="60", TLT="35"))
    assert reasons(plan)["SPY"] is LineReason.BELOW_MINIMUM_TRADE
    assert orders(plan) == {"TLT": "2500.00"}
    assert plan.skipped_orders == ()


def test_whole_shares_buy_the_next_share_where_most_is_lacking() -> None:
    given = rules(whole_shares=True)
    prices = {"SPY": "100", "TLT": "30"}
    state = start("1000", {}, given, prices)
    plan = plan_full_rebalance(state, weights("5", SPY="60", TLT="35"))
    bought = {line.symbol: qty_text(line.qty) for line in plan.buys if line.qty}
    assert bought == {"SPY": "6", "TLT": "11"}
    assert [line.notional for line in plan.buys] == [parse_money("600"), parse_money("330")]
    assert [line.detail for line in plan.buys] == [
        "$600.00 below its target",
        "$350.00 below its target, rounded down to whole shares",
    ]


def test_the_cut_of_buys_in_whole_shares_is_that_of_what_they_lack() -> None:
    """One is rounded up to its next share, so the other gets fewer; a reader adds up what both lack."""
    state = start("0", {"OLD": "11"}, rules(whole_shares=True), {"SPY": "100", "TLT": "30", "OLD": "70"})
    plan = plan_full_rebalance(state, weights("5", SPY="45", TLT="35", OLD="15"))
    assert [(line.notional, line.detail) for line in plan.buys] == [
        (parse_money("300"), "$346.50 below its target, rounded down to whole shares"),
        (parse_money("270"), "$269.50 below its target, rounded up to whole shares"),
    ]
    cut = buys_cut_text(plan, plan.scale, plan.bought, wanted_dollars(plan, plan.buys))
    assert cut == "whole shares: buys cut to 92.53 % of $616.00 below target"


def test_whole_shares_sell_round_down_and_close_what_is_held() -> None:
    given = rules(whole_shares=True)
    state = start("0", {"SPY": "7.5", "OLD": "2.25"}, given)
    plan = plan_full_rebalance(state, weights("50", SPY="50"))
    sold = {line.symbol: qty_text(line.qty) for line in plan.sells if line.qty}
    assert sold == {"SPY": "2", "OLD": "2.25"}
