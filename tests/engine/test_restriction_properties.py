"""Properties of restrictions, destinations, whole shares and staggered dates, for any book (R-60 to R-66)."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rebal_tui.domain.decisions import LineReason
from rebal_tui.domain.portfolios import CalendarCondition, CalendarType, Destination, DriftBand, RebalanceScope, Weights
from rebal_tui.domain.quantities import HUNDRED_PERCENT, NANO, Money, Value
from rebal_tui.domain.trading_rules import RangeUnit, RestrictionKind, RestrictionScope, TradeRestriction, TradingRules
from rebal_tui.engine.bounds import RestrictionsConflict
from rebal_tui.engine.calendar import fires_on
from rebal_tui.engine.destination import boxes_of
from rebal_tui.engine.drift import AssetDrift
from rebal_tui.engine.goals import Goals
from rebal_tui.engine.plan_lines import Holdings
from rebal_tui.engine.planning import plan_full_rebalance, plan_goals
from rebal_tui.market.sessions import build_sessions
from tests.engine.support import holdings_of, random_book, weights_of
from tests.engine.test_engine_properties import full, invest, liquidate, most_raised
from tests.engine.test_restrictions_oracle import bands_of, random_settings, rules_of
from tests.examples import examples

pytestmark = pytest.mark.slow

seeds = st.integers(0, 2**40)
EXAMPLES = examples(60)


def start(seed: int) -> tuple[Holdings, Weights, tuple[DriftBand, ...]]:
    """An account with equity, under settings of every kind that do not exclude each other."""
    rng = random.Random(seed)
    while True:
        book = random_book(rng)
        settings = random_settings(rng, book)
        state, target = replace(holdings_of(book), rules=rules_of(settings)), weights_of(book)
        try:
            if book.equity > 1 and state.equity > 0:
                plan_goals(state, target, state.equity)
                return state, target, bands_of(settings)
        except RestrictionsConflict:
            continue


def goals(state: Holdings, target: Weights, bands: tuple[DriftBand, ...]) -> Goals | None:
    return plan_goals(state, target, state.equity, bands)


def limit(kind: RestrictionKind, symbol: str, **given: object) -> TradeRestriction:
    made = TradeRestriction("", RestrictionScope.ACCOUNT, kind, "because", symbol)
    return replace(made, **given)  # type: ignore[arg-type]  # the fields of a restriction


@EXAMPLES
@given(seeds)
def test_ranges_that_allow_everything_leave_the_plan_as_it_is_to_the_unit(seed: int) -> None:
    rng = random.Random(seed)
    book = random_book(rng)
    state, target = holdings_of(book), weights_of(book)
    if state.equity <= 0:
        return
    symbols = {*target.symbols, *state.positions}
    wide = tuple(
        limit(RestrictionKind.RANGE, symbol, minimum=0, maximum=10_000, unit=RangeUnit.PERCENT) for symbol in symbols
    )
    under = replace(state, rules=TradingRules(wide))

    def orders(given: Holdings) -> list[tuple[object, ...]]:
        plan = plan_full_rebalance(given, target)
        return [(line.symbol, line.side, line.qty, line.notional) for line in plan.lines] + [(plan.cash_target,)]

    assert orders(under) == orders(state)
    assert orders(replace(state, rules=TradingRules())) == orders(state)


@pytest.mark.parametrize("planner", [full, invest, liquidate])
@EXAMPLES
@given(seeds)
def test_a_locked_line_is_never_traded(planner: object, seed: int) -> None:
    state, target, _ = start(seed)
    symbol = random.Random(seed).choice(sorted({*target.symbols, *state.positions}))
    locked = replace(state.rules, restrictions=(*state.rules.restrictions, limit(RestrictionKind.LOCK, symbol)))
    state = replace(state, rules=locked)
    try:
        if planner is liquidate and most_raised(state, target) <= 0:
            return
        plan = planner(state, target)  # type: ignore[operator]  # one of the planners
    except RestrictionsConflict:
        return
    assert all(line.side is None for line in plan.lines if line.symbol == symbol)


@EXAMPLES
@given(seeds)
def test_the_reachable_target_is_the_one_of_the_least_factor(seed: int) -> None:
    state, target, _ = start(seed)
    found = goals(state, target, ())
    if found is None:
        return
    wanted = Fraction((HUNDRED_PERCENT - target.cash) * found.base, HUNDRED_PERCENT)

    def at(factor: Fraction) -> Mapping[str, Fraction]:
        return {
            line.symbol: min(
                max(factor * line.weight * found.base / HUNDRED_PERCENT, found.bounds[line.symbol].low),
                found.bounds[line.symbol].high,
            )
            for line in found.lines
        }

    factor = found.target.factor
    if factor is None:
        movable = [line.symbol for line in found.lines if line.weight]
        least, most = (sum(at(Fraction(f)).values()) for f in (0, 10**12))
        assert least >= wanted or most <= wanted or not movable
        return
    assert found.target.values == at(factor)
    assert sum(found.target.values.values()) == wanted
    assert factor == 0 or sum(at(factor * (1 - Fraction(1, 10**9))).values()) < wanted
    # One unit more or less of the factor moves the sum away from what is wanted, or no line at all.
    more = at(factor * (1 + Fraction(1, 10**9)))
    assert sum(more.values()) > wanted or more == found.target.values


@EXAMPLES
@given(seeds)
def test_every_line_is_in_its_box_and_the_turnover_is_the_least(seed: int) -> None:
    state, target, bands = start(seed)
    state = replace(state, rules=replace(state.rules, scope=RebalanceScope.WHOLE))
    found = goals(state, target, bands)
    if found is None or not bands or state.rules.destination is Destination.TARGET:
        return
    boxes = boxes_of(found.lines, found.bounds, found.target, found.base, bands, state.rules.destination)
    cash = Fraction(state.cash * NANO)
    over = max(Fraction(0), cash - found.target.cash)
    under = max(Fraction(0), found.target.cash - cash)
    changes = abs(cash - found.stops.cash)
    for line in found.lines:
        low, high = boxes[line.symbol]
        goal = found.goal(line.symbol)
        assert low <= goal <= high
        changes += abs(goal - line.value)
        over += max(Fraction(0), line.value - high)
        under += max(Fraction(0), low - line.value)
    assert changes == 2 * max(over, under)


@EXAMPLES
@given(seeds)
def test_no_band_is_breached_by_what_a_restriction_holds(seed: int) -> None:
    state, target, bands = start(seed)
    found = goals(state, target, ())
    if found is None:
        return
    for line in found.lines:
        bound = found.bounds[line.symbol]
        if bound.low == bound.high == line.value:
            drift = AssetDrift(line.symbol, line.weight, line.value, found.base, found.target.values[line.symbol])
            assert not any(drift.breaches(band) for band in bands)


@EXAMPLES
@given(seeds)
def test_in_whole_shares_no_affordable_share_is_left_where_more_than_half_of_one_lacks(seed: int) -> None:
    state, target, _ = start(seed)
    state = replace(state, rules=replace(state.rules, whole_shares=True, minimum_trade=None))
    plan = plan_full_rebalance(state, target)
    spent = sum((line.notional or Money(0)) for line in plan.buys)
    left = (plan.budget - spent) * NANO
    sizes = {line.symbol: (line.qty or 0) * (line.price or 0) for line in plan.buys}
    for line in plan.lines:
        asset = state.assets.get(line.symbol)
        if (
            asset is None
            or not asset.eligible
            or not line.price
            or line.price < NANO
            or (not line.target and not line.goal)
            or line.reason is LineReason.UNMANAGED
        ):
            continue
        goal = Fraction(Value(max(0, plan.equity)) * line.target, HUNDRED_PERCENT) if line.goal is None else line.goal
        if line.side is not None and line.notional is None:
            continue
        value = line.value + sizes.get(line.symbol, 0)
        room = line.upper is None or line.upper - value >= line.price * NANO
        if room and goal - line.value >= Fraction(2, 100) * 10**18 and 2 * (goal - value) > line.price * NANO:
            assert left < line.price * NANO, line


@pytest.mark.parametrize(
    ("kind", "day", "sessions"),
    [
        (CalendarType.WEEKLY, "Wednesday", 5),
        (CalendarType.MONTHLY, "31", 15),
        (CalendarType.QUARTERLY, "1", 40),
        (CalendarType.ANNUALLY, "06-30", 200),
    ],
)
def test_staggering_reaches_every_account_once_a_period(kind: CalendarType, day: str, sessions: int) -> None:
    condition = CalendarCondition(kind, day)
    known = build_sessions(date(2024, 1, 1), date(2027, 12, 31))
    nominal = [
        at
        for at, one in enumerate(known)
        if one.next_day is not None and fires_on(condition, one.day, one.next_day, frozenset({3, 6, 9, 12})) is not None
    ]
    assert len(nominal) > 2
    for offset in range(sessions):
        own = [
            at
            for at in range(offset, len(known))
            if (asked := known[at - offset]).next_day is not None
            and fires_on(condition, asked.day, asked.next_day, frozenset({3, 6, 9, 12})) is not None
        ]
        assert own == [at + offset for at in nominal if at + offset < len(known)]
