"""The preview of a run, as lines."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest

from rebal_tui.domain.decisions import PlanLine
from rebal_tui.domain.quantities import CENT, NANO, Money, Percent, Value, parse_money
from rebal_tui.domain.runs import RunType
from rebal_tui.engine.trace_text import dollars, money
from rebal_tui.services.queries.cash import preview_manual
from rebal_tui.services.view_models.desk import PreviewView
from rebal_tui.tui import formats
from rebal_tui.tui.screens.shared.plan_lines import NOTHING_TO_SELL, preview_lines
from tests.services.factories import account, balanced, fill_book, make_book
from tests.tui.simulated import market_book
from tests.tui.views import desk_row, preview

OUTSIDE = next(row for row in map(desk_row, range(40)) if preview(row).plan.buys)


def text_of(view: PreviewView) -> str:
    return "".join(text for line in preview_lines(view)(80, 40) for text, _ in line)


def test_a_plan_that_raises_cash_says_what_its_percents_and_its_cash_target_are_of() -> None:
    """Targets are of what is left (R-23), the weights before and after of all equity."""
    book = market_book(2)
    view = preview_manual(book, "a", RunType.PARTIAL_LIQUIDATION, amount=parse_money("9000"))
    equity, left = (dollars(Value(view.plan.equity - amount)) for amount in (0, parse_money("9000") * NANO))
    text = " ".join("".join(part for part, _ in line).strip() for line in preview_lines(view)(80, 40))
    assert f"Target and cash target are of {left}, the equity less $9,000.00 to raise" in text
    assert f"Before and After are of {equity}, all of it" in text
    assert "managed equity" not in text
    payout = " ".join("".join(part for part, _ in line).strip() for line in preview_lines(view, pays_out=True)(80, 40))
    after = f"cash ${formats.money(view.cash)} → ${formats.money(view.cash_after)}"
    assert f"{after}, then $9,000.00 paid out" in payout
    assert f"{after}, then" not in text
    assert "the equity less $9,000.00 to pay out" in payout


@pytest.mark.parametrize(("amount", "covered"), [("3000", True), ("6000", False)])
def test_a_plan_without_sells_says_that_cash_covers_the_amount(amount: str, covered: bool) -> None:
    book = make_book()
    fill_book(book, [account("a", "5000", {"SPY": "15", "TLT": "35"})], [balanced()], {"a": "balanced"})
    view = preview_manual(book, "a", RunType.PARTIAL_LIQUIDATION, amount=parse_money(amount))
    text = text_of(view)
    assert bool(view.plan.sells) is not covered
    assert (NOTHING_TO_SELL in text, "sells " in text) == (covered, not covered)


@pytest.mark.parametrize(("missing", "shown"), [(0, False), (CENT - 1, False), (CENT, True), (10_000 * CENT, True)])
def test_a_cut_of_the_buys_is_shown_from_one_cent_on(missing: int, shown: bool) -> None:
    view = preview(OUTSIDE)
    wanted = sum(line.wanted for line in view.plan.buys)
    plan = replace(view.plan, type=RunType.FULL_REBALANCE, scale=(wanted - missing, wanted))
    assert ("cash short: buys cut to" in text_of(replace(view, plan=plan))) is shown


def test_that_no_buy_is_left_is_shown() -> None:
    view = preview(OUTSIDE)
    plan = replace(view.plan, type=RunType.FULL_REBALANCE, lines=view.plan.sells, scale=(0, 1))
    assert "cash short: buys cut to 0.00 %" in text_of(replace(view, plan=plan))


def test_a_tiny_cut_has_two_decimals_and_withheld_proceeds_are_no_lack_of_cash() -> None:
    view = preview(OUTSIDE)
    wanted = sum(line.wanted for line in view.plan.buys)
    plan = replace(view.plan, type=RunType.FULL_REBALANCE, scale=(wanted - CENT, wanted), cash=Money(wanted * 2))
    assert "cash short: buys cut to 99.99 %" in text_of(replace(view, plan=plan))
    buffered = replace(plan, rules=replace(plan.rules, proceeds_buffer=Percent(25)))
    assert "a part of the proceeds is held back: buys cut to 99.99 %" in text_of(replace(view, plan=buffered))


def lacks(line: PlanLine, amount: int) -> PlanLine:
    """The line, below its goal by an amount in billionths of a dollar."""
    return replace(line, goal=Fraction(line.value + amount * NANO))


def test_whole_shares_are_no_lack_of_cash_where_a_share_of_each_order_makes_up_for_it() -> None:
    """Amounts in whole shares: the percentage is that of what is bought, and cash ends above its target."""
    view = preview(OUTSIDE)
    plan = replace(view.plan, type=RunType.FULL_REBALANCE, rules=replace(view.plan.rules, whole_shares=True))
    traded = [line.price for line in (*plan.sells, *plan.buys) if line.price]
    first, *rest = (lacks(line, line.order_amount) for line in plan.buys)

    def lacking(dollars: int) -> str:
        lines = (*plan.sells, lacks(first, first.order_amount + dollars), *rest)
        return text_of(replace(view, plan=replace(plan, lines=lines, scale=(999, 1000))))

    whole, short = lacking(sum(traded)), lacking(sum(traded) + CENT)
    wanted = plan.bought + sum(traded)
    cut = f"{round(Fraction(plan.bought * 10_000, wanted)) / 100:.2f} %"
    assert f"whole shares: buys cut to {cut} of {money(Money(wanted))} below target" in whole
    assert "cash short: buys cut to" in short
