"""What a plan leaves undone, and what of it a person must look at (R-14, R-15, R-56, R-64, R-65)."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from fractions import Fraction
from typing import Any

import pytest

from rebal_tui.domain.assets import AssetStatus
from rebal_tui.domain.decisions import LineReason, Outcome, Plan, PlanLine, Verdict
from rebal_tui.domain.orders import Side
from rebal_tui.domain.portfolios import MinimumTrade, Unfinished
from rebal_tui.domain.quantities import ATTO, Money, Percent, Qty, Value, parse_money, parse_price
from rebal_tui.domain.runs import RunType
from rebal_tui.domain.trading_rules import Overrides, Stagger, TradingRules
from rebal_tui.engine.evaluation import evaluate
from rebal_tui.engine.serving import least_way, minimums_only, obstacles
from rebal_tui.engine.situation import Situation
from tests.engine.support import at, band, calendar, situation, weights

TODAY = date(2026, 3, 4)
WHOLE = TradingRules(whole_shares=True)


def minimum(amount: str = "0", percent: int = 0) -> TradingRules:
    return TradingRules(minimum_trade=MinimumTrade(parse_money(amount), Percent(percent)))


def both(rules: TradingRules) -> TradingRules:
    return replace(rules, whole_shares=True)


@pytest.mark.parametrize(
    ("rules", "price", "dollars"),
    [
        (TradingRules(), "100", 1),
        (TradingRules(), None, 1),
        (WHOLE, "100", 100),
        (WHOLE, "0.25", 1),
        (WHOLE, None, 1),
        (minimum("25"), "100", 25),
        (minimum("0.5"), "100", 1),
        (minimum(percent=200), "100", 20),
        (minimum("25", 200), "100", 25),
        (minimum("15", 200), "100", 20),
        (both(minimum("25")), "100", 100),
        (both(minimum("250")), "100", 250),
    ],
)
def test_the_least_distance_that_an_order_can_correct(rules: TradingRules, price: str | None, dollars: int) -> None:
    """R-15: of an account with $1,000, $1 or, if larger, its minimum trade (R-64) or one share (R-65)."""
    found = least_way(rules, Value(1000 * ATTO), None if price is None else parse_price(price))
    assert found == Fraction(dollars * ATTO)


# Which lines keep a plan from its orders


def line(symbol: str, reason: LineReason, side: Side | None = None) -> PlanLine:
    return PlanLine(
        symbol, Percent(1000), Qty(0), None, Value(0), Value(0), side, None, None, Money(0), reason, f"{reason} here"
    )


def plan(*lines: PlanLine) -> Plan:
    """A plan of these lines; its amounts do not matter."""
    nothing = Money(0)
    return Plan(
        RunType.FULL_REBALANCE, weights("0", SPY="100"), Value(0), nothing, nothing, nothing, (1, 1), lines, ()
    )  # fmt: skip


KEPT, NOTIONAL, SHARES = (
    LineReason.BELOW_MINIMUM_TRADE,
    LineReason.ORDER_LESS_THAN_MIN_NOTIONAL,
    LineReason.WHOLE_SHARES,
)
ON_TARGET = LineReason.ON_TARGET


@pytest.mark.parametrize(
    ("reasons", "alone"),
    [
        ([KEPT], True),
        ([SHARES], True),
        ([KEPT, SHARES], True),
        ([KEPT, NOTIONAL], True),
        ([SHARES, NOTIONAL], True),
        ([KEPT, SHARES, NOTIONAL], True),
        ([KEPT, ON_TARGET], True),
        ([], False),
        ([ON_TARGET], False),
        ([NOTIONAL], False),
        ([NOTIONAL, ON_TARGET], False),
        ([KEPT, LineReason.ASSET_NOT_TRADABLE], False),
        ([KEPT, LineReason.NO_PRICE], False),
        ([SHARES, LineReason.NO_BUY], False),
        ([KEPT, LineReason.LOCKED], False),
        ([LineReason.NO_SELL], False),
        ([LineReason.FRACTION_NOT_SELLABLE], False),
    ],
)
def test_a_person_need_not_look_at_what_minimums_and_whole_shares_alone_keep_back(
    reasons: list[LineReason], alone: bool
) -> None:
    """R-64: one line for each reason, next to a line that is bought."""
    bought = line("SPY", LineReason.BELOW_TARGET, Side.BUY)
    assert minimums_only(plan(bought, *(line(f"A{n}", reason) for n, reason in enumerate(reasons)))) is alone


def test_a_line_that_has_an_order_is_kept_back_by_nothing() -> None:
    assert not minimums_only(plan(line("SPY", LineReason.BELOW_TARGET, Side.BUY)))
    assert not minimums_only(plan(line("SPY", KEPT, Side.BUY), line("TLT", ON_TARGET)))


@pytest.mark.parametrize(
    ("barred", "named"),
    [
        (0, "no order would be large enough"),
        (1, "A0: ASSET_NOT_TRADABLE here"),
        (3, "A0: ASSET_NOT_TRADABLE here; A1: ASSET_NOT_TRADABLE here; A2: ASSET_NOT_TRADABLE here"),
        (4, "A0: ASSET_NOT_TRADABLE here; A1: ASSET_NOT_TRADABLE here; A2: ASSET_NOT_TRADABLE here; 1 more"),
        (9, "A0: ASSET_NOT_TRADABLE here; A1: ASSET_NOT_TRADABLE here; A2: ASSET_NOT_TRADABLE here; 6 more"),
    ],
)
def test_the_causes_are_named_for_three_lines_and_counted_for_more(barred: int, named: str) -> None:
    """R-14: lines that have an order, or lack none, are not named."""
    others = line("SPY", LineReason.ABOVE_TARGET, Side.SELL), line("TLT", ON_TARGET)
    assert obstacles(plan(*others, *(line(f"A{n}", LineReason.ASSET_NOT_TRADABLE) for n in range(barred)))) == named


# A first rebalance without an order


@pytest.mark.parametrize(
    ("positions", "cash", "whole_shares", "on_target"),
    [
        ({"SPY": "5.6", "TLT": "4"}, "40", True, True),
        ({"SPY": "5.6", "TLT": "3.9"}, "50", True, True),
        ({"SPY": "6.99", "TLT": "3.01"}, "0", True, True),
        ({"SPY": "5.0001", "TLT": "4", "OLD": "0.39996"}, "0", True, True),
        ({"SPY": "5", "TLT": "4", "OLD": "0.4"}, "0", True, False),
        ({"SPY": "4.5", "TLT": "4", "OLD": "0.6"}, "0", True, False),
        ({"SPY": "5", "TLT": "4", "OLD": "0.4"}, "0", False, False),
    ],
)
def test_a_first_rebalance_in_whole_shares_is_on_target_nearer_than_one_share(
    positions: dict[str, str], cash: str, whole_shares: bool, on_target: bool
) -> None:
    """R-56, R-65: of $1,000 in shares of $100. Of OLD, at $250 a share, only whole shares can be sold."""
    made = situation(
        cash=cash, positions=positions, prices={"SPY": "100", "TLT": "100", "OLD": "250"}, rebalanced=None,
        target=weights("0", SPY="60", TLT="40"),
    )  # fmt: skip
    old = replace(made.assets["OLD"], fractionable=False)
    decision = evaluate(
        replace(made, assets={**made.assets, "OLD": old}, rules=TradingRules(whole_shares=whole_shares))
    )
    first = next(step for step in decision.trace if step.check == "first_rebalance")
    assert (decision.outcome, first.verdict, first.rule) == (
        (Outcome.FULL_REBALANCE, Verdict.FIRES, "R-14.2") if on_target else (Outcome.NONE, Verdict.CANNOT, "R-14.2")
    )
    assert decision.plan is None or not decision.plan.sells + decision.plan.buys


# Fractions that cannot be sold


@pytest.mark.parametrize(
    ("old", "fractionable", "verdict"),
    [
        ("0.9", False, Verdict.NO),
        ("1", False, Verdict.FIRES),
        ("1.5", False, Verdict.FIRES),
        ("0.9", True, Verdict.FIRES),
    ],
)
def test_a_leftover_of_a_share_breaches_no_band(old: str, fractionable: bool, verdict: Verdict) -> None:
    """OLD, at $1,000 a share, is outside a portfolio of $10,000; the others stay within their bands of 8 points."""
    made = situation(
        positions={"SPY": "60", "TLT": "40", "OLD": old},
        prices={"SPY": "100", "TLT": "100", "OLD": "1000"},
        target=weights("0", SPY="60", TLT="40"),
        conditions=[band("absolute", "8")],
    )
    odd = replace(made.assets["OLD"], fractionable=fractionable)
    decision = evaluate(replace(made, assets={**made.assets, "OLD": odd}))
    step = next(one for one in decision.trace if one.check == "drift_band")
    assert step.verdict is verdict


# Staggered calendar days and settings of one account


def staggered(today: date, asked: date, following: date, day: str, kind: str = "monthly", offset: int = 2) -> Situation:
    """A 60/40 account that is off target; today, `asked` is the session `offset` sessions ago, `following` the next."""
    made = situation(
        positions={"SPY": "50", "TLT": "50"}, target=weights("0", SPY="60", TLT="40"),
        conditions=[calendar(kind, day)], day=today,
    )  # fmt: skip
    return replace(made, rules=TradingRules(stagger=Stagger(offset, 5, asked, following)))


SPREAD = ", spread over 5 sessions (this account: 2 after)"


@pytest.mark.parametrize(
    ("today", "asked", "following", "day", "text"),
    [
        (date(2026, 3, 6), date(2026, 3, 4), date(2026, 3, 5), "4", f"monthly on the 4th{SPREAD}: due today"),
        (date(2026, 3, 4), date(2026, 3, 2), date(2026, 3, 3), "4", f"monthly on the 4th{SPREAD}: not due today"),
        (date(2026, 3, 6), date(2026, 3, 4), date(2026, 3, 5), "6", f"monthly on the 6th{SPREAD}: not due today"),
        (
            date(2026, 3, 17), date(2026, 3, 13), date(2026, 3, 16), "15",
            f"monthly on the 15th{SPREAD}: due today (for 2026-03-15, not a session)",
        ),
        (
            date(2026, 4, 7), date(2026, 4, 2), date(2026, 4, 6), "3",
            f"monthly on the 3rd{SPREAD}: due today (for 2026-04-03, not a session)",
        ),
    ],
)  # fmt: skip
def test_the_calendar_day_of_an_account_whose_turn_comes_later(
    today: date, asked: date, following: date, day: str, text: str
) -> None:
    """R-66: the condition fires for the session two sessions ago, or not at all."""
    decision = evaluate(staggered(today, asked, following, day))
    step = next(one for one in decision.trace if one.check == "calendar")
    fires = "due today" in text and "not due" not in text
    assert (step.detail, step.rule) == (text, "R-14.4")
    assert step.verdict is (Verdict.FIRES if fires else Verdict.NO)
    assert decision.outcome is (Outcome.FULL_REBALANCE if fires else Outcome.NONE)


def test_the_cooldown_is_asked_on_the_own_day_of_an_account_whose_turn_comes_later() -> None:
    """R-66: the cooldown ends on the 6th, the day of the account's turn, and not on the 4th, that of the condition."""
    made = staggered(date(2026, 3, 6), date(2026, 3, 4), date(2026, 3, 5), "4")
    recent = replace(made, subscription=replace(made.subscription, last_rebalanced_at=at(date(2026, 3, 1))))
    for days, outcome in ((5, Outcome.FULL_REBALANCE), (6, Outcome.NONE)):
        cooled = replace(recent, portfolio=replace(recent.portfolio, cooldown_days=days))
        assert evaluate(cooled).outcome is outcome


OWN = ", set for this account"


@pytest.mark.parametrize(
    ("overrides", "cooldown", "day"),
    [
        (None, "", ""),
        (Overrides(), "", ""),
        (Overrides(review=True), "", ""),
        (Overrides(cooldown_days=31), OWN, ""),
        (Overrides(cooldown_days=0), OWN, ""),
        (Overrides(conditions=(calendar("weekly", "Wednesday"),)), "", OWN),
        (Overrides(conditions=()), "", OWN),
        (Overrides(cooldown_days=31, conditions=()), OWN, OWN),
    ],
)
def test_a_trace_names_the_settings_of_one_account(overrides: Overrides | None, cooldown: str, day: str) -> None:
    """R-67: the situation has the settings that apply; the overrides say which are the account's own."""
    given: dict[str, Any] = {"cooldown_days": 31, "conditions": [calendar("weekly", "Wednesday")]}
    made = situation(rebalanced=at(TODAY - timedelta(days=3)), **given)
    decision = evaluate(replace(made, rules=TradingRules(overrides=overrides)))
    details = {step.check: step.detail for step in decision.trace}
    assert (
        details["in_cooldown"] == f"in cooldown until 2026-04-01 (31 days after the rebalance of 2026-03-01{cooldown})"
    )
    assert details["calendar"] == f"weekly on Wednesday{day}: due today, but dropped because of the cooldown"


def test_an_undone_sell_of_a_holding_that_cannot_be_sold_in_fractions_is_done() -> None:
    """R-25, R-56: a fraction of OLD is left of its undone sell, and OLD trades in whole shares."""
    made = situation(
        positions={"SPY": "6", "TLT": "4", "OLD": "0.3"}, prices={"SPY": "100", "TLT": "100", "OLD": "50"},
        target=weights("0", SPY="60", TLT="40"),
    )  # fmt: skip
    undone = Unfinished(("OLD",), at(TODAY - timedelta(days=1)))
    for changed, verdict in (
        (replace(made.assets["OLD"], fractionable=False), Verdict.NO),
        (replace(made.assets["OLD"], status=AssetStatus.INACTIVE), Verdict.CANNOT),
        (made.assets["OLD"], Verdict.FIRES),
    ):
        state = replace(made, assets={**made.assets, "OLD": changed}, unfinished=undone)
        step = next(one for one in evaluate(state).trace if one.check == "unfinished")
        assert (step.verdict, step.rule) == (verdict, "R-14.1")
