"""The sweep gives the same result for every account as the exact engine."""

from __future__ import annotations

import os
import random
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rebal_tui.domain.accounts import Position
from rebal_tui.domain.portfolios import PortfolioStatus
from rebal_tui.domain.quantities import MAX_NANO, Money, Price, Qty, Value, floor_money
from rebal_tui.domain.sessions import new_york_day
from rebal_tui.domain.trading_rules import RestrictionKind, RestrictionScope, TradeRestriction, TradingRules
from rebal_tui.engine.arrays.day_context import day_context_of
from rebal_tui.engine.arrays.equity import exact_equity
from rebal_tui.engine.arrays.sweep import NEAR_PERMILLE, NO_ASSET, NO_BAND, Group, sweep
from rebal_tui.engine.bounds import RestrictionsConflict
from rebal_tui.engine.calendar import in_cooldown
from rebal_tui.engine.drift import Valuation, asset_drifts, largest_drift, largest_usage, value_account
from rebal_tui.engine.restrictions import blocking_reasons
from rebal_tui.engine.situation import MIN_INVEST_VALUE, Situation, calendar_day, excess_cash, price_faults
from tests.engine.array_books import frame_of, random_situations, tied_situations
from tests.engine.ruled_books import random_rules, roomy_situations
from tests.engine.support import situation, weights

BOOKS = int(os.environ.get("ARRAY_BOOKS", "2"))


def booked(one: Situation) -> Valuation:
    """The value of the whole account, unmanaged holdings and reservations included."""
    held = {position.symbol: position.qty for position in one.account.positions}
    prices = {symbol: asset.price for symbol, asset in one.assets.items() if asset.price is not None}
    return value_account(one.account.cash, held, prices)


def kept(one: Situation) -> Value:
    """The excess cash; where restrictions exclude each other, of the weights."""
    try:
        return excess_cash(one)
    except RestrictionsConflict:
        return excess_cash(replace(one, rules=TradingRules(tuple(unmanaged(one)))))


def unmanaged(one: Situation) -> list[TradeRestriction]:
    return [found for found in one.rules.restrictions if found.kind is RestrictionKind.UNMANAGED]


def exact_groups(one: Situation) -> Group:
    valuation = one.valuation
    drifts = asset_drifts(valuation, one.portfolio.weights, one.reachable_values)
    usage = largest_usage(drifts, one.portfolio.bands)
    last = one.subscription.last_rebalanced_at
    stopped = bool(blocking_reasons(one.account, booked(one))) or one.portfolio.status is not PortfolioStatus.ACTIVE
    watched = one.session is not None and one.session.is_open(one.now)
    groups = Group(0)
    groups |= Group.OUTSIDE if usage and usage.breached else Group(0)
    groups |= Group.NEAR if usage and not usage.breached and usage.permille >= NEAR_PERMILLE else Group(0)
    cooling = in_cooldown(last, one.portfolio.cooldown_days, new_york_day(one.now))
    groups |= Group.CALENDAR if calendar_day(one) and not cooling and not one.quota_run else Group(0)
    groups |= Group.CASH if kept(one) >= MIN_INVEST_VALUE else Group(0)
    groups |= Group.FIRST if last is None else Group(0)
    groups |= Group.COOLDOWN if cooling else Group(0)
    groups |= Group.BLOCKED if stopped else Group(0)
    groups |= Group.UNABLE if watched and price_faults(one) and not stopped else Group(0)
    return groups


def compare(situations: Sequence[Situation]) -> None:
    first = situations[0]
    frame = frame_of(situations)
    made = sweep(frame, day_context_of(frame, first.now, first.session, price_max_age=first.price_max_age))
    equities = exact_equity(frame)
    for row, one in enumerate(situations):
        valuation = one.valuation
        drifts = asset_drifts(valuation, one.portfolio.weights, one.reachable_values)
        usage = largest_usage(drifts, one.portfolio.bands)
        worst = usage.drift if usage else largest_drift(drifts)
        shown = frame.assets.symbols[made.worst[row]] if made.worst[row] != NO_ASSET else ""
        assert shown == (worst.symbol if worst else ""), (row, one)
        assert made.drift[row] == (worst.points if worst else 0), (row, one)
        assert made.band_used[row] == (usage.permille if usage else NO_BAND), (row, one)
        assert Group(int(made.groups[row])) == exact_groups(one), (row, one)
        assert equities[row] == min(floor_money(booked(one).equity), 2**63 - 1), (row, one)
        assert made.equity[row] == pytest.approx(booked(one).equity / 1e18, rel=1e-12, abs=1e-6)


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**40), st.booleans())
def test_a_book_is_swept_like_its_accounts_one_by_one(seed: int, tied: bool) -> None:
    compare((tied_situations if tied else random_situations)(random.Random(seed), 20))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(BOOKS))
def test_large_books_are_swept_like_their_accounts_one_by_one(seed: int) -> None:
    compare(random_situations(random.Random(seed), 500))
    compare(tied_situations(random.Random(seed), 1_500))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2))
def test_accounts_under_rules_are_swept_like_one_by_one(seed: int) -> None:
    rng = random.Random(f"rules {seed}")
    for situations in (random_situations(rng, 40), tied_situations(rng, 80), roomy_situations(rng, 80)):
        compare([replace(one, rules=replace(random_rules(rng, one), overrides=None)) for one in situations])


def test_moved_prices_are_swept_like_initial_prices() -> None:
    situations = tied_situations(random.Random(9), 300)
    frame = frame_of(situations)
    day_context = day_context_of(frame, situations[0].now, situations[0].session)
    rows = np.arange(len(frame.assets))
    moved = frame.assets.price * 11 // 10 + 7
    after = sweep(frame.with_prices(rows, moved, frame.assets.price_at), day_context)
    assets = {s: replace(a, price=Price((a.price or 0) * 11 // 10 + 7)) for s, a in situations[0].assets.items()}
    compare([replace(s, assets=assets) for s in situations])
    assert (after.band_used != sweep(frame, day_context).band_used).any()


def test_an_equity_beyond_922_thousand_and_beyond_9_billion_dollars_is_exact() -> None:
    sizes = (922_337 * 10**9, 10**18, 9 * 10**18, MAX_NANO)
    base = situation(target=weights("0", SPY="60", TLT="40"), prices={"SPY": "612345.123456789", "TLT": "0.000000001"})
    compare(
        [
            replace(
                base,
                account=replace(base.account, cash=Money(cash), positions=(Position("SPY", Qty(qty)),)),
            )
            for cash in sizes
            for qty in (1, 10**9, 10**13, MAX_NANO)
        ]
    )


def test_an_unmanaged_asset_without_a_price_leaves_its_account_able_to_trade() -> None:
    one = next(
        one
        for one in random_situations(random.Random(3), 200)
        if one.session is not None and one.session.is_open(one.now) and not price_faults(one)
        and not exact_groups(one) & (Group.BLOCKED | Group.UNABLE)
    )  # fmt: skip
    symbol = one.portfolio.weights.symbols[0]
    unpriced = replace(one, assets={name: asset for name, asset in one.assets.items() if name != symbol})
    unmanaged = TradeRestriction("", RestrictionScope.ACCOUNT, RestrictionKind.UNMANAGED, "because", symbol)
    for changed, unable in (
        (unpriced, True),
        (replace(unpriced, rules=replace(one.rules, restrictions=(unmanaged,))), False),
    ):
        frame = frame_of([changed])
        day_context = day_context_of(frame, one.now, one.session, price_max_age=one.price_max_age)
        assert bool(Group(int(sweep(frame, day_context).groups[0])) & Group.UNABLE) is unable
        assert bool(exact_groups(changed) & Group.UNABLE) is unable
