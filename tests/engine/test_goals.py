"""The goals of a plan's lines under restrictions, destinations and scopes, by example (R-60 to R-64)."""

from __future__ import annotations

from collections.abc import Collection
from fractions import Fraction

import pytest

from rebal_tui.domain.decisions import LineReason
from rebal_tui.domain.portfolios import Destination, DriftBand, MinimumTrade, RebalanceScope, Weights
from rebal_tui.domain.quantities import ATTO, Money, Percent, Price, Value, parse_money, parse_price, parse_qty
from rebal_tui.domain.trading_rules import RangeUnit, TradeRestriction, TradingRules
from rebal_tui.engine.bounds import Line
from rebal_tui.engine.goals import Goals, goals_of, lines_of, minimum_trade_value, reachable_of
from tests.engine.support import asset, band, weights
from tests.engine.test_restricted_plans import restriction, rules

BALANCED = weights("5", SPY="60", TLT="35")
THIRDS = weights(A="30", B="30", C="40")
FIVE = (band("absolute", "5"),)
NO_SELL, NO_BUY, LOCK = (restriction(kind, "SPY", id=kind) for kind in ("no_sell", "no_buy", "lock"))


def at_least(symbol: str, dollars: int) -> TradeRestriction:
    return restriction("range", symbol, minimum=dollars * 10**9, unit=RangeUnit.DOLLARS)


def goals(
    target: Weights,
    cash: str,
    worth: dict[str, str],
    given: TradingRules,
    bands: Collection[DriftBand] = (),
) -> Goals:
    """The goals of an account with this cash and these dollars in each asset."""
    lines = [
        Line(symbol, target.of(symbol), Value(parse_money(amount) * 10**9), Price(10**11))
        for symbol, amount in worth.items()
    ]
    base = Value(parse_money(cash) * 10**9 + sum(line.value for line in lines))
    return goals_of(lines, target, given, base, parse_money(cash), bands)


def dollars(value: Fraction) -> Fraction:
    return value / ATTO


@pytest.mark.parametrize(
    ("destination", "ways"),
    [
        (Destination.TARGET, {"A": 10, "B": -5, "C": -5}),
        (Destination.MIDDLE, {"A": Fraction(15, 2), "B": Fraction(-5, 2), "C": Fraction(-5, 2)}),
        (Destination.EDGE, {"A": 5, "B": 0, "C": 0}),
    ],
)
def test_the_way_of_a_line_is_to_the_nearest_end_of_its_box(
    destination: Destination, ways: dict[str, Fraction | int]
) -> None:
    """R-62: A 40 (30 ± 5), B 25 (30), C 35 (40); a way is above 0 where the line is to be sold."""
    made = goals(THIRDS, "0", {"A": "40", "B": "25", "C": "35"}, rules(destination=destination), FIVE)
    assert {symbol: dollars(made.way(symbol)) for symbol in ways} == ways


@pytest.mark.parametrize(
    ("worth", "given", "breached"),
    [
        ({"SPY": "70000", "TLT": "24000"}, [], {"SPY", "TLT"}),
        ({"SPY": "70000", "TLT": "24000"}, [NO_SELL], set()),
        ({"SPY": "70000", "TLT": "20000"}, [NO_SELL], set()),
        ({"SPY": "70000", "TLT": "19999"}, [NO_SELL], {"TLT"}),
        ({"SPY": "65000", "TLT": "30000"}, [], set()),
    ],
)
def test_bands_compare_with_the_reachable_target(
    worth: dict[str, str], given: list[TradeRestriction], breached: set[str]
) -> None:
    """R-61: with SPY kept at 70,000 of 100,000, TLT can reach 25,000, and 20,000 are not below 25 − 5."""
    cash = str(100_000 - sum(int(amount) for amount in worth.values()))
    made = goals(BALANCED, cash, worth, rules(*given, scope=RebalanceScope.BREACHED), FIVE)
    assert made.breached == breached


def held_by(worth: dict[str, str], *given: TradeRestriction, symbol: str = "SPY") -> str | None:
    cash = Money(parse_money("100000") - sum(parse_money(amount) for amount in worth.values()))
    made = goals(BALANCED, f"{cash // 10**9}.{cash % 10**9:09}", worth, rules(*given))
    found = made.held_by(next(line for line in made.lines if line.symbol == symbol))
    return None if found is None else found.kind.value


@pytest.mark.parametrize(
    ("spy", "given", "kind"),
    [
        ("70000", [], None),
        ("70000", [NO_SELL], "no_sell"),
        ("70000", [NO_BUY], None),
        ("70000", [LOCK], "lock"),
        ("70000", [NO_BUY, NO_SELL], "no_sell"),
        ("70000", [NO_SELL, NO_BUY], "no_sell"),
        ("50000", [NO_SELL], None),
        ("50000", [NO_BUY], "no_buy"),
        ("50000", [LOCK], "lock"),
        ("50000", [NO_BUY, NO_SELL], "no_buy"),
        ("50000", [NO_SELL, NO_BUY], "no_buy"),
        ("70000", [at_least("SPY", 65_000)], "range"),
        ("70000", [at_least("SPY", 50_000)], None),
        ("50000", [at_least("SPY", 65_000)], None),
        ("60000", [NO_SELL], None),
        ("60000", [LOCK], None),
    ],
)
def test_a_line_is_held_by_the_restriction_that_keeps_it_from_its_weight(
    spy: str, given: list[TradeRestriction], kind: str | None
) -> None:
    """R-60: at 70,000 SPY is above its weight of 60,000, so a sell is what is barred; at 50,000 a buy is."""
    assert held_by({"SPY": spy, "TLT": "24000"}, *given) == kind


@pytest.mark.parametrize(
    ("spy", "kind"),
    [("60000.019", None), ("60000.02", "lock"), ("59999.981", None), ("59999.98", "lock"), ("60001", "lock")],
)
def test_a_line_within_two_cents_of_its_weight_is_not_held(spy: str, kind: str | None) -> None:
    assert held_by({"SPY": spy, "TLT": "24000"}, LOCK) == kind


def test_a_line_that_is_lifted_to_its_minimum_is_not_held() -> None:
    """SPY stays at 70,000, so TLT, at 24,000, aims at its minimum of 26,000 and not at its weight of 35,000."""
    assert held_by({"SPY": "70000", "TLT": "24000"}, NO_SELL, at_least("TLT", 26_000), symbol="TLT") is None
    assert held_by({"SPY": "70000", "TLT": "24000"}, NO_SELL, at_least("TLT", 26_000)) == "no_sell"


@pytest.mark.parametrize(
    ("scope", "worth", "reasons"),
    [
        ("whole", {"A": "38", "B": "28", "C": "34"}, {"B": LineReason.IN_BAND}),
        ("whole", {"A": "38", "B": "30", "C": "32"}, {"B": None}),
        ("whole", {"A": "38", "B": "30.019", "C": "31.981"}, {"B": None}),
        ("whole", {"A": "38", "B": "30.02", "C": "31.98"}, {"B": LineReason.IN_BAND}),
        ("whole", {"A": "38", "B": "29.98", "C": "32.02"}, {"B": LineReason.IN_BAND}),
        ("breached", {"A": "38", "B": "28", "C": "34"}, {"A": LineReason.IN_BAND, "B": LineReason.SCOPE_NOT_BREACHED}),
        ("breached", {"A": "38", "B": "30", "C": "32"}, {"B": None}),
    ],
)
def test_why_a_line_off_its_weight_is_not_traded(
    scope: str, worth: dict[str, str], reasons: dict[str, LineReason | None]
) -> None:
    """R-60: it stops in its band, or only breached lines are traded; within two cents of its target it is on it."""
    given = rules(destination=Destination.EDGE, scope=RebalanceScope(scope))
    made = goals(THIRDS, "0", worth, given, FIVE)
    found = {symbol: made.idle_reason(symbol) for symbol in reasons}
    assert {symbol: why and why[0] for symbol, why in found.items()} == reasons


def test_a_restriction_comes_before_the_band_as_the_reason() -> None:
    given = rules(NO_SELL, destination=Destination.EDGE)
    made = goals(BALANCED, "6000", {"SPY": "70000", "TLT": "24000"}, given, FIVE)
    assert made.idle_reason("SPY") == (LineReason.NO_SELL, NO_SELL.text)
    assert (made.idle_reason("TLT") or (None,))[0] is LineReason.IN_BAND


def test_the_reachable_target_is_shown_as_shares_of_equity() -> None:
    """R-61: 60/35/5, SPY 70,000 no_sell, TLT 24,000, cash 6,000 → λ = 5/7, t = 70/25/5."""
    left_out = [restriction("unmanaged", "GME"), restriction("no_buy", "AMC")]
    shown = reachable_of(goals(BALANCED, "6000", {"SPY": "70000", "TLT": "24000"}, rules(NO_SELL)), left_out)
    assert shown is not None
    assert (shown.factor, shown.cash) == (Fraction(5, 7), Fraction(1, 20))
    spy, tlt = shown.lines
    assert (spy.symbol, spy.target, spy.actual, spy.reachable) == ("SPY", 6000, Fraction(7, 10), Fraction(7, 10))
    assert (spy.reason, spy.detail) == (LineReason.NO_SELL, "no sell (low basis)")
    assert (tlt.symbol, tlt.target, tlt.actual, tlt.reachable) == ("TLT", 3500, Fraction(24, 100), Fraction(1, 4))
    assert (tlt.reason, tlt.detail) == (None, "")
    assert shown.unmanaged == (("GME", "unmanaged (low basis)"),)


@pytest.mark.parametrize("cash", ["-94000", "-95000"])
def test_an_account_without_equity_has_no_reachable_target(cash: str) -> None:
    assert reachable_of(goals(BALANCED, cash, {"SPY": "70000", "TLT": "24000"}, rules()), []) is None


def test_the_lines_of_a_plan_are_the_portfolio_then_other_holdings_by_symbol() -> None:
    """An unmanaged asset is left out; a line without a price, or without a known asset, is worth 0."""
    assets = {"SPY": asset("SPY", "100"), "TLT": asset("TLT", None), "OLD": asset("OLD", "2.5"), "GME": asset("GME")}
    positions = {symbol: parse_qty("4") for symbol in ("ZZZ", "OLD", "GME", "SPY", "TLT")}
    made = lines_of(positions, assets, weights("5", TLT="35", SPY="50", VTI="10"), {"GME"})
    assert [(line.symbol, line.weight, line.value, line.price) for line in made] == [
        ("TLT", 3500, 0, None),
        ("SPY", 5000, 400 * ATTO, parse_price("100")),
        ("VTI", 1000, 0, None),
        ("OLD", 0, 10 * ATTO, parse_price("2.5")),
        ("ZZZ", 0, 0, None),
    ]


@pytest.mark.parametrize(
    ("minimum", "equity", "least"),
    [
        (None, 100_000, 0),
        (("50", 0), 100_000, 50),
        (("0", 100), 100_000, 1000),
        (("50", 100), 100_000, 1000),
        (("1500", 100), 100_000, 1500),
        (("50", 100), 0, 50),
        (("0", 100), 0, 0),
        (("0", 100), -100_000, 0),
    ],
)
def test_the_minimum_trade_is_the_larger_of_its_amount_and_its_share_of_equity(
    minimum: tuple[str, int] | None, equity: int, least: int
) -> None:
    """R-64."""
    given = None if minimum is None else MinimumTrade(parse_money(minimum[0]), Percent(minimum[1]))
    assert minimum_trade_value(given, Value(equity * ATTO)) == least * ATTO
