"""Plans by example (R-20 to R-23)."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest

from rebal_tui.domain.decisions import LineReason, Plan, PlanLine
from rebal_tui.domain.orders import Side, SkipReason
from rebal_tui.domain.quantities import NANO, Money, Percent, Qty, parse_money, parse_qty
from rebal_tui.engine.allocation import BuyIntent, allocate
from rebal_tui.engine.buys import resize_buys
from rebal_tui.engine.liquidation import AmountTooLarge, plan_partial_liquidation
from rebal_tui.engine.planning import plan_full_rebalance, plan_invest_cash
from tests.engine.support import asset, executed, holdings, weights

BALANCED = weights("5", SPY="60", TLT="35")
PRICES = {"SPY": "417.8", "TLT": "137.62"}
ELEVEN = weights("0", **{f"S{n:02d}": "9.09" for n in range(10)}, S10="9.1")
ELEVEN_PRICES = dict.fromkeys(ELEVEN.symbols, "20")


def line(plan: Plan, symbol: str) -> PlanLine:
    return next(line for line in plan.lines if line.symbol == symbol)


def buys(plan: Plan) -> dict[str, Money | None]:
    return {line.symbol: line.notional for line in plan.buys}


def dollars(**amounts: str) -> dict[str, Money]:
    return {symbol: parse_money(amount) for symbol, amount in amounts.items()}


#


def test_fifty_thousand_dollars_into_the_seed_portfolio() -> None:
    plan = plan_full_rebalance(holdings("50000", {}, PRICES), BALANCED)
    assert buys(plan) == dollars(SPY="30000", TLT="17500")
    assert plan.cash_target == parse_money("2500")
    assert plan.scale == (1, 1)
    assert not plan.skipped_orders
    assert line(plan, "SPY").detail == "$30,000.00 below its target"


def test_sells_go_down_to_target_in_shares_rounded_down() -> None:
    plan = plan_full_rebalance(holdings("0", {"A": "2", "B": "1"}, {"A": "3", "B": "1"}), weights("0", A="50", B="50"))
    sold = line(plan, "A")
    assert (sold.side, sold.qty, sold.reason) == (Side.SELL, 833_333_333, LineReason.ABOVE_TARGET)
    assert buys(plan) == dollars(B="2.49")
    assert plan.budget == parse_money("2.499999999")
    assert plan.scale[0] < plan.scale[1]


def test_assets_outside_the_portfolio_are_sold_entirely_even_below_a_dollar() -> None:
    state = holdings("100", {"XYZ": "0.000000001"}, {**PRICES, "XYZ": "5"})
    sold = line(plan_full_rebalance(state, BALANCED), "XYZ")
    assert (sold.side, sold.qty, sold.reason) == (Side.SELL, 1, LineReason.NOT_IN_PORTFOLIO)


def test_short_cash_scales_all_buys_by_one_factor() -> None:
    state = holdings("1000", {"C": "10"}, {"A": "10", "B": "10", "C": "100"}, dead=["C"])
    plan = plan_full_rebalance(state, weights("10", A="30", B="60"))
    assert plan.cash_target == parse_money("200")
    assert buys(plan) == dollars(A="266.66", B="533.33")
    assert plan.scale[0] * 9 == plan.scale[1] * 4
    assert line(plan, "C").reason is LineReason.ASSET_NOT_TRADABLE


def test_no_cash_above_the_target_buys_nothing() -> None:
    state = holdings("90", {"C": "10"}, {"A": "10", "C": "100"}, dead=["C"])
    plan = plan_full_rebalance(state, weights("10", A="90"))
    assert not plan.buys
    assert line(plan, "A").reason is LineReason.INSUFFICIENT_CASH
    assert {skip.reason for skip in plan.skipped_orders} == {
        SkipReason.INSUFFICIENT_CASH,
        SkipReason.ASSET_NOT_TRADABLE,
    }


def test_reserved_cash_is_not_spent() -> None:
    plan = plan_full_rebalance(holdings("1000", {}, {"A": "10"}, reserved="400"), weights("10", A="90"))
    assert plan.equity == 600 * 10**18
    assert buys(plan) == dollars(A="540")


def test_a_small_excess_is_not_sold_and_a_small_shortfall_not_bought() -> None:
    state = holdings("0", {"A": "50.99", "B": "49.01"}, {"A": "1", "B": "1"})
    plan = plan_full_rebalance(state, weights("0", A="50", B="50"))
    assert not plan.sells
    assert not plan.buys
    skipped = plan.skipped_orders[0]
    assert (skipped.symbol, skipped.side, skipped.notional) == ("A", Side.SELL, parse_money("0.99"))
    assert skipped.reason_details == "order notional value ($0.99) is less than the minimum ($1)"
    assert line(plan, "B").reason is LineReason.INSUFFICIENT_CASH


@pytest.mark.parametrize(("excess", "sold"), [("1", True), ("0.99", False)])
def test_a_sell_of_exactly_a_dollar_is_sent(excess: str, sold: bool) -> None:
    amount = parse_money("50") + parse_money(excess)
    other = parse_money("100") - amount
    state = replace(holdings("0", {}, {"A": "1", "B": "1"}), positions={"A": Qty(amount), "B": Qty(other)})
    plan = plan_full_rebalance(state, weights("0", A="50", B="50"))
    assert bool(plan.sells) is sold


def test_on_target_is_stated() -> None:
    plan = plan_full_rebalance(holdings("5", {"SPY": "60", "TLT": "35"}, {"SPY": "1", "TLT": "1"}), BALANCED)
    assert [(line.reason, line.side) for line in plan.lines] == [(LineReason.ON_TARGET, None)] * 2


def test_an_asset_without_a_price_is_distinguished() -> None:
    state = holdings("100", {"XYZ": "1"}, {"SPY": "10"})
    state = replace(state, assets={**state.assets, "TLT": asset("TLT", None), "XYZ": asset("XYZ", None)})
    plan = plan_full_rebalance(state, BALANCED)
    assert {each.symbol: each.reason for each in plan.lines if each.side is None} == {
        "TLT": LineReason.NO_PRICE,
        "XYZ": LineReason.NO_PRICE,
    }
    assert {skip.symbol: skip.side for skip in plan.skipped_orders} == {"TLT": Side.BUY, "XYZ": Side.SELL}


def test_an_unfractionable_holding_is_sold_in_whole_shares() -> None:
    state = holdings("0", {"A": "10", "B": "1.5"}, {"A": "10", "B": "10"})
    stiff = {symbol: replace(a, fractionable=False) for symbol, a in state.assets.items()}
    plan = plan_full_rebalance(replace(state, assets=stiff), weights("75", A="25"))
    assert {each.symbol: each.qty for each in plan.sells} == {"A": parse_qty("7"), "B": parse_qty("1")}


#


def test_ten_dollars_into_eleven_equal_assets_buy_ten_times_a_dollar() -> None:
    plan = plan_invest_cash(holdings("10", {}, ELEVEN_PRICES), ELEVEN, Money(0))
    assert list(buys(plan).values()) == [NANO] * 10
    skipped = [line for line in plan.lines if line.side is None]
    assert [(each.symbol, each.reason) for each in skipped] == [("S09", LineReason.ORDER_LESS_THAN_MIN_NOTIONAL)]
    assert [(s.symbol, s.side, s.reason) for s in plan.skipped_orders] == [
        ("S09", Side.BUY, SkipReason.ORDER_LESS_THAN_MIN_NOTIONAL)
    ]


def test_a_dropped_slice_says_how_small_it_was() -> None:
    """The amount was too small, regardless of the asset's shortfall."""
    state = holdings("10", {"A": "1"}, {"A": "980", "B": "1", "C": "1"})
    plan = plan_invest_cash(state, weights("0", A="1", B="95", C="4"), Money(0))
    assert buys(plan) == dollars(B="10")
    skipped = plan.skipped_orders[0]
    assert (skipped.symbol, skipped.notional) == ("C", parse_money("0.40"))
    assert skipped.reason_details == "order notional value ($0.40) is less than the minimum ($1)"
    assert line(plan, "C").wanted == parse_money("39.60")


@pytest.mark.parametrize(
    ("cash", "target", "bought"),
    [
        ("3", {"A": "50", "B": "25", "C": "25"}, {"A": "1", "B": "1", "C": "1"}),
        ("4", {"A": "50", "B": "25", "C": "25"}, {"A": "2", "B": "1", "C": "1"}),
        ("190", {"A": "99.5", "B": "0.5"}, {"A": "189", "B": "1"}),
        ("100", {"A": "99.5", "B": "0.5"}, {"A": "99.50"}),
        ("2", {"A": "50", "B": "25", "C": "25"}, {"A": "1"}),
    ],
    ids=["all raised", "exactly a dollar", "one raised", "half a dollar is dropped", "no dollar for each"],
)
def test_a_slice_above_half_a_dollar_is_raised_to_one(
    cash: str, target: dict[str, str], bought: dict[str, str]
) -> None:
    plan = plan_full_rebalance(holdings(cash, {}, dict.fromkeys(target, "1")), weights("0", **target))
    assert buys(plan) == dollars(**bought)


def test_a_raised_buy_of_a_full_rebalance_says_so() -> None:
    plan = plan_full_rebalance(holdings("190", {}, {"A": "1", "B": "1"}), weights("0", A="99.5", B="0.5"))
    assert (line(plan, "B").reason, line(plan, "B").detail) == (
        LineReason.BELOW_TARGET,
        "$0.95 below its target, raised to the $1 minimum",
    )


def test_the_budget_is_split_by_shortfall() -> None:
    state = holdings("90", {"A": "30", "B": "80"}, {"A": "1", "B": "1", "C": "1"})
    plan = plan_invest_cash(state, weights("0", A="30", B="50", C="20"), parse_money("45"))
    assert buys(plan) == dollars(A="15", B="10", C="20")


def test_cash_above_the_shortfalls_is_split_by_weight() -> None:
    """C cannot be bought; A and B reach their targets, the rest is split 3 : 1, at target or not."""
    state = holdings("100", {"A": "60", "B": "40"}, {"A": "1", "B": "1", "C": "1"}, dead=["C"])
    plan = plan_invest_cash(state, weights("0", A="30", B="10", C="60"), Money(0))
    assert buys(plan) == dollars(A="75", B="25")
    assert line(plan, "A").reason is LineReason.EXCESS_CASH
    assert line(plan, "C").reason is LineReason.ASSET_NOT_TRADABLE


def test_invest_cash_does_not_trade_an_overweight_asset() -> None:
    plan = plan_invest_cash(holdings("10", {"A": "90"}, {"A": "1", "B": "1"}), weights("0", A="50", B="50"), Money(0))
    assert buys(plan) == dollars(B="10")
    assert line(plan, "A").reason is LineReason.BUYS_ONLY


def intent(symbol: str, weight: int, shortfall: str) -> BuyIntent:
    return BuyIntent(symbol, Percent(weight), Fraction(parse_money(shortfall) * NANO))


def test_ties_drop_the_smaller_weight_then_the_later_symbol() -> None:
    light = allocate([intent("A", 20, "0.60"), intent("B", 10, "0.60"), intent("C", 20, "0.60")], parse_money("1.80"))
    assert next(iter(light.dropped)) == "B"
    later = allocate([intent("A", 10, "1"), intent("AB", 10, "1"), intent("B", 10, "1")], parse_money("1"))
    assert list(later.dropped) == ["B", "AB"]
    assert later.amounts == {"A": NANO}


def test_the_scale_factor_is_that_of_the_sent_buys() -> None:
    split = allocate([intent("A", 10, "10"), intent("B", 10, "1")], parse_money("5.5"))
    assert split.amounts == {"A": parse_money("5.5")}
    assert split.dropped == {"B": parse_money("0.5")}
    assert split.scale == (11, 20)


def test_a_budget_below_a_dollar_buys_nothing() -> None:
    split = allocate([intent("A", 10, "10"), intent("B", 10, "1")], parse_money("0.98"))
    assert not split.amounts
    assert split.dropped.keys() == {"A", "B"}


@pytest.mark.parametrize("budget", ["0", "-5"])
def test_no_budget_drops_nothing(budget: str) -> None:
    split = allocate([intent("A", 10, "10")], parse_money(budget))
    assert (split.amounts, split.dropped, split.scale) == ({}, {}, (0, 1))


#


def test_excess_cash_comes_first() -> None:
    state = holdings("500", {"SPY": "600", "TLT": "350"}, {"SPY": "1", "TLT": "1"})
    plan = plan_partial_liquidation(state, BALANCED, parse_money("400"))
    assert not plan.sells
    assert plan.cash_target == parse_money("52.50")
    assert plan.amount == parse_money("400")


def test_the_most_overweight_is_sold_first_and_down_to_the_smaller_targets() -> None:
    state = holdings("0", {"A": "700", "B": "300"}, {"A": "1", "B": "1"})
    target = weights("0", A="50", B="50")
    some = plan_partial_liquidation(state, target, parse_money("200"))
    assert {each.symbol: each.qty for each in some.sells} == {"A": parse_qty("200")}
    more = plan_partial_liquidation(state, target, parse_money("500"))
    assert {each.symbol: each.qty for each in more.sells} == {"A": parse_qty("450"), "B": parse_qty("50")}


def test_holdings_without_a_target_are_sold_first() -> None:
    state = holdings("0", {"A": "900", "XYZ": "100"}, {"A": "1", "XYZ": "1"})
    plan = plan_partial_liquidation(state, weights("0", A="100"), parse_money("150"))
    assert {each.symbol: each.qty for each in plan.sells} == {"A": parse_qty("50"), "XYZ": parse_qty("100")}
    assert {each.reason for each in plan.sells} == {LineReason.RAISES_CASH}


def test_cash_reserved_by_others_is_raised_as_well() -> None:
    state = holdings("100", {"A": "900"}, {"A": "1"}, reserved="300")
    plan = plan_partial_liquidation(state, weights("0", A="100"), parse_money("200"))
    assert {each.symbol: each.qty for each in plan.sells} == {"A": parse_qty("400")}
    with pytest.raises(AmountTooLarge, match=r"at most \$700.00"):
        plan_partial_liquidation(state, weights("0", A="100"), parse_money("700.01"))


def test_an_inactive_holding_is_skipped_only_when_something_must_be_sold() -> None:
    state = holdings("500", {"A": "300", "B": "200"}, {"A": "1", "B": "1"}, dead=["B"])
    target = weights("40", A="50", B="10")
    assert not plan_partial_liquidation(state, target, parse_money("50")).skipped_orders
    missed = plan_partial_liquidation(state, target, parse_money("200")).skipped_orders
    assert [(each.symbol, each.side, each.reason) for each in missed] == [
        ("B", Side.SELL, SkipReason.ASSET_NOT_TRADABLE)
    ]


def test_the_entire_account_can_be_raised_and_not_a_billionth_more() -> None:
    state = holdings("10", {"A": "9", "B": "1"}, {"A": "10", "B": "10"}, dead=["B"])
    plan = plan_partial_liquidation(state, weights("0", A="90", B="10"), parse_money("100"))
    assert {each.symbol: each.qty for each in plan.sells} == {"A": parse_qty("9")}
    with pytest.raises(AmountTooLarge, match=r"the account can raise at most \$100.00") as refusal:
        plan_partial_liquidation(state, weights("0", A="90", B="10"), parse_money("100.000000001"))
    assert refusal.value.max_amount == parse_money("100")


def test_an_inactive_holding_scales_down_all_other_targets() -> None:
    """As close to target as the amount allows: A and B keep their proportion instead of A paying for everything."""
    state = holdings("0", {"A": "2500", "B": "2500", "U": "5000"}, {"A": "1", "B": "1", "U": "1"}, dead=["U"])
    plan = plan_partial_liquidation(state, weights("0", A="25", B="25", U="50"), parse_money("3000"))
    assert {each.symbol: each.qty for each in plan.sells} == {"A": parse_qty("1500"), "B": parse_qty("1500")}


def test_an_unfractionable_holding_is_liquidated_in_whole_shares() -> None:
    state = holdings("0", {"A": "10"}, {"A": "10"})
    stiff = replace(state, assets={"A": asset("A", "10", fractionable=False)})
    plan = plan_partial_liquidation(stiff, weights("0", A="100"), parse_money("25"))
    assert {each.symbol: each.qty for each in plan.sells} == {"A": parse_qty("3")}


def test_a_fraction_of_an_asset_in_whole_shares_raises_nothing() -> None:
    state = holdings("0", {"A": "2.5"}, {"A": "10"})
    stiff = replace(state, assets={"A": asset("A", "10", fractionable=False)})
    plan = plan_partial_liquidation(stiff, weights("0", A="100"), parse_money("20"))
    assert {each.symbol: each.qty for each in plan.sells} == {"A": parse_qty("2")}
    with pytest.raises(AmountTooLarge, match=r"at most \$20\.00"):
        plan_partial_liquidation(stiff, weights("0", A="100"), parse_money("20.01"))


def test_lines_left_alone_by_a_liquidation_say_the_true_reason() -> None:
    state = holdings("0", {"A": "800", "B": "150", "C": "50"}, dict.fromkeys("ABC", "1"))
    plan = plan_partial_liquidation(state, weights("0", A="60", B="10", C="30"), parse_money("20"))
    assert {each.symbol for each in plan.sells} == {"B"}
    assert line(plan, "A").detail == "overweight after the withdrawal, but not needed to raise the amount"
    assert line(plan, "C").detail == "not overweight after the withdrawal"


# Buying again once the sells are booked


def test_resized_buys_follow_the_booked_cash() -> None:
    state = holdings("0", {"A": "800", "B": "100", "C": "100"}, dict.fromkeys("ABC", "1"))
    plan = plan_full_rebalance(state, weights("0", A="20", B="40", C="40"))
    assert buys(plan) == dollars(B="300", C="300")
    assert resize_buys(plan, parse_money("600")).amounts == buys(plan)
    less = resize_buys(plan, parse_money("590"))
    assert less.amounts == dollars(B="295", C="295")
    assert less.scale == (59, 60)
    assert resize_buys(plan, parse_money("500")).amounts == dollars(B="250", C="250")
    assert resize_buys(plan, parse_money("900")).amounts == buys(plan)


def test_a_buy_that_was_too_small_is_placed_when_more_cash_arrives() -> None:
    state = holdings("1", {"U": "1"}, {"A": "1", "B": "1", "U": "99"}, dead=["U"])
    plan = plan_full_rebalance(state, weights("0", A="60", B="40"))
    assert buys(plan) == dollars(A="1")
    assert line(plan, "B").reason is LineReason.ORDER_LESS_THAN_MIN_NOTIONAL
    assert resize_buys(plan, parse_money("10")).amounts == dollars(A="6", B="4")


def test_an_asset_a_cent_below_its_target_is_on_target() -> None:
    near = plan_full_rebalance(holdings("0.01", {"A": "59.99"}, {"A": "1"}), weights("0", A="100"))
    assert [(each.side, each.reason) for each in near.lines] == [(None, LineReason.ON_TARGET)]
    assert not near.skipped_orders


def test_resized_invest_cash_never_grows() -> None:
    state = holdings("20", {"U": "1"}, {"A": "1", "B": "1", "U": "80"}, dead=["U"])
    plan = plan_invest_cash(state, weights("0", A="60", B="40"), Money(0))
    assert buys(plan) == dollars(A="12", B="8")
    assert resize_buys(plan, parse_money("50")).amounts == buys(plan)


def test_resized_invest_cash_stays_as_planned() -> None:
    plan = plan_invest_cash(holdings("10", {}, ELEVEN_PRICES), ELEVEN, Money(0))
    assert resize_buys(plan, parse_money("10")).amounts == buys(plan)


def test_executing_a_plan_reaches_the_target() -> None:
    after = executed(
        holdings("50000", {}, {"SPY": "400", "TLT": "100"}),
        plan_full_rebalance(holdings("50000", {}, {"SPY": "400", "TLT": "100"}), BALANCED),
    )
    assert after.cash == parse_money("2500")
    assert after.positions == {"SPY": parse_qty("75"), "TLT": parse_qty("175")}


def test_a_share_of_the_budget_in_whole_cents_is_not_rounded_down() -> None:
    """27.2 % of $7.50 are $2.04, though 27.2 % of this equity are no whole number of the smallest units."""
    prices = {"A": "10", "B": "10", "C": "10", "DUST": "0.999999999"}
    state = holdings("10", {"DUST": "0.000004089"}, prices)
    plan = plan_invest_cash(state, weights("0", A="47.75", B="25.05", C="27.2"), parse_money("2.5"))
    assert plan.equity * 2720 % 10_000
    assert buys(plan) == dollars(A="3.58", B="1.87", C="2.04")


def test_equally_overweight_holdings_are_sold_in_the_order_of_their_symbols() -> None:
    """B's target of the smaller portfolio loses half a smallest unit when stored in dollars; A's loses none."""
    state = holdings("0", {"A": "6", "B": "3", "DUST": "0.000000005"}, {"A": "1", "B": "1", "DUST": "0.00000001"})
    plan = plan_partial_liquidation(state, weights("91", A="6", B="3"), parse_money("4"))
    assert [line.symbol for line in plan.sells if line.symbol != "DUST"] == ["A"]
