"""Settings of what may be traded: ranges, overrides, and where a run stops (R-60 to R-67, R-73)."""

from __future__ import annotations

from datetime import date

import pytest

from rebal_tui.domain.portfolios import Condition, Destination, MinimumTrade, RebalanceScope
from rebal_tui.domain.quantities import Percent, parse_money
from rebal_tui.domain.trading_rules import (
    Concerned,
    Overrides,
    RangeUnit,
    RestrictionKind,
    RestrictionScope,
    RunOverride,
    TradeRestriction,
    TradingRules,
    range_fault,
)
from tests.engine.support import band, calendar, situation


def restriction(kind: str, name: str = "r", symbol: str | None = None, until: date | None = None) -> TradeRestriction:
    return TradeRestriction(name, RestrictionScope.ACCOUNT, RestrictionKind(kind), "low basis", symbol, until=until)


def ranged(minimum: int | None, maximum: int | None, unit: RangeUnit | None, kind: str = "range") -> TradeRestriction:
    return TradeRestriction(
        "r", RestrictionScope.ACCOUNT, RestrictionKind(kind), "cap", "SPY", minimum=minimum, maximum=maximum, unit=unit
    )


PERCENT, DOLLARS, SHARES = RangeUnit.PERCENT, RangeUnit.DOLLARS, RangeUnit.SHARES
NEEDS, NEGATIVE = "a range needs a unit, and min or max", "min and max are 0 or more"
CROSSED, ABOVE_ALL = "min is above max", "min and max are at most 100 %"


@pytest.mark.parametrize(
    ("minimum", "maximum", "unit", "fault"),
    [
        (1000, 2000, PERCENT, ""),
        (1000, None, PERCENT, ""),
        (None, 2000, PERCENT, ""),
        (2000, 2000, PERCENT, ""),
        (0, 0, SHARES, ""),
        (0, None, DOLLARS, ""),
        (None, 0, DOLLARS, ""),
        (None, None, PERCENT, NEEDS),
        (1000, 2000, None, NEEDS),
        (1000, None, None, NEEDS),
        (None, None, None, NEEDS),
        (-1, None, DOLLARS, NEGATIVE),
        (None, -1, SHARES, NEGATIVE),
        (-1, 5, DOLLARS, NEGATIVE),
        (-5, -1, DOLLARS, NEGATIVE),
        (2001, 2000, PERCENT, CROSSED),
        (1, 0, SHARES, CROSSED),
        (10_000, 10_000, PERCENT, ""),
        (None, 10_001, PERCENT, ABOVE_ALL),
        (10_001, None, PERCENT, ABOVE_ALL),
        (0, 10_001, PERCENT, ABOVE_ALL),
        (None, 10_001, DOLLARS, ""),
        (10_001, None, SHARES, ""),
    ],
)
def test_a_range_has_a_unit_and_limits_in_order(
    minimum: int | None, maximum: int | None, unit: RangeUnit | None, fault: str
) -> None:
    assert range_fault(ranged(minimum, maximum, unit)) == fault


@pytest.mark.parametrize(
    ("minimum", "maximum", "unit"), [(1, None, None), (None, 1, None), (None, None, PERCENT), (0, None, None)]
)
@pytest.mark.parametrize("kind", ["no_buy", "no_sell", "lock", "unmanaged"])
def test_only_a_range_has_limits(kind: str, minimum: int | None, maximum: int | None, unit: RangeUnit | None) -> None:
    assert range_fault(ranged(minimum, maximum, unit, kind)) == "only a range has min, max and unit"
    assert range_fault(ranged(None, None, None, kind)) == ""


@pytest.mark.parametrize(("day", "holds"), [(29, True), (30, True), (31, False)])
def test_a_restriction_holds_until_the_end_of_its_last_day(day: int, holds: bool) -> None:
    today = date(2027, 1, day)
    assert restriction("no_sell", until=date(2027, 1, 30)).holds_on(today) is holds
    assert restriction("no_sell").holds_on(today)


@pytest.mark.parametrize(
    ("account_ids", "portfolio_id", "scope"),
    [((), None, "book"), ((), "p", "portfolio"), (("a",), None, "account"), (("a", "b"), "p", "account")],
)
def test_whom_a_restriction_concerns(account_ids: tuple[str, ...], portfolio_id: str | None, scope: str) -> None:
    assert Concerned(account_ids, portfolio_id).scope == scope


OWN: tuple[Condition, ...] = (band("absolute", "5"), calendar("monthly", "15"))
OTHER: tuple[Condition, ...] = (band("relative", "20"),)


@pytest.mark.parametrize(
    ("overrides", "cooldown", "conditions", "review"),
    [
        (Overrides(), 7, OWN, True),
        (Overrides(cooldown_days=31), 31, OWN, True),
        (Overrides(cooldown_days=0), 0, OWN, True),
        (Overrides(conditions=OTHER), 7, OTHER, True),
        (Overrides(conditions=()), 7, (), True),
        (Overrides(review=False), 7, OWN, False),
        (Overrides(cooldown_days=0, conditions=OTHER, review=False), 0, OTHER, False),
    ],
    ids=["nothing", "cooldown", "no cooldown", "conditions", "no conditions", "no review", "all"],
)
def test_an_override_replaces_what_it_sets_and_nothing_else(
    overrides: Overrides, cooldown: int, conditions: tuple[Condition, ...], review: bool
) -> None:
    """R-67: the whole list of conditions is replaced; 0 days, an empty list and `no` are settings as well."""
    portfolio = situation(conditions=OWN, cooldown_days=7).portfolio
    reviewed = Overrides(review=True).applied(portfolio)
    assert (portfolio.review, reviewed.review) == (False, True)
    made = overrides.applied(reviewed)
    assert (made.cooldown_days, made.conditions, made.review) == (cooldown, conditions, review)
    assert (made.id, made.weights) == (portfolio.id, portfolio.weights)


@pytest.mark.parametrize(
    ("proceeds", "buffer", "expected"),
    [
        ("1000", 0, "1000"),
        ("1000", 25, "997.5"),
        ("0.01", 25, "0.009975"),
        ("0.000000001", 25, "0"),
        ("0.000000401", 25, "0.000000399"),
        ("1000", 10_000, "0"),
    ],
)
def test_buys_of_a_trade_list_spend_proceeds_less_the_buffer(proceeds: str, buffer: int, expected: str) -> None:
    """R-73: 0.25 % of the expected proceeds is withheld, rounded down to a billionth of a dollar."""
    assert TradingRules(proceeds_buffer=Percent(buffer)).expected(parse_money(proceeds)) == parse_money(expected)


BANDS = (band("absolute", "5"),)
TARGET, MIDDLE, EDGE = Destination.TARGET, Destination.MIDDLE, Destination.EDGE
WHOLE, BREACHED = RebalanceScope.WHOLE, RebalanceScope.BREACHED


@pytest.mark.parametrize(
    ("destination", "scope", "early"),
    [
        (TARGET, WHOLE, False),
        (MIDDLE, WHOLE, True),
        (EDGE, WHOLE, True),
        (TARGET, BREACHED, True),
        (EDGE, BREACHED, True),
    ],
)
def test_only_a_run_of_a_band_stops_before_its_target(
    destination: Destination, scope: RebalanceScope, early: bool
) -> None:
    """R-62, R-63: first, unfinished, calendar, portfolio-update and manual runs go to the target, with every line."""
    minimum = MinimumTrade(parse_money("50"))
    given = TradingRules(destination=destination, scope=scope, minimum_trade=minimum, whole_shares=True)
    assert given.stops_early is early
    of_band, of_other = given.of_run(BANDS), given.of_run(())
    assert (of_band.destination, of_band.scope, of_band.bands) == (destination, scope, BANDS if early else ())
    for full in (of_other, given.to_target()):
        assert (full.destination, full.scope, full.bands, full.stops_early) == (TARGET, WHOLE, (), False)
        assert (full.minimum_trade, full.whole_shares) == (minimum, True)


KEPT, SPY, GME = restriction("no_sell", "1", "TLT"), restriction("no_buy", "2", "SPY"), restriction("lock", "3", "GME")


@pytest.mark.parametrize(
    ("ids", "left", "overridden"),
    [
        (("2",), (KEPT, GME), (SPY,)),
        (("3", "2"), (KEPT,), (SPY, GME)),
        (("1", "2", "3"), (), (KEPT, SPY, GME)),
        (("2", "unknown"), (KEPT, GME), (SPY,)),
        (("unknown",), (KEPT, SPY, GME), ()),
        ((), (KEPT, SPY, GME), ()),
    ],
)
def test_a_run_ignores_the_restrictions_that_it_overrides_and_no_others(
    ids: tuple[str, ...], left: tuple[TradeRestriction, ...], overridden: tuple[TradeRestriction, ...]
) -> None:
    """R-61: with its note, which is shown beside what was overridden only."""
    made = TradingRules((KEPT, SPY, GME), whole_shares=True).overriding(RunOverride(ids, "client agreed"))
    assert (made.restrictions, made.overridden) == (left, overridden)
    assert made.override_note == ("client agreed" if overridden else "")
    assert made.whole_shares


def test_without_an_override_every_restriction_applies() -> None:
    given = TradingRules((KEPT, SPY))
    assert given.overriding(None) == given


def test_the_restrictions_of_a_kind_are_those_that_hold_or_leave_out() -> None:
    given = TradingRules(
        (
            restriction("unmanaged", symbol="GME"),
            restriction("unmanaged", symbol="AMC"),
            restriction("lock", symbol="SPY"),
            restriction("hold", "h"),
        )
    )
    assert given.unmanaged == {"GME", "AMC"}
    assert [one.id for one in given.holds] == ["h"]
