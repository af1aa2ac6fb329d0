"""Triggers whose condition holds and whose orders are kept back, barred or cut (R-14, R-62 to R-65)."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from rebal_tui.domain.assets import AssetStatus
from rebal_tui.domain.decisions import Check, Decision, Outcome, Verdict
from rebal_tui.domain.orders import Side
from rebal_tui.domain.portfolios import Destination, MinimumTrade, PortfolioUpdate, RebalanceScope, Unfinished
from rebal_tui.domain.quantities import Money, Percent, money_text, parse_money
from rebal_tui.domain.trading_rules import (
    RangeUnit,
    RestrictionKind,
    RestrictionScope,
    TradeRestriction,
    TradingRules,
)
from rebal_tui.engine.evaluation import evaluate
from rebal_tui.engine.situation import Situation
from tests.engine.support import at, band, calendar, situation, weights

TODAY = date(2026, 3, 4)
WEDNESDAY, FIVE = calendar("weekly", "Wednesday"), band("absolute", "5")
NONE, FULL, CASH = Outcome.NONE, Outcome.FULL_REBALANCE, Outcome.INVEST_CASH
NO, CANNOT, FIRES, HOLDS_BACK = Verdict.NO, Verdict.CANNOT, Verdict.FIRES, Verdict.HOLDS_BACK
FIFTY = MinimumTrade(parse_money("50"))


def found(decision: Decision, name: str) -> Check:
    return next(step for step in decision.trace if step.check == name)


def asked(decision: Decision) -> list[tuple[str, Verdict, str]]:
    """The triggers of a decision with their verdicts and rules."""
    names = ("unfinished", "first_rebalance", "in_cooldown", "calendar", "drift_band", "portfolio_update")
    named = (*names, "minimum_equity", "invest_cash")
    return [(step.check, step.verdict, step.rule) for step in decision.trace if step.check in named]


def orders(decision: Decision) -> dict[str, str]:
    """`-8000.00` for a sell, `7500.00` for a buy, by symbol."""
    lines = () if decision.plan is None else (*decision.plan.sells, *decision.plan.buys)
    return {line.symbol: ("-" if line.side is Side.SELL else "") + money_text(line.order_amount) for line in lines}


def dollar_assets(cash: str, held: dict[str, str], target: dict[str, str], **given: Any) -> Situation:
    """An account in assets that cost $1 a share; `rules` are its trading rules, other fields of a situation follow."""
    own = {name: given.pop(name) for name in ("rules", "unfinished", "update_due", "proposed_again") if name in given}
    prices = dict.fromkeys({*held, *target}, "1")
    made = situation(cash=cash, positions=held, prices=prices, target=weights("0", **target), **given)
    return replace(made, **own)


# One account whose breach of $69 needs two sells of $32, for each trigger in turn.

SELLERS = {"SPY": "432", "GLD": "432", "TLT": "131"}
TRIGGERS: dict[str, tuple[str, dict[str, Any]]] = {
    "unfinished": ("R-14.1", {"unfinished": Unfinished(("SPY",), at(TODAY - timedelta(days=1)))}),
    "first_rebalance": ("R-14.2", {"rebalanced": None}),
    "calendar": ("R-14.4", {"conditions": [WEDNESDAY]}),
    "drift_band": ("R-14.5", {"conditions": [FIVE]}),
    "portfolio_update": ("R-14.6", {"conditions": [PortfolioUpdate()], "update_due": True}),
}
NOTED = {
    "unfinished": "1 sell of the last full rebalance left undone (SPY)",
    "first_rebalance": "first rebalance of this subscription",
    "calendar": "weekly on Wednesday: due today",
    "drift_band": "SPY drifted to 100.00 % (target 40.00 %, band ±5 pp, 1200.00 % used)",
    "portfolio_update": "weights or conditions changed 2026-01-02",
}
"""The trigger in the trace of an account that holds SPY alone, for 40 % of it."""


def needy(trigger: str, *, least: MinimumTrade | None, old: str = "") -> Situation:
    """An account of about $1,000 whose `trigger` holds: SPY and GLD are $32 over, TLT lacks $69, and cash is $5.

    With `old`, $20 are in an asset outside the portfolio that cannot be sold; SPY and GLD are then $24 over.
    """
    held = {**SELLERS, "OLD": old} if old else SELLERS
    target = {"SPY": "40", "GLD": "40", "TLT": "20"}
    made = dollar_assets("5", held, target, rules=TradingRules(minimum_trade=least), **TRIGGERS[trigger][1])
    if not old:
        return made
    return replace(made, assets={**made.assets, "OLD": replace(made.assets["OLD"], status=AssetStatus.INACTIVE)})


@pytest.mark.parametrize("trigger", TRIGGERS)
def test_what_a_minimum_trade_alone_keeps_back_makes_no_run_and_is_no_exception(trigger: str) -> None:
    """R-64: without a minimum trade the run is made; with one of $50 every order is too small for it."""
    made = evaluate(needy(trigger, least=None))
    assert (made.outcome, found(made, trigger).verdict, found(made, trigger).rule) == (
        FULL,
        FIRES,
        TRIGGERS[trigger][0],
    )
    assert orders(made) == {"SPY": "-32.00", "GLD": "-32.00", "TLT": "69.00"}

    kept = evaluate(needy(trigger, least=FIFTY))
    step = found(kept, trigger)
    assert (kept.outcome, step.verdict, step.rule) == (NONE, NO, TRIGGERS[trigger][0])
    assert CANNOT not in {one.verdict for one in kept.trace}
    told = (f"{one} is below the minimum trade" for one in ("SPY: $32.00", "GLD: $32.00", "TLT: $5.00"))
    assert step.detail.endswith(f"; kept back: {'; '.join(told)}")


@pytest.mark.parametrize("cash", ["0", "0.50"])
def test_cash_that_a_minimum_trade_alone_withholds_is_no_exception(cash: str) -> None:
    """R-64: TLT lacks $64, which only the sells of SPY and GLD, each below the minimum trade, could pay."""
    state = dollar_assets(
        cash, {"SPY": "432", "GLD": "432", "TLT": "136"}, {"SPY": "40", "GLD": "40", "TLT": "20"},
        rules=TradingRules(minimum_trade=FIFTY), conditions=[FIVE],
    )  # fmt: skip
    kept = evaluate(state)
    assert (kept.outcome, found(kept, "drift_band").verdict) == (NONE, NO)
    assert CANNOT not in {one.verdict for one in kept.trace}


@pytest.mark.parametrize("trigger", TRIGGERS)
def test_what_cannot_be_sold_is_an_exception_next_to_a_minimum_trade(trigger: str) -> None:
    """R-14, R-64: the minimum trade is not all that keeps the account off its target."""
    made = evaluate(needy(trigger, least=FIFTY, old="20"))
    step = found(made, trigger)
    assert (made.outcome, step.verdict, step.rule) == (NONE, CANNOT, TRIGGERS[trigger][0])
    assert "; cannot be corrected: SPY: $24.00 is below" in step.detail
    assert step.detail.endswith("TLT: $5.00 is below the minimum trade; 1 more")


@pytest.mark.parametrize("trigger", TRIGGERS)
def test_an_account_below_a_dollar_for_each_asset_gets_no_full_rebalance(trigger: str) -> None:
    """R-14: the trigger is noted, then what stops it; no further trigger of a full rebalance is asked."""
    every = [WEDNESDAY, FIVE, PortfolioUpdate()]
    given = {**TRIGGERS[trigger][1], "update_due": True}
    given["conditions"] = given.get("conditions", every)
    poor = evaluate(dollar_assets("0", {"SPY": "1.999"}, {"SPY": "40", "TLT": "60"}, **given))
    at_trigger = [step[0] for step in asked(poor)].index(trigger)
    assert poor.outcome is NONE
    assert asked(poor)[at_trigger:] == [
        (trigger, FIRES, TRIGGERS[trigger][0]),
        ("minimum_equity", HOLDS_BACK, "R-14"),
        ("invest_cash", NO, "R-14.7"),
    ]
    assert found(poor, trigger).detail == NOTED[trigger]
    equity = found(poor, "minimum_equity").detail
    assert equity == "equity $1.99 is below the minimum $2.00 ($1 for each asset)"


def test_equity_that_suffices_is_shown_to_the_nearest_cent() -> None:
    made = evaluate(dollar_assets("0", {"SPY": "2.006"}, {"TLT": "100"}, conditions=[WEDNESDAY]))
    assert made.outcome is FULL
    assert found(made, "minimum_equity").detail == "equity $2.01 is at least the minimum $1.00 ($1 for each asset)"
    assert (found(made, "minimum_equity").verdict, found(made, "minimum_equity").rule) == (Verdict.PASS, "R-14")


# Undone sells


def test_undone_sells_are_counted_and_named() -> None:
    held = {"SPY": "400", "GLD": "300", "OLD": "300"}
    undone = Unfinished(("OLD", "GLD"), at(TODAY))
    made = evaluate(dollar_assets("0", held, {"SPY": "80", "GLD": "20"}, unfinished=undone))
    assert made.outcome is FULL
    assert made.reason == "2 sells of the last full rebalance left undone (GLD, OLD)"


@pytest.mark.parametrize(
    ("held", "verdict", "outcome"),
    [
        ("590", NO, NONE),
        ("600.019", NO, NONE),
        ("600.02", CANNOT, NONE),
        ("600.99", CANNOT, NONE),
        ("601", FIRES, FULL),
    ],
)
def test_an_undone_sell_is_done_when_less_than_two_cents_are_left(
    held: str, verdict: Verdict, outcome: Outcome
) -> None:
    """SPY has a target of $600 of $1,000, and its sell was left undone; an order needs $1 (R-22)."""
    other = f"{1000 - float(held):.3f}"
    undone = Unfinished(("SPY",), at(TODAY))
    made = evaluate(dollar_assets("0", {"SPY": held, "TLT": other}, {"SPY": "60", "TLT": "40"}, unfinished=undone))
    assert (made.outcome, found(made, "unfinished").verdict, found(made, "unfinished").rule) == (
        outcome, verdict, "R-14.1",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("days", "outcome", "verdict", "rule"), [(7, NONE, HOLDS_BACK, "R-16"), (3, FULL, FIRES, "R-14.4")]
)
def test_an_undone_sell_that_cannot_be_made_lifts_no_cooldown(
    days: int, outcome: Outcome, verdict: Verdict, rule: str
) -> None:
    """OLD cannot be sold. The calendar day is dropped in a cooldown from three days ago, and else trades the others."""
    held = {"SPY": "500", "TLT": "400", "OLD": "100"}
    rebalanced = at(TODAY - timedelta(days=3))
    made = dollar_assets(
        "0", held, {"SPY": "40", "TLT": "60"}, conditions=[WEDNESDAY], cooldown_days=days, rebalanced=rebalanced,
        unfinished=Unfinished(("OLD",), rebalanced),
    )  # fmt: skip
    barred = replace(made, assets={**made.assets, "OLD": replace(made.assets["OLD"], status=AssetStatus.INACTIVE)})
    decision = evaluate(barred)
    step = found(decision, "calendar")
    assert (decision.outcome, step.verdict, step.rule) == (outcome, verdict, rule)
    assert (found(decision, "unfinished").verdict, found(decision, "unfinished").rule) == (CANNOT, "R-14.1")


# A changed portfolio


@pytest.mark.parametrize(
    ("given", "outcome", "verdict", "detail"),
    [
        ({}, NONE, NO, "no change of the portfolio is due"),
        ({"update_due": True}, FULL, FIRES, "weights or conditions changed 2026-01-02"),
        (
            {"update_due": True, "proposed_again": True}, FULL, FIRES,
            "weights or conditions changed 2026-01-02: proposed once more, because nobody approved the run of the "
            "session before (R-27)",
        ),
        (
            {"update_due": True, "cooldown_days": 7}, NONE, HOLDS_BACK,
            "weights or conditions changed 2026-01-02; held back by the cooldown",
        ),
    ],
)  # fmt: skip
def test_a_changed_portfolio(given: dict[str, Any], outcome: Outcome, verdict: Verdict, detail: str) -> None:
    held, target = {"SPY": "500", "TLT": "500"}, {"SPY": "60", "TLT": "40"}
    rebalanced = at(TODAY - timedelta(days=1))
    made = evaluate(dollar_assets("0", held, target, conditions=[PortfolioUpdate()], rebalanced=rebalanced, **given))
    assert made.outcome is outcome
    step = found(made, "portfolio_update")
    assert (step.verdict, step.detail, step.rule) == (verdict, detail, "R-14.6")


# Cash that buys nothing


def at_their_limits(count: int) -> Situation:
    """Assets of $10 each, of which 45 cents more may be bought of each, and $100 of cash."""
    symbols = [f"A{number:02d}" for number in range(count)]
    limit = TradeRestriction(
        "r",
        RestrictionScope.ACCOUNT,
        RestrictionKind.RANGE,
        "limit",
        maximum=parse_money("10.45"),
        unit=RangeUnit.DOLLARS,
    )
    restrictions = tuple(replace(limit, id=f"r-{symbol}", symbol=symbol) for symbol in symbols)
    each = dict.fromkeys(symbols, str(100 // count))
    return dollar_assets("100", dict.fromkeys(symbols, "10"), each, rules=TradingRules(restrictions))


SIXTY_FORTY = {"SPY": "600", "TLT": "400"}
WHOLE = TradingRules(whole_shares=True)
INVESTS: dict[str, tuple[Situation, Outcome, Verdict, tuple[str, ...]]] = {
    "a share costs more than the cash for it": (
        replace(situation(cash="20", positions={"SPY": "6", "TLT": "4"}, target=weights("0", SPY="60", TLT="40")),
                rules=WHOLE),
        NONE, NO, ("excess cash $20.00 ", "; nothing can be bought: ", "SPY: $12.00 ", "TLT: $8.00 "),
    ),
    "a minimum trade of $50": (
        dollar_assets("20", SIXTY_FORTY, {"SPY": "60", "TLT": "40"}, rules=TradingRules(minimum_trade=FIFTY)),
        NONE, NO, ("excess cash $20.00 ", "; nothing can be bought: ", "SPY: $12.00 ", "TLT: $8.00 "),
    ),
    "a minimum trade of $50, and a first purchase of 10 cents": (
        dollar_assets("20", SIXTY_FORTY, {"SPY": "60", "TLT": "39.99", "GLD": "0.01"},
                      rules=TradingRules(minimum_trade=FIFTY)),
        NONE, NO, ("excess cash $20.00 ", "; nothing can be bought: ", "GLD: order notional value ($0.10) is less "),
    ),
    "a minimum trade of $8": (
        dollar_assets("20", SIXTY_FORTY, {"SPY": "60", "TLT": "40"},
                      rules=TradingRules(minimum_trade=MinimumTrade(parse_money("8")))),
        CASH, FIRES, ("excess cash $20.00 ",),
    ),
    "25 assets of which 45 cents each may be bought": (
        at_their_limits(25), NONE, CANNOT,
        ("excess cash $11.25 ", "A00: order notional value ($0.45) is less than", "; 22 more"),
    ),
    "20 assets of which 45 cents each may be bought": (at_their_limits(20), NONE, NO, ("excess cash $9.00 is below",)),
}  # fmt: skip


@pytest.mark.parametrize("name", INVESTS)
def test_excess_cash_that_buys_nothing(name: str) -> None:
    """R-14.7: it is an exception only if more than a minimum trade or whole shares is in the way (R-64, R-65)."""
    state, outcome, verdict, texts = INVESTS[name]
    made = evaluate(state)
    step = made.trace[-1]
    assert (made.outcome, step.check, step.verdict, step.rule) == (outcome, "invest_cash", verdict, "R-14.7")
    assert [text for text in texts if text not in step.detail] == []


# Runs of a drift band that stop before the target


@pytest.mark.parametrize(
    ("spy", "verdict", "traded"),
    [
        ("650", NO, {}),
        ("650.99", NO, {}),
        ("651", FIRES, {"SPY": "-1.00", "TLT": "1.00"}),
        ("652", FIRES, {"SPY": "-2.00", "TLT": "2.00"}),
        ("548", FIRES, {"TLT": "-2.00", "SPY": "2.00"}),
        ("549.5", NO, {}),
    ],
)
def test_a_run_to_the_edge_of_a_band_counts_the_way_to_that_edge(
    spy: str, verdict: Verdict, traded: dict[str, str]
) -> None:
    """R-15, R-62: of $1,000, SPY may be $550 to $650. An order needs $1 of way, and corrects a tenth of it or more."""
    held = {"SPY": spy, "TLT": f"{1000 - float(spy):.2f}"}
    rules = TradingRules(destination=Destination.EDGE)
    made = evaluate(dollar_assets("0", held, {"SPY": "60", "TLT": "40"}, conditions=[FIVE], rules=rules))
    assert (found(made, "drift_band").verdict, found(made, "drift_band").rule) == (verdict, "R-14.5")
    assert orders(made) == traded


def test_what_a_minimum_keeps_back_are_the_orders_of_the_run_that_the_band_would_make() -> None:
    """R-62, R-64: D lacks $150 to the edge of its band, of which cash pays $5.

    A, B and C give $145 in proportion to their room above $2,400, which is 180, 180 and 185: 47.88, 47.88 and 49.22.
    """
    held = {"A": "2580", "B": "2580", "C": "2585", "D": "2250"}
    rules = TradingRules(destination=Destination.EDGE, minimum_trade=MinimumTrade(parse_money("100")))
    target = dict.fromkeys(held, "25")
    made = evaluate(dollar_assets("5", held, target, conditions=[band("absolute", "1")], rules=rules))
    step = found(made, "drift_band")
    assert (made.outcome, step.verdict) == (NONE, NO)
    for text in ("A: $47.88 is below", "B: $47.88 is below", "C: $49.22 is below", "; 1 more"):
        assert text in step.detail


@pytest.mark.parametrize(
    ("kind", "percent", "traded", "cut"),
    [
        ("relative", "20", {"SPY": "-5.00", "TLT": "5.00"}, True),
        ("absolute", "10", {"SPY": "-25.00", "TLT": "25.00"}, False),
    ],
)
def test_trades_that_no_other_asset_can_match_are_cut(
    kind: str, percent: str, traded: dict[str, str], cut: bool
) -> None:
    """R-63: of $1,000, SPY is $725 for $600, TLT $275 for $400; their relative bands end at 720 and 320."""
    rules = TradingRules(destination=Destination.EDGE, scope=RebalanceScope.BREACHED)
    held, target = {"SPY": "725", "TLT": "275"}, {"SPY": "60", "TLT": "40"}
    made = evaluate(dollar_assets("0", held, target, conditions=[band(kind, percent)], rules=rules))
    assert made.outcome is FULL
    assert orders(made) == traded
    assert ("; cut, because" in made.reason) is cut


# How near its target an asset counts as on target, and how far a breach must be


@pytest.mark.parametrize(
    ("least", "off", "on_target", "shown"),
    [
        (None, "1", True, "$1.00"),
        (None, "1.01", False, ""),
        (MinimumTrade(parse_money("25")), "25", True, "$25.00"),
        (MinimumTrade(parse_money("25")), "25.01", False, ""),
        (MinimumTrade(Money(0), Percent(300)), "30", True, "$30.00"),
        (MinimumTrade(Money(0), Percent(300)), "30.01", False, ""),
        (MinimumTrade(parse_money("25"), Percent(300)), "29", True, "$30.00"),
        (MinimumTrade(parse_money("0.5")), "1", True, "$1.00"),
    ],
)
def test_on_a_calendar_day_the_minimum_trade_is_on_target(
    least: MinimumTrade | None, off: str, on_target: bool, shown: str
) -> None:
    """R-14, R-64: of $1,000, SPY is `off` dollars over; a minimum of 3 % is $30."""
    held = {"SPY": f"{600 + float(off):.2f}", "TLT": f"{400 - float(off):.2f}"}
    rules = TradingRules(minimum_trade=least)
    made = evaluate(dollar_assets("0", held, {"SPY": "60", "TLT": "40"}, conditions=[WEDNESDAY], rules=rules))
    step = found(made, "calendar")
    assert (made.outcome, step.verdict, step.rule) == ((NONE, NO, "R-14.4") if on_target else (FULL, FIRES, "R-14.4"))
    assert not on_target or step.detail.endswith(f"every asset is within {shown} of its target")


@pytest.mark.parametrize(
    ("spy", "tlt", "cash", "on_target"), [("6", "3", "100", True), ("7", "2", "100", False), ("6", "3.5", "50", True)]
)
def test_on_a_calendar_day_one_share_is_on_target(spy: str, tlt: str, cash: str, on_target: bool) -> None:
    """R-65: of $1,000 in shares of $100, an account in whole shares may be one share off."""
    made = situation(
        cash=cash, positions={"SPY": spy, "TLT": tlt}, target=weights("0", SPY="60", TLT="40"), conditions=[WEDNESDAY]
    )
    decision = evaluate(replace(made, rules=WHOLE))
    step = found(decision, "calendar")
    assert step.verdict is (NO if on_target else FIRES)
    assert not on_target or step.detail.endswith("every asset is within $1.00 or one share of its target")


@pytest.mark.parametrize(("tlt", "outcome"), [("250", NONE), ("249", NONE), ("248.99", FULL), ("245", FULL)])
def test_on_a_calendar_day_the_reachable_target_counts(tlt: str, outcome: Outcome) -> None:
    """R-14, R-61: of $1,000, SPY is $750 for $600 and may not be sold, so $250 of TLT are on target."""
    kept = TradeRestriction("r", RestrictionScope.ACCOUNT, RestrictionKind.NO_SELL, "low basis", "SPY")
    held, cash = {"SPY": "750", "TLT": tlt}, f"{250 - float(tlt):.2f}"
    target, rules = {"SPY": "60", "TLT": "40"}, TradingRules((kept,))
    decision = evaluate(dollar_assets(cash, held, target, conditions=[WEDNESDAY], rules=rules))
    assert decision.outcome is outcome
    assert orders(decision) == ({} if outcome is NONE else {"TLT": cash})


@pytest.mark.parametrize(("lacking", "verdict"), [("99.99", NO), ("100", FIRES), ("250", FIRES)])
def test_a_breach_of_less_than_one_share_does_not_fire(lacking: str, verdict: Verdict) -> None:
    """R-15, R-65: of $10,000 in shares of $100, TLT may be off half a point, which is $50."""
    tlt = 4000 - float(lacking)
    made = situation(
        cash=lacking, positions={"SPY": "60", "TLT": f"{tlt / 100:.4f}"}, target=weights("0", SPY="60", TLT="40"),
        conditions=[band("absolute", "0.5")],
    )  # fmt: skip
    step = found(evaluate(replace(made, rules=WHOLE)), "drift_band")
    assert (step.verdict, step.rule) == (verdict, "R-14.5")
    assert verdict is FIRES or step.detail.endswith("; no order of $1.00 or one share or more would correct it")


@pytest.mark.parametrize(
    ("cash", "way", "verdict"),
    [("10", "500", FIRES), ("9.99", "500", CANNOT), ("5", "50", FIRES), ("4.99", "50", CANNOT)],
)
def test_an_order_corrects_a_breach_with_ten_dollars_or_a_tenth_of_the_way(
    cash: str, way: str, verdict: Verdict
) -> None:
    """R-14: of $10,000, TLT lacks `way`, and only the cash can pay for it: OLD cannot be sold."""
    held = {"SPY": "5000", "TLT": f"{5000 - float(way):.2f}", "OLD": f"{float(way) - float(cash):.2f}"}
    target = {"SPY": "50", "TLT": "50"}
    made = dollar_assets(cash, held, target, conditions=[band("absolute", "0.25")])
    barred = replace(made, assets={**made.assets, "OLD": replace(made.assets["OLD"], status=AssetStatus.INACTIVE)})
    decision = evaluate(barred)
    assert found(decision, "drift_band").verdict is verdict
    assert orders(decision) == ({"TLT": money_text(parse_money(cash))} if verdict is FIRES else {})
