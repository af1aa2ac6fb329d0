"""Withdrawals from accounts with restrictions or in whole shares, by example (R-23, R-60, R-61, R-65)."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest

from rebal_tui.domain.decisions import LineReason, Plan
from rebal_tui.domain.quantities import ATTO, Money, Value, parse_money, parse_qty, qty_text
from rebal_tui.domain.trading_rules import RangeUnit, TradeRestriction
from rebal_tui.engine.bounds import RestrictionsConflict
from rebal_tui.engine.cash_raising import most_overweight_first, price_of, proportional_floors, spare_cash
from rebal_tui.engine.liquidation import AmountTooLarge, plan_partial_liquidation
from rebal_tui.engine.plan_lines import Holdings
from tests.engine.support import holdings, weights
from tests.engine.test_restricted_plans import reasons, restriction, rules, start

BALANCED = weights("5", SPY="60", TLT="35")
HELD = {"SPY": "700", "TLT": "240"}
"""With $6,000 of cash, $100,000; SPY is $10,000 above its weight."""
NO_SELL = restriction("no_sell", "SPY")


def at_least(symbol: str, shares: str) -> TradeRestriction:
    return restriction("range", symbol, minimum=parse_qty(shares), unit=RangeUnit.SHARES)


def sold(plan: Plan) -> dict[str, str]:
    return {line.symbol: qty_text(line.qty) for line in plan.sells if line.qty}


def withdrawal(state: Holdings, amount: str) -> Plan:
    return plan_partial_liquidation(state, BALANCED, parse_money(amount))


def test_a_line_that_may_not_be_sold_leaves_the_others_to_pay() -> None:
    """In the $90,000 that remain: SPY 70,000, cash 5 % = 4,500, so 15,500 of TLT; 1,500 of cash is spare."""
    plan = withdrawal(start("6000", HELD, rules(NO_SELL)), "10000")
    assert sold(plan) == {"TLT": "85"}
    assert plan.cash_target == parse_money("4500")
    assert reasons(plan) == {"SPY": LineReason.NO_SELL, "TLT": LineReason.RAISES_CASH}
    kept, paid = plan.lines
    assert (kept.goal, paid.goal) == (Fraction(70_000 * ATTO), Fraction(15_500 * ATTO))
    assert (kept.target_value, paid.target_value) == (70_000 * ATTO, 15_500 * ATTO)
    assert kept.detail == NO_SELL.text


@pytest.mark.parametrize(
    ("given", "most", "sells", "held"),
    [
        ([], "100000", {"SPY": "700", "TLT": "240"}, ""),
        ([NO_SELL], "30000", {"TLT": "240"}, "SPY: no sell (low basis)"),
        ([at_least("SPY", "300")], "70000", {"SPY": "400", "TLT": "240"}, "SPY: range (low basis)"),
        ([at_least("SPY", "299.5")], "70050", {"SPY": "400.5", "TLT": "240"}, "SPY: range (low basis)"),
        ([at_least("SPY", "0")], "100000", {"SPY": "700", "TLT": "240"}, ""),
        (
            [NO_SELL, restriction("lock", "TLT", reason="pledged")],
            "6000",
            {},
            "SPY: no sell (low basis); TLT: lock (pledged)",
        ),
        ([restriction("buy_only")], "6000", {}, "SPY: buy only (low basis); TLT: buy only (low basis)"),
        ([restriction("no_buy", "SPY"), restriction("sell_only")], "100000", {"SPY": "700", "TLT": "240"}, ""),
    ],
    ids=["free", "no sell", "range", "part of a share", "no least", "both", "buy only", "no buy"],
)
def test_what_restrictions_keep_is_not_raised_and_is_named(
    given: list[TradeRestriction], most: str, sells: dict[str, str], held: str
) -> None:
    state = start("6000", HELD, rules(*given))
    assert sold(withdrawal(state, most)) == sells
    with pytest.raises(AmountTooLarge) as refusal:
        plan_partial_liquidation(state, BALANCED, Money(parse_money(most) + 1))
    assert (refusal.value.max_amount, refusal.value.held) == (parse_money(most), held)
    text = f"the account can raise at most ${float(most):,.2f}"
    assert str(refusal.value) == (f"{text}; kept by restrictions: {held}" if held else text)


def test_a_range_in_percent_is_one_of_what_remains() -> None:
    """75 % of the $40,000 that remain are $30,000 of SPY; cash is 2,000, and TLT has the other 8,000."""
    given = rules(restriction("range", "SPY", minimum=7500, unit=RangeUnit.PERCENT))
    plan = withdrawal(start("6000", HELD, given), "60000")
    assert sold(plan) == {"SPY": "400", "TLT": "160"}
    assert plan.cash_target == parse_money("2000")


def test_a_line_below_its_minimum_is_neither_sold_nor_bought() -> None:
    """Of the $80,000 that remain SPY is to have 72,000 and cash 4,000; 2,000 of cash and 18,000 of TLT pay."""
    plan = withdrawal(start("6000", HELD, rules(at_least("SPY", "720"))), "20000")
    assert sold(plan) == {"TLT": "180"}
    assert plan.buys == ()
    assert reasons(plan)["SPY"] is LineReason.OUT_OF_RANGE


def test_a_minimum_above_what_remains_is_named_as_the_cause() -> None:
    """Cash and TLT could raise the amount, but SPY must be worth 72,000 of the $71,000 that remain."""
    with pytest.raises(RestrictionsConflict, match=r"SPY: range \(low basis\) and the equity exclude each other"):
        withdrawal(start("6000", HELD, rules(at_least("SPY", "720"))), "29000")


@pytest.mark.parametrize("amount", ["100", "30000", "1000000"])
def test_restrictions_of_a_line_that_exclude_each_other_refuse_a_withdrawal(amount: str) -> None:
    """R-60: whatever its amount, because what such an account can raise has no answer."""
    crossed = [at_least("SPY", "800"), restriction("no_buy", "SPY")]
    with pytest.raises(RestrictionsConflict, match="SPY"):
        withdrawal(start("6000", HELD, rules(*crossed)), amount)


def test_an_unmanaged_holding_neither_counts_nor_pays() -> None:
    given = rules(restriction("unmanaged", "GME"))
    state = start("6000", {**HELD, "GME": "999"}, given)
    plan = withdrawal(state, "100000")
    assert sold(plan) == HELD
    (left_out,) = (line for line in plan.lines if line.reason is LineReason.UNMANAGED)
    assert (left_out.symbol, bool(left_out.detail)) == ("GME", True)
    assert plan.equity == 100_000 * ATTO
    with pytest.raises(AmountTooLarge, match=r"at most \$100,000.00$"):
        withdrawal(state, "100000.01")


def test_further_sells_are_in_proportion_to_what_restrictions_leave_of_each() -> None:
    """U cannot be sold. A and B give 150 each down to their targets of 850; of the 300 still missing, A gives 45 of
    the 150 above its minimum of 700, and B 255 of its 850.
    """
    state = holdings("0", {"A": "1000", "B": "1000", "U": "2000"}, {"A": "1", "B": "1", "U": "1"}, dead=["U"])
    limited = replace(state, rules=rules(at_least("A", "700")))
    target = weights(A="25", B="25", U="50")
    assert sold(plan_partial_liquidation(limited, target, parse_money("600"))) == {"A": "195", "B": "405"}
    assert sold(plan_partial_liquidation(state, target, parse_money("600"))) == {"A": "300", "B": "300"}


@pytest.mark.parametrize(
    ("amount", "sells"),
    [("100", {"A": "4"}), ("120", {"A": "4"}), ("120.01", {"A": "5"}), ("299", {"A": "10"}), ("301.5", {"A": "10.05"})],
)
def test_a_withdrawal_in_whole_shares_raises_at_least_its_amount(amount: str, sells: dict[str, str]) -> None:
    """R-65: sells are whole, but a line that is sold entirely sells its fraction, too."""
    state = replace(holdings("0", {"A": "10.05"}, {"A": "30"}), rules=rules(whole_shares=True))
    assert sold(plan_partial_liquidation(state, weights(A="100"), parse_money(amount))) == sells


def test_further_sells_are_in_whole_shares() -> None:
    """U cannot be sold. Down to 847.50, A and B give 2 shares each. Of the 210 still missing, A gives 2 more (105 are
    its half), and B 1 for the last 10.
    """
    prices = {"A": "100", "B": "100", "U": "100"}
    state = holdings("0", {"A": "10", "B": "10", "U": "20"}, prices, dead=["U"])
    whole = replace(state, rules=rules(whole_shares=True))
    target = weights(A="25", B="25", U="50")
    assert sold(plan_partial_liquidation(whole, target, parse_money("610"))) == {"A": "4", "B": "3"}
    assert sold(plan_partial_liquidation(state, target, parse_money("610"))) == {"A": "3.05", "B": "3.05"}


def test_the_last_sells_are_in_whole_shares_and_keep_a_minimum() -> None:
    """A may go down to 6.5 shares, so it gives 3 of 10. B gives 2 down to its target, 1 as its part of the rest, and
    one whole share more for the last $25.
    """
    prices = {"A": "100", "B": "100", "U": "100"}
    state = holdings("0", {"A": "10", "B": "4", "U": "12.25"}, prices, dead=["U"])
    state = replace(state, rules=rules(at_least("A", "6.5"), whole_shares=True))
    target = weights(A="34", B="10", U="56")
    assert sold(plan_partial_liquidation(state, target, parse_money("625"))) == {"A": "3", "B": "4"}
    with pytest.raises(AmountTooLarge, match=r"at most \$700.00; kept by restrictions: A: range"):
        plan_partial_liquidation(state, target, parse_money("700.01"))


def test_the_last_billionth_of_a_share_is_sold_with_everything() -> None:
    state = holdings("0", {"A": "9", "X": "0.000000001"}, {"A": "10", "X": "5"})
    plan = plan_partial_liquidation(state, weights(A="100"), parse_money("90.000000005"))
    assert sold(plan) == {"A": "9", "X": "0.000000001"}


@pytest.mark.parametrize(
    ("free", "target", "spare"),
    [
        ("100", "30", "70"),
        ("100", "100", "0"),
        ("100", "150", "0"),
        ("100", "0", "100"),
        ("-5", "0", "-5"),
        ("0", "9", "0"),
    ],
)
def test_cash_above_its_target_is_spare_and_cash_below_zero_is_raised_as_well(
    free: str, target: str, spare: str
) -> None:
    assert spare_cash(parse_money(free), parse_money(target)) == parse_money(spare)


def test_the_order_of_sells_is_by_value_over_reachable_target() -> None:
    """R-61: SPY is above its weight, but at its reachable target; TLT is above its own. X has no target."""
    state = start("6000", {**HELD, "X": "1"}, rules(NO_SELL))
    plan = withdrawal(state, "10000")
    ordered = sorted(plan.lines, key=most_overweight_first)
    assert [line.symbol for line in ordered] == ["X", "TLT", "SPY"]


def test_what_remains_when_everything_must_be_sold_is_what_restrictions_keep() -> None:
    lines = withdrawal(start("6000", HELD, rules()), "100").lines
    none_sold = {"SPY": parse_qty("0"), "TLT": parse_qty("0")}
    kept = {"SPY": Value(20_000 * ATTO)}
    left = proportional_floors(lines, none_sold, Value(90_000 * ATTO), kept)
    assert left == {"SPY": 20_000 * ATTO, "TLT": 0}
    half = proportional_floors(lines, none_sold, Value(37_000 * ATTO), kept)
    assert half == {"SPY": 45_000 * ATTO, "TLT": 12_000 * ATTO}


def test_a_line_without_a_price_is_never_sold() -> None:
    line = replace(withdrawal(start("6000", HELD, rules()), "100").lines[0], price=None)
    with pytest.raises(ValueError, match="SPY"):
        price_of(line)
