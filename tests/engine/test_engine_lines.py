"""Exact content of every plan line: the order, a skipped order, the reason code and its text (R-20 to R-23)."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest

from rebal_tui.domain.assets import AssetStatus
from rebal_tui.domain.decisions import Plan
from rebal_tui.domain.orders import Side
from rebal_tui.domain.quantities import (
    ATTO,
    DOLLAR,
    NANO,
    Money,
    Percent,
    Price,
    Qty,
    money_text,
    parse_money,
    parse_qty,
)
from rebal_tui.domain.runs import RunType
from rebal_tui.engine.allocation import BuyIntent, allocate
from rebal_tui.engine.buys import resize_buys
from rebal_tui.engine.liquidation import AmountTooLarge, plan_partial_liquidation
from rebal_tui.engine.plan_lines import Holdings
from rebal_tui.engine.planning import plan_full_rebalance, plan_invest_cash
from tests.engine.support import asset, holdings, weights

ONES = dict.fromkeys("ABCDU", "1")
OUTSIDE = "not in the portfolio; the whole position is sold"
NEAR = "within $0.02 of its target"
ABOVE = "overweight after the withdrawal, but not needed to raise the amount"
NOT_ABOVE = "not overweight after the withdrawal"
BUYS_ONLY = "at or above its target; cash runs only buy"


def lines_by_symbol(plan: Plan) -> dict[str, tuple[str, str, str, str]]:
    """By symbol: the order, the dollars wanted, the reason and its text."""
    lines = {}
    for line in plan.lines:
        order = "" if line.side is None else f"{line.side} {money_text(Money(line.notional or line.qty or 0))}"
        lines[line.symbol] = (order, money_text(line.wanted), line.reason.value, line.detail)
    return lines


def skips(plan: Plan) -> list[tuple[str, Side | None, str, str, str]]:
    return [
        (s.symbol, s.side, money_text(s.notional or Money(0)), s.reason, s.reason_details) for s in plan.skipped_orders
    ]


def changed(state: Holdings, **changes: dict[str, object]) -> Holdings:
    """The holdings with changed assets; `changes` are by symbol."""
    made = {symbol: replace(state.assets[symbol], **change) for symbol, change in changes.items()}  # type: ignore[arg-type]
    return replace(state, assets={**state.assets, **made})


def intent(symbol: str, shortfall: str) -> BuyIntent:
    return BuyIntent(symbol, Percent(10), Fraction(parse_money(shortfall) * NANO))


def short(amount: str) -> str:
    return f"order notional value (${amount}) is less than the minimum ($1)"


def test_the_lines_of_a_full_rebalance() -> None:
    state = holdings("100", {"A": "60", "B": "20", "U": "20", "X": "5", "Y": "1"}, {**ONES, "X": "1"}, dead=["U"])
    plan = plan_full_rebalance(state, weights("5", A="20", B="50", C="20", U="5"))
    assert lines_by_symbol(plan) == {
        "A": ("sell 19.00", "19.00", "ABOVE_TARGET", "$19.00 above its target"),
        "B": ("buy 75.98", "82.50", "BELOW_TARGET", "$82.50 below its target"),
        "C": ("buy 37.76", "41.00", "BELOW_TARGET", "$41.00 below its target"),
        "U": ("", "9.75", "ASSET_NOT_TRADABLE", "the asset is inactive"),
        "X": ("sell 5.00", "5.00", "NOT_IN_PORTFOLIO", OUTSIDE),
        "Y": ("", "0.00", "NO_PRICE", "no price"),
    }
    assert skips(plan) == [
        ("U", Side.SELL, "9.75", "ASSET_NOT_TRADABLE", "the asset is inactive"),
        ("Y", Side.SELL, "0.00", "NO_PRICE", "no price"),
    ]
    assert (plan.type, plan.equity, plan.budget) == (RunType.FULL_REBALANCE, 205 * ATTO, parse_money("113.75"))
    assert (plan.cash, plan.cash_target) == (parse_money("100"), parse_money("10.25"))
    assert [line.value for line in plan.lines] == [60 * ATTO, 20 * ATTO, 0, 20 * ATTO, 5 * ATTO, 0]


@pytest.mark.parametrize("tradable", [True, False])
def test_an_inactive_holding_cannot_be_sold(tradable: bool) -> None:
    change = {"status": AssetStatus.INACTIVE, "tradable": tradable}
    state = changed(holdings("0", {"A": "60", "B": "40"}, ONES), A=change)
    line = plan_full_rebalance(state, weights("0", A="50", B="50")).lines[0]
    assert (line.side, line.wanted, line.reason, line.detail) == (
        None, 10 * DOLLAR, "ASSET_NOT_TRADABLE", "the asset is inactive",
    )  # fmt: skip


def test_an_untradable_holding_is_sold_and_not_bought() -> None:
    state = changed(holdings("0", {"A": "60", "B": "40"}, ONES), A={"tradable": False}, B={"tradable": False})
    plan = plan_full_rebalance(state, weights("0", A="50", B="50"))
    assert lines_by_symbol(plan) == {
        "A": ("sell 10.00", "10.00", "ABOVE_TARGET", "$10.00 above its target"),
        "B": ("", "10.00", "ASSET_NOT_TRADABLE", "cannot be bought"),
    }


@pytest.mark.parametrize(
    ("held", "sold", "reason", "detail"),
    [
        ("2.000000001", "2.00", "NOT_IN_PORTFOLIO",
         "not in the portfolio; all whole shares are sold, the remaining 0.000000001 of a share cannot be sold"),
        ("3", "3.00", "NOT_IN_PORTFOLIO", OUTSIDE),
        ("0.5", "", "FRACTION_NOT_SELLABLE",
         "not in the portfolio, but a fraction (0.5 of a share) of an asset in whole shares cannot be sold"),
    ],
)  # fmt: skip
def test_a_full_exit_of_an_asset_in_whole_shares_keeps_the_fraction(
    held: str, sold: str, reason: str, detail: str
) -> None:
    state = changed(holdings("0", {"A": "60", "X": held}, {**ONES, "X": "1"}), X={"fractionable": False})
    plan = plan_full_rebalance(state, weights("0", A="100"))
    order, _, given, text = lines_by_symbol(plan)["X"]
    assert (order, given, text) == (f"sell {sold}" if sold else "", reason, detail)
    assert not [skipped for skipped in skips(plan) if skipped[0] == "X"]


def test_skipped_buys_state_no_cash_ineligible_or_too_small() -> None:
    state = holdings("1", {"U": "99", "D": "0.5"}, ONES, dead=["U"])
    state = changed(state, C={"fractionable": False})
    plan = plan_full_rebalance(state, weights("0", A="40", B="20", C="19.5", D="1.5", U="19"))
    assert lines_by_symbol(plan) == {
        "A": ("buy 1.00", "40.20", "BELOW_TARGET", "$40.20 below its target"),
        "B": ("", "20.10", "ORDER_LESS_THAN_MIN_NOTIONAL", short("0.33")),
        "C": ("", "19.5975", "ASSET_NOT_TRADABLE", "cannot be bought"),
        "D": ("", "1.0075", "ORDER_LESS_THAN_MIN_NOTIONAL", short("0.01")),
        "U": ("", "79.905", "ASSET_NOT_TRADABLE", "the asset is inactive"),
    }
    broke = plan_full_rebalance(holdings("0", {"U": "100"}, ONES, dead=["U"]), weights("0", A="40", B="60"))
    assert lines_by_symbol(broke)["A"] == (
        "", "40.00", "INSUFFICIENT_CASH", "$40.00 below its target; no cash above the cash target",
    )  # fmt: skip


def test_the_lines_of_an_investment() -> None:
    state = holdings("100", {"A": "60", "B": "30"}, {**ONES, "E": "1"}, dead=["D"])
    plan = plan_invest_cash(state, weights("5", A="25", B="50", C="10", D="9.99", E="0.01"), parse_money("9.50"))
    assert lines_by_symbol(plan) == {
        "A": ("buy 1.91", "1.91", "EXCESS_CASH", "its share of the excess cash"),
        "B": ("buy 68.82", "68.82", "EXCESS_CASH", "its share of the excess cash"),
        "C": ("buy 19.76", "19.76", "EXCESS_CASH", "its share of the excess cash"),
        "D": ("", "18.981", "ASSET_NOT_TRADABLE", "cannot be bought"),
        "E": ("", "0.019", "ORDER_LESS_THAN_MIN_NOTIONAL", short("0.01")),
    }
    assert (plan.type, plan.equity, plan.cash_target) == (RunType.INVEST_CASH, 190 * ATTO, parse_money("9.50"))
    assert (plan.budget, plan.cash, plan.scale) == (parse_money("90.50"), parse_money("100"), (1, 1))


def test_an_investment_below_the_shortfall_skips_assets_on_target() -> None:
    state = holdings("30", {"A": "60", "B": "30"}, ONES)
    plan = plan_invest_cash(state, weights("0", A="40", B="50", C="10"), Money(0))
    assert lines_by_symbol(plan) == {
        "A": ("", "0.00", "BUYS_ONLY", BUYS_ONLY),
        "B": ("buy 21.42", "30.00", "EXCESS_CASH", "its share of the excess cash"),
        "C": ("buy 8.57", "12.00", "EXCESS_CASH", "its share of the excess cash"),
    }


def test_the_lines_of_a_liquidation() -> None:
    positions = {"A": "40", "B": "20", "C": "10", "D": "20", "U": "5", "V": "5", "W": "0.000000001"}
    state = holdings("0", positions, {**ONES, "V": "1", "X": "1"}, dead=["U", "V"])
    target = weights("0", A="20", B="25", C="25", D="20", U="5", V="4.99", X="0.01")
    plan = plan_partial_liquidation(state, target, parse_money("10"))
    assert lines_by_symbol(plan) == {
        "A": ("sell 10.00", "10.00", "RAISES_CASH", "sold to raise $10.00"),
        "B": ("", "0.00", "SELLS_ONLY", NOT_ABOVE),
        "C": ("", "0.00", "SELLS_ONLY", NOT_ABOVE),
        "D": ("", "0.00", "SELLS_ONLY", ABOVE),
        "U": ("", "0.50", "ASSET_NOT_TRADABLE", "the asset is inactive"),
        "V": ("", "0.509", "ASSET_NOT_TRADABLE", "the asset is inactive"),
        "X": ("", "0.00", "ON_TARGET", NEAR),
        "W": ("", "0.00", "NO_PRICE", "no price"),
    }
    assert skips(plan) == [
        ("U", Side.SELL, "0.50", "ASSET_NOT_TRADABLE", "the asset is inactive"),
        ("V", Side.SELL, "0.50", "ASSET_NOT_TRADABLE", "the asset is inactive"),
        ("W", Side.SELL, "0.00", "NO_PRICE", "no price"),
    ]
    assert (plan.type, plan.equity, plan.budget) == (RunType.PARTIAL_LIQUIDATION, 100 * ATTO, 0)
    assert (plan.scale, plan.cash_target, plan.amount) == ((1, 1), 0, parse_money("10"))


def test_a_portfolio_holding_without_a_price_is_a_skipped_sell_of_a_liquidation() -> None:
    state = holdings("0", {"A": "90", "B": "10"}, {"A": "1"})
    for amount in ("10", "90"):
        plan = plan_partial_liquidation(state, weights("0", A="80", B="20"), parse_money(amount))
        assert skips(plan) == [("B", Side.SELL, "0.00", "NO_PRICE", "no price")]


def test_an_unknown_asset_of_the_portfolio_is_not_bought() -> None:
    state = holdings("100", {}, {"A": "1"})
    expected = ("", "50.00", "NO_PRICE", "cannot be bought")
    assert lines_by_symbol(plan_full_rebalance(state, weights("0", A="50", B="50")))["B"] == expected
    assert lines_by_symbol(plan_invest_cash(state, weights("0", A="50", B="50"), Money(0)))["B"] == expected


def test_an_investment_states_which_assets_are_on_target() -> None:
    state = holdings("10", {"A": "50", "B": "40"}, ONES)
    plan = plan_invest_cash(state, weights("0", A="50", B="50"), Money(0))
    assert lines_by_symbol(plan)["A"] == ("", "0.00", "ON_TARGET", NEAR)


@pytest.mark.parametrize(("excess", "reason"), [("0.019", "ON_TARGET"), ("0.02", "BUYS_ONLY")])
def test_an_investment_distinguishes_two_cents_above_target_from_on_target(excess: str, reason: str) -> None:
    held, other = Money(50 * DOLLAR + parse_money(excess)), Money(40 * DOLLAR - parse_money(excess))
    state = holdings("10", {"A": money_text(held), "B": money_text(other)}, ONES)
    assert plan_invest_cash(state, weights("0", A="50", B="50"), Money(0)).lines[0].reason == reason


def test_cash_below_its_target_is_no_budget() -> None:
    plan = plan_full_rebalance(holdings("1", {"U": "99"}, ONES, dead=["U"]), weights("50", A="50"))
    assert (plan.budget, plan.scale) == (0, (0, 1))


def test_an_inactive_holding_not_above_its_smaller_target_is_not_skipped() -> None:
    state = holdings("0", {"A": "60", "C": "20", "U": "9", "V": "9.5"}, {**ONES, "V": "1"}, dead=["U", "V"])
    plan = plan_partial_liquidation(state, weights("0", A="40", B="10", C="30", U="10", V="10"), parse_money("3.50"))
    assert lines_by_symbol(plan)["U"] == ("", "0.00", "SELLS_ONLY", NOT_ABOVE)
    assert lines_by_symbol(plan)["V"] == ("", "0.00", "ON_TARGET", NEAR)
    assert plan.skipped_orders == ()


def test_a_portfolio_asset_that_is_not_held_is_not_skipped_in_a_liquidation() -> None:
    state = holdings("0", {"A": "100"}, {"A": "1"})
    state = replace(state, assets={**state.assets, "B": asset("B", None)})
    plan = plan_partial_liquidation(state, weights("0", A="50", B="50"), parse_money("10"))
    assert lines_by_symbol(plan)["B"] == ("", "0.00", "SELLS_ONLY", NOT_ABOVE)
    assert plan.skipped_orders == ()


@pytest.mark.parametrize(
    ("held", "reason"),
    [("45.01", "ON_TARGET"), ("45.02", "SELLS_ONLY"), ("44.99", "ON_TARGET"), ("44.98", "SELLS_ONLY")],
)
def test_two_cents_from_the_smaller_target_are_off_it(held: str, reason: str) -> None:
    """Positions outside the portfolio are sold first: equity falls from 100 to 90, and the asset's target is half."""
    rest = money_text(Money(parse_money("100") - parse_money(held)))
    state = holdings("0", {"A": held, "X": rest}, {**ONES, "X": "1"})
    plan = plan_partial_liquidation(state, weights("50", A="50"), parse_money("10"))
    assert plan.lines[0].reason == reason


def test_assets_on_target_before_a_withdrawal_are_above_it_after() -> None:
    state = holdings("0", {"A": "50", "X": "50"}, {**ONES, "X": "1"})
    plan = plan_partial_liquidation(state, weights("50", A="50"), parse_money("5"))
    assert lines_by_symbol(plan)["A"] == ("", "0.00", "SELLS_ONLY", ABOVE)


# Near the limits


@pytest.mark.parametrize(("excess", "order"), [("0.019", False), ("0.02", True)])
def test_two_cents_below_target_are_a_buy_too_small_and_less_is_on_target(excess: str, order: bool) -> None:
    """Two cents below target is a shortfall, too small to be sent; less is on target."""
    held = money_text(Money(parse_money("50") - parse_money(excess)))
    state = holdings("50", {"A": held, "X": excess}, {**ONES, "X": "1"})
    reason = plan_full_rebalance(state, weights("50", A="50")).lines[0].reason
    assert reason == ("ORDER_LESS_THAN_MIN_NOTIONAL" if order else "ON_TARGET")


@pytest.mark.parametrize(("excess", "reason"), [("0.019", "ON_TARGET"), ("0.02", "ORDER_LESS_THAN_MIN_NOTIONAL")])
def test_two_cents_above_target_are_a_sell_too_small_and_less_is_on_target(excess: str, reason: str) -> None:
    held, cash = Money(50 * DOLLAR + parse_money(excess)), Money(50 * DOLLAR - parse_money(excess))
    state = holdings(money_text(cash), {"A": money_text(held)}, ONES)
    assert plan_full_rebalance(state, weights("50", A="50")).lines[0].reason == reason


@pytest.mark.parametrize(("lacking", "reason"), [("0.019", "ON_TARGET"), ("0.02", "INSUFFICIENT_CASH")])
def test_two_cents_without_cash_are_a_skipped_buy(lacking: str, reason: str) -> None:
    """The target of A is half of $100; its shortfall is held in U, which is inactive."""
    held, dead = Money(50 * DOLLAR - parse_money(lacking)), Money(50 * DOLLAR + parse_money(lacking))
    state = holdings("0", {"A": money_text(held), "U": money_text(dead)}, ONES, dead=["U"])
    assert plan_full_rebalance(state, weights("0", A="50", U="50")).lines[0].reason == reason


def test_reserved_cash_lowers_the_targets_that_a_liquidation_sells_to() -> None:
    state = holdings("0", {"A": "60", "B": "40"}, ONES, reserved="0.01")
    plan = plan_partial_liquidation(state, weights("0", A="60", B="40"), parse_money("50"))
    assert lines_by_symbol(plan) == {
        "A": ("sell 30.006", "30.006", "RAISES_CASH", "sold to raise $30.01"),
        "B": ("sell 20.004", "20.004", "RAISES_CASH", "sold to raise $20.00"),
    }


def test_a_shortfall_of_a_billionth_is_raised_by_an_order_of_one_dollar() -> None:
    state = holdings("10", {"A": "90"}, ONES)
    target = weights("0", A="100")
    assert not plan_partial_liquidation(state, target, parse_money("10")).sells
    more = plan_partial_liquidation(state, target, parse_money("10.000000001"))
    assert {line.symbol: line.qty for line in more.sells} == {"A": parse_qty("1")}


def test_an_inactive_holding_is_skipped_for_a_shortfall_of_a_billionth_and_not_for_none() -> None:
    state = holdings("10", {"A": "40", "U": "50"}, ONES, dead=["U"])
    target = weights("0", A="90", U="10")
    assert plan_partial_liquidation(state, target, parse_money("10")).skipped_orders == ()
    missed = plan_partial_liquidation(state, target, parse_money("10.000000001")).skipped_orders
    assert [one.symbol for one in missed] == ["U"]


def test_cash_below_its_smaller_target_pays_only_for_what_sells_cannot() -> None:
    state = holdings("100", {"X": "10", "U": "1000"}, {**ONES, "X": "1"}, dead=["U"])
    plan = plan_partial_liquidation(state, weights("50", U="50"), parse_money("80"))
    assert {line.symbol: line.qty for line in plan.sells} == {"X": parse_qty("10")}


def test_the_more_overweight_asset_is_sold_first_by_the_smallest_possible_difference() -> None:
    """Both are worth forty times their targets of a dollar; B is more by a billionth of a billionth of one."""
    worth = 40 * ATTO
    assets = {"A": asset("A", "1"), "B": replace(asset("B"), price=Price(1)), "C": asset("C", "1")}
    positions = {"A": Qty(worth // NANO), "B": Qty(worth + 1), "C": Qty(30 * NANO)}
    state = Holdings(Money(0), positions, assets)
    plan = plan_partial_liquidation(state, weights("0", A="1", B="1", C="98"), parse_money("10"))
    assert [line.symbol for line in plan.sells] == ["B"]


def test_equally_overweight_assets_go_by_symbol() -> None:
    state = holdings("0", {"B": "40", "A": "40", "C": "20"}, ONES)
    plan = plan_partial_liquidation(state, weights("0", B="20", A="20", C="60"), parse_money("10"))
    assert [line.symbol for line in plan.sells] == ["A"]


def test_an_account_with_negative_cash_can_raise_nothing() -> None:
    state = holdings("-50", {"A": "10"}, ONES)
    with pytest.raises(AmountTooLarge, match=r"at most \$0.00") as refusal:
        plan_partial_liquidation(state, weights("0", A="100"), Money(1))
    assert refusal.value.max_amount == 0


def test_a_holding_of_zero_shares_is_not_sold() -> None:
    """A position that was closed in the meantime: no order is sent and no skipped order is reported."""
    state = holdings("100", {"X": "0"}, {**ONES, "X": "1"})
    plan = plan_full_rebalance(state, weights("0", A="100"))
    assert lines_by_symbol(plan)["X"] == ("", "0.00", "ON_TARGET", NEAR)
    assert plan.skipped_orders == ()


# Buying again


def test_a_resized_investment_omits_orders_that_were_too_small() -> None:
    plan = plan_invest_cash(holdings("10", {}, ONES), weights("0", A="95", B="5"), Money(0))
    assert lines_by_symbol(plan)["B"][2] == "ORDER_LESS_THAN_MIN_NOTIONAL"
    again = resize_buys(plan, parse_money("10"))
    assert (again.amounts, again.dropped) == ({"A": 10 * DOLLAR}, {})


def test_a_sell_that_was_too_small_does_not_become_a_buy() -> None:
    state = holdings("10", {"A": "50.5", "B": "39.5"}, ONES)
    plan = plan_full_rebalance(state, weights("0", A="50", B="50"))
    assert lines_by_symbol(plan)["A"][2] == "ORDER_LESS_THAN_MIN_NOTIONAL"
    assert resize_buys(plan, parse_money("10")).amounts == {"B": 10 * DOLLAR}


def test_a_raised_slice_is_paid_by_the_others() -> None:
    split = allocate([intent("A", "0.99"), intent("B", "5.005"), intent("C", "5.005")], parse_money("11"))
    assert (split.amounts, split.raised, split.dropped) == (
        {"A": DOLLAR, "B": 5 * DOLLAR, "C": 5 * DOLLAR}, frozenset({"A"}), {},
    )  # fmt: skip
    assert split.scale == (1000, 1001)


def test_a_budget_of_a_cent_too_little_for_two_buys_is_not_overspent() -> None:
    split = allocate([intent("A", "1"), intent("B", "1")], parse_money("1.99"))
    assert (split.amounts, split.dropped) == ({"A": DOLLAR}, {"B": parse_money("0.99")})


def test_an_asset_without_a_shortfall_is_neither_bought_nor_dropped() -> None:
    split = allocate([intent("A", "0"), intent("B", "5")], parse_money("9"))
    assert (split.amounts, split.dropped, split.scale) == ({"B": 5 * DOLLAR}, {}, (1, 1))


@pytest.mark.parametrize(("symbols", "dropped"), [("A AB", "AB"), ("AB A", "AB"), ("B A", "B"), ("AB B", "B")])
def test_of_equal_amounts_the_later_symbol_is_dropped(symbols: str, dropped: str) -> None:
    intents = [intent(symbol, "1") for symbol in symbols.split()]
    assert list(allocate(intents, parse_money("1")).dropped) == [dropped]
