"""Buys under restrictions, minimum trades and whole shares, by example (R-21, R-22, R-60, R-64, R-65)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rebal_tui.domain.decisions import LineReason, Plan, PlanLine
from rebal_tui.domain.portfolios import MinimumTrade
from rebal_tui.domain.quantities import ATTO, Money, Percent, Value, parse_money, parse_qty
from rebal_tui.domain.trading_rules import RangeUnit, TradeRestriction, TradingRules
from rebal_tui.engine.buys import resize_buys, shortfall, wanted_dollars
from rebal_tui.engine.plan_lines import Holdings
from rebal_tui.engine.planning import plan_full_rebalance, plan_invest_cash
from tests.engine.support import holdings, weights
from tests.engine.test_restricted_plans import orders, reasons, restriction, rules

TARGET = weights(A="30", B="10", C="60")
"""C cannot be bought. With $100 of cash, A and B at or above their targets of 60 and 20, all $100 are spread."""


def ranged(symbol: str, minimum: str | None = None, maximum: str | None = None) -> TradeRestriction:
    least, most = (None if amount is None else int(parse_money(amount)) for amount in (minimum, maximum))
    return restriction("range", symbol, minimum=least, maximum=most, unit=RangeUnit.DOLLARS)


def excess(a: str, b: str, given: TradingRules) -> Holdings:
    """$100 of cash, and A and B at $1 a share; C is inactive."""
    return replace(holdings("100", {"A": a, "B": b}, {"A": "1", "B": "1", "C": "1"}, dead=["C"]), rules=given)


def invested(a: str, b: str, given: TradingRules) -> Plan:
    return plan_invest_cash(excess(a, b, given), TARGET, Money(0))


def line(plan: Plan, symbol: str) -> PlanLine:
    return next(line for line in plan.lines if line.symbol == symbol)


def minimum(amount: str, percent: int = 0) -> MinimumTrade:
    return MinimumTrade(parse_money(amount), Percent(percent))


@pytest.mark.parametrize(
    ("a", "b", "given", "bought"),
    [
        ("60", "40", [], {"A": "75.00", "B": "25.00"}),
        ("60", "40", [ranged("A", maximum="100")], {"A": "40.00", "B": "60.00"}),
        ("60", "40", [ranged("A", maximum="60")], {"B": "100.00"}),
        ("60", "40", [restriction("no_buy", "A")], {"B": "100.00"}),
        ("80", "20", [restriction("no_sell", "A")], {"B": "100.00"}),
        ("80", "20", [ranged("A", minimum="80")], {"B": "100.00"}),
        ("80", "20", [ranged("A", minimum="70")], {"A": "75.00", "B": "25.00"}),
        ("60", "40", [ranged("A", minimum="60")], {"A": "75.00", "B": "25.00"}),
        ("60", "40", [ranged("A", maximum="61"), ranged("B", maximum="42")], {"A": "1.00", "B": "2.00"}),
    ],
    ids=["free", "up to its most", "at its most", "no buy", "no sell above its weight", "held above its weight",
         "above its minimum", "held at its weight", "both up to their most"],
)  # fmt: skip
def test_the_rest_of_excess_cash_goes_to_lines_below_their_upper_bound(
    a: str, b: str, given: list[TradeRestriction], bought: dict[str, str]
) -> None:
    """R-21: by weight, 3 : 1, over lines below their bound; a line held above its weight takes none."""
    plan = invested(a, b, rules(*given))
    assert orders(plan) == bought
    assert [skipped.symbol for skipped in plan.skipped_orders] == ["C"]
    assert {line.reason for line in plan.buys} == {LineReason.EXCESS_CASH}


@pytest.mark.parametrize(
    ("least", "bought", "reason"),
    [
        ("20", {"A": "75.00", "B": "25.00"}, LineReason.EXCESS_CASH),
        ("25", {"A": "75.00", "B": "25.00"}, LineReason.EXCESS_CASH),
        ("25.01", {}, LineReason.BELOW_MINIMUM_TRADE),
        ("30", {}, LineReason.BELOW_MINIMUM_TRADE),
    ],
)
@pytest.mark.parametrize("whole_shares", [False, True])
def test_what_the_minimum_trade_keeps_back_brings_no_line_above_its_target(
    least: str, bought: dict[str, str], reason: LineReason, whole_shares: bool
) -> None:
    """R-64: A is at its target, so it does not get what B may not spend; the cash stays."""
    plan = invested("60", "40", rules(minimum_trade=minimum(least), whole_shares=whole_shares))
    assert orders(plan) == bought
    assert reasons(plan)["B"] is reason
    assert line(plan, "B").wanted == parse_money("25")


@pytest.mark.parametrize("whole_shares", [False, True])
def test_a_first_purchase_may_be_below_the_minimum_trade(whole_shares: bool) -> None:
    """R-64: TLT is not held. Of SPY, $30 are below the minimum of $40."""
    state = holdings("50", {"SPY": "30"}, {"SPY": "1", "TLT": "1"})
    state = replace(state, rules=rules(minimum_trade=minimum("40"), whole_shares=whole_shares))
    plan = plan_full_rebalance(state, weights("0", SPY="75", TLT="25"))
    assert orders(plan) == {"TLT": "20.00"}
    kept = line(plan, "SPY")
    assert (kept.reason, kept.wanted) == (LineReason.BELOW_MINIMUM_TRADE, parse_money("30"))
    assert plan.skipped_orders == ()


def test_a_holding_outside_the_portfolio_is_bought_up_to_its_minimum() -> None:
    """R-61: its target is its lower bound; AAA, without one, is closed."""
    state = holdings("8000", {"AAA": "5", "OLD": "5", "SPY": "10"}, {"AAA": "100", "OLD": "100", "SPY": "100"})
    plan = plan_full_rebalance(replace(state, rules=rules(ranged("OLD", minimum="2000"))), weights("0", SPY="100"))
    assert orders(plan) == {"AAA": "-500.00", "OLD": "1500.00", "SPY": "7000.00"}


#


def whole(cash: str, held: dict[str, str], prices: dict[str, str], *, dead: tuple[str, ...] = ()) -> Holdings:
    return replace(holdings(cash, held, prices, dead=dead), rules=rules(whole_shares=True))


@pytest.mark.parametrize(("live", "cash", "bought"), [
    (False, "99.99", {}),
    (False, "100", {"A": "100.00"}),
    (True, "100", {}),
    (True, "100.24", {}),
    (True, "100.25", {"A": "100.00"}),
    (True, "200.49", {"A": "100.00"}),
    (True, "200.50", {"A": "200.00"}),
])  # fmt: skip
def test_a_live_share_is_affordable_with_a_quarter_percent_more(live: bool, cash: str, bought: dict[str, str]) -> None:
    state = replace(whole(cash, {}, {"A": "100"}), rules=rules(whole_shares=True, live=live))
    assert orders(plan_full_rebalance(state, weights(A="100"))) == bought


@pytest.mark.parametrize(
    ("cash", "reason"),
    [
        ("0", LineReason.INSUFFICIENT_CASH),
        ("0.000000001", LineReason.WHOLE_SHARES),
        ("70", LineReason.WHOLE_SHARES),
        ("-5", LineReason.INSUFFICIENT_CASH),
    ],
)
def test_a_line_without_a_whole_share_lacks_cash_or_a_share(cash: str, reason: LineReason) -> None:
    """U cannot be sold; A lacks half of the account, which buys no share of $500."""
    plan = plan_full_rebalance(whole(cash, {"U": "1"}, {"A": "500", "U": "100"}, dead=("U",)), weights(A="50", U="50"))
    assert orders(plan) == {}
    kept = line(plan, "A")
    lacking = (parse_money(cash) + parse_money("100")) // 2
    assert (kept.reason, kept.wanted) == (reason, lacking)
    assert [skipped.symbol for skipped in plan.skipped_orders if skipped.symbol == "A"] == (
        ["A"] if reason is LineReason.INSUFFICIENT_CASH else []
    )


def test_the_text_of_a_missing_share_has_what_the_line_lacks() -> None:
    plan = plan_full_rebalance(whole("70", {"U": "1"}, {"A": "500", "U": "100"}, dead=("U",)), weights(A="50", U="50"))
    assert "$85.00 below its target" in line(plan, "A").detail


def test_a_whole_share_below_a_dollar_is_not_sent() -> None:
    """R-22: B's share costs $0.40; that is the one-dollar minimum, and no minimum trade was set."""
    plan = plan_full_rebalance(whole("100", {}, {"A": "1", "B": "0.4"}), weights(A="99.5", B="0.5"))
    assert orders(plan) == {"A": "99.00"}
    assert [(one.symbol, one.notional) for one in plan.skipped_orders] == [("B", parse_money("0.40"))]
    assert reasons(plan)["B"] is LineReason.ORDER_LESS_THAN_MIN_NOTIONAL


@pytest.mark.parametrize(
    ("cash", "kept", "detail"),
    [
        ("150", "0", "$150.00 below its target, rounded down to whole shares"),
        ("100", "0", "$100.00 below its target"),
        ("100", "99", "$199.00 below its target, rounded down to whole shares"),
        ("100", "100", "$200.00 below its target"),
        ("100", "101", "$201.00 below its target"),
    ],
)
def test_a_buy_that_is_short_of_a_whole_share_or_more_was_not_rounded(cash: str, kept: str, detail: str) -> None:
    """U cannot be sold, so cash buys one share of $100 whatever A lacks."""
    plan = plan_full_rebalance(whole(cash, {"U": kept}, {"A": "100", "U": "1"}, dead=("U",)), weights(A="100"))
    assert orders(plan) == {"A": "100.00"}
    assert line(plan, "A").detail == detail


# Dollars that a reader adds up, and buys recalculated after the sells


@pytest.mark.parametrize(
    ("given", "wanted"),
    [(rules(), "100"), (rules(whole_shares=True), "90")],
    ids=["fractions", "whole shares"],
)
def test_the_dollars_that_an_investment_would_amount_to(given: TradingRules, wanted: str) -> None:
    """A lacks 60 and B 40. In shares of $30 that is 2 of A and 1 of B."""
    state = replace(holdings("100", {}, {"A": "30", "B": "30", "C": "30"}), rules=given)
    plan = plan_invest_cash(state, weights(A="60", B="40"), Money(0))
    assert wanted_dollars(plan, plan.lines) == parse_money(wanted)
    assert wanted_dollars(plan, []) == 0


def test_a_line_without_an_order_adds_nothing_to_the_dollars_of_an_investment() -> None:
    """B's 40 buy no share of $500; A gets the two shares that it lacks."""
    plan = plan_invest_cash(whole("100", {}, {"A": "30", "B": "500"}), weights(A="60", B="40"), Money(0))
    assert orders(plan) == {"A": "60.00"}
    assert wanted_dollars(plan, plan.lines) == parse_money("60")


def test_the_dollars_that_a_full_rebalance_would_amount_to_are_what_its_lines_lack() -> None:
    """Of $100, A is to have 60 and B 40, half of them held; cash pays half."""
    state = holdings("0", {"A": "30", "B": "20", "U": "50"}, {"A": "1", "B": "1", "U": "1"}, dead=["U"])
    plan = plan_full_rebalance(state, weights(A="60", B="40"))
    assert wanted_dollars(plan, [one for one in plan.lines if one.symbol != "U"]) == parse_money("50")


def test_after_the_sells_only_what_could_be_bought_is_bought() -> None:
    """TLT is inactive: it lacks 50, and the cash of the sells does not buy it."""
    state = holdings("0", {"OLD": "100"}, {"SPY": "1", "TLT": "1", "OLD": "1"}, dead=["TLT"])
    plan = plan_full_rebalance(state, weights(SPY="50", TLT="50"))
    assert resize_buys(plan, parse_money("100")).amounts == {"SPY": parse_money("50")}


@pytest.mark.parametrize(
    ("cash", "shares"), [("1000", {"SPY": "6", "TLT": "11"}), ("400", {"SPY": "2", "TLT": "5"}), ("50", {})]
)
def test_after_the_sells_whole_shares_are_bought_from_the_cash_that_came(cash: str, shares: dict[str, str]) -> None:
    """SPY lacks 600, TLT 350; cash keeps 50. Of 350, 221 would be SPY's and 129 TLT's: 2 and 4 shares; the 30 of
    TLT that are left buy one more.
    """
    state = whole("0", {"OLD": "10"}, {"SPY": "100", "TLT": "30", "OLD": "100"})
    plan = plan_full_rebalance(state, weights("5", SPY="60", TLT="35"))
    sized = resize_buys(plan, parse_money(cash))
    assert sized.shares == {symbol: parse_qty(qty) for symbol, qty in shares.items()}


@pytest.mark.parametrize(("cash", "amounts"), [("1000", {"SPY": "600", "TLT": "350"}), ("850", {"SPY": "600"})])
def test_after_the_sells_the_minimum_trade_still_holds(cash: str, amounts: dict[str, str]) -> None:
    """R-64: 30 % of $1,000 are $300, which TLT, of which a little is held, misses when cash is short."""
    state = holdings("0", {"OLD": "9.9", "TLT": "0.1"}, {"SPY": "100", "TLT": "100", "OLD": "100"})
    state = replace(state, rules=rules(minimum_trade=minimum("0", 3000)))
    plan = plan_full_rebalance(state, weights("5", SPY="60", TLT="35"))
    sized = resize_buys(plan, parse_money(cash))
    assert sized.amounts.keys() == amounts.keys()


@pytest.mark.parametrize("equity", [0, -1, -100 * ATTO])
def test_an_account_without_equity_lacks_nothing(equity: int) -> None:
    """R-15: where E ≤ 0 nothing is bought."""
    plan = plan_full_rebalance(holdings("100", {}, {"A": "1"}), weights(A="100"))
    assert shortfall(plan.lines[0], Value(equity)) == 0
    assert shortfall(plan.lines[0], Value(100 * ATTO)) == 100 * ATTO
