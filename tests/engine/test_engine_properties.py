"""Properties of every plan and every evaluation, for any book."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rebal_tui.domain.accounts import Position
from rebal_tui.domain.assets import AssetStatus
from rebal_tui.domain.decisions import SKIP_REASONS, LineReason, Outcome, Plan, Verdict
from rebal_tui.domain.orders import Side
from rebal_tui.domain.portfolios import Condition, Weights
from rebal_tui.domain.quantities import CENT, NANO, Money, Price, Qty, Value
from rebal_tui.domain.runs import RunType
from rebal_tui.engine.buys import resize_buys
from rebal_tui.engine.drift import asset_drifts, value_account
from rebal_tui.engine.evaluation import evaluate
from rebal_tui.engine.liquidation import AmountTooLarge, plan_partial_liquidation
from rebal_tui.engine.plan_lines import Holdings
from rebal_tui.engine.planning import plan_full_rebalance, plan_invest_cash
from rebal_tui.engine.situation import Situation
from tests.engine.support import (
    at,
    band,
    calendar,
    executed,
    holdings_of,
    nanos,
    random_book,
    situation,
    weights_of,
    worth,
)
from tests.examples import examples

pytestmark = pytest.mark.slow

seeds = st.integers(0, 2**40)
EXAMPLES = examples(200)
Planner = Callable[[Holdings, Weights], Plan]


def full(state: Holdings, target: Weights) -> Plan:
    return plan_full_rebalance(state, target)


def invest(state: Holdings, target: Weights) -> Plan:
    equity = max(0, worth(state))
    return plan_invest_cash(state, target, Money(-(-equity * target.cash // (10_000 * NANO))))


def liquidate(state: Holdings, target: Weights) -> Plan:
    """A plan that raises a third of the maximum."""
    return plan_partial_liquidation(state, target, Money(max(1, most_raised(state, target) // 3)))


def most_raised(state: Holdings, target: Weights) -> Money:
    with pytest.raises(AmountTooLarge) as refusal:
        plan_partial_liquidation(state, target, Money(10**30))
    return refusal.value.max_amount


def book(seed: int, *, solvent: bool = True) -> tuple[Holdings, Weights]:
    rng = random.Random(seed)
    while True:
        made = random_book(rng)
        if made.equity > 1 or not solvent:
            state = holdings_of(made)
            if most_raised(state, weights_of(made)) > 0:
                return state, weights_of(made)


planners = pytest.mark.parametrize("planner", [full, invest, liquidate])


@planners
@EXAMPLES
@given(seeds)
def test_every_asset_and_holding_has_one_line_with_a_reason(planner: Planner, seed: int) -> None:
    state, target = book(seed, solvent=False)
    plan = planner(state, target)
    others = sorted(symbol for symbol in state.positions if symbol not in target.symbols)
    assert [line.symbol for line in plan.lines] == [*target.symbols, *others]
    skipped = {skip.symbol: skip for skip in plan.skipped_orders}
    for line in plan.lines:
        assert line.detail
        assert (line.symbol in skipped) is (line.reason in SKIP_REASONS)
        if line.side is None:
            assert (line.qty, line.notional) == (None, None)
            assert line.reason in SKIP_REASONS or line.reason in (
                LineReason.ON_TARGET,
                LineReason.BUYS_ONLY,
                LineReason.SELLS_ONLY,
            )
        if line.symbol in skipped:
            assert line.side is None
            assert skipped[line.symbol].reason_details == line.detail
            if line.reason is LineReason.ORDER_LESS_THAN_MIN_NOTIONAL:
                assert (skipped[line.symbol].notional or 0) < NANO


@planners
@EXAMPLES
@given(seeds)
def test_orders_are_acceptable_to_a_broker(planner: Planner, seed: int) -> None:
    state, target = book(seed, solvent=False)
    plan = planner(state, target)
    for line in plan.buys:
        assert line.qty is None
        assert line.notional is not None
        assert line.notional >= NANO
        assert line.notional % CENT == 0
        assert state.assets[line.symbol].eligible
        assert line.target > 0
    for line in plan.sells:
        assert line.notional is None
        assert line.qty is not None
        assert line.price is not None
        assert 0 < line.qty <= state.positions[line.symbol]
        assert line.qty * line.price >= NANO * NANO or line.qty == state.positions[line.symbol]
        assert state.assets[line.symbol].status is AssetStatus.ACTIVE
    assert not (plan.type is RunType.INVEST_CASH and plan.sells)
    assert not (plan.type is RunType.PARTIAL_LIQUIDATION and plan.buys)


@planners
@EXAMPLES
@given(seeds)
def test_executing_a_plan_conserves_cash_and_shares(planner: Planner, seed: int) -> None:
    state, target = book(seed)
    plan = planner(state, target)
    after = executed(state, plan)
    assert all(qty > 0 for qty in after.positions.values())
    lost = worth(state) - worth(after)
    dearest = max(state.prices.values(), default=0)
    assert 0 <= lost < (len(plan.lines) + 1) * max(dearest, NANO)
    if plan.buys:
        assert after.cash >= plan.cash_target
        assert sum(line.notional or 0 for line in plan.buys) <= plan.budget
    assert after.cash >= min(state.cash, plan.cash_target)


@planners
@EXAMPLES
@given(seeds)
def test_after_a_plan_nothing_is_left_to_trade(planner: Planner, seed: int) -> None:
    state, target = book(seed)
    plan = planner(state, target)
    after = executed(state, plan)
    if planner is liquidate:
        assert plan.amount is not None
        again = plan_partial_liquidation(after, target, plan.amount) if not plan.sells else None
        assert again is None or not again.sells
    elif planner is invest:
        assert plan_invest_cash(after, target, Money(plan.cash_target)).buys == () or plan.skipped_orders
    else:
        for line in plan_full_rebalance(after, target).lines:
            rounding = 2 * (line.price or 0) + 3 * len(plan.lines) * CENT * NANO
            assert line.side is None or abs(line.value - line.target_value) < rounding, line


@EXAMPLES
@given(seeds)
def test_a_second_full_rebalance_plans_no_order_for_fractional_shares(seed: int) -> None:
    """For books where a billionth of a share costs far less than a cent, and nothing blocks a trade."""
    rng = random.Random(seed)
    made = random_book(rng, dead=False, reserved=False)
    state, target = holdings_of(made), weights_of(made)
    if made.equity < 100 or made.cash < 0:
        return
    plan = plan_full_rebalance(state, target)
    if plan.skipped_orders:
        return
    again = plan_full_rebalance(executed(state, plan), target)
    assert not again.sells
    assert not again.buys


@planners
@EXAMPLES
@given(seeds)
def test_order_of_positions_and_assets_is_presentation_only(planner: Planner, seed: int) -> None:
    state, target = book(seed)
    shuffler = random.Random(seed + 1)
    positions = list(state.positions.items())
    assets = list(target.assets)
    shuffler.shuffle(positions)
    shuffler.shuffle(assets)
    plan = planner(state, target)
    other = planner(replace(state, positions=dict(positions)), replace(target, assets=tuple(assets)))
    assert {line.symbol: line for line in other.lines} == {line.symbol: line for line in plan.lines}
    assert set(other.skipped_orders) == set(plan.skipped_orders)
    assert replace(other, lines=(), skipped_orders=(), weights=target) == replace(plan, lines=(), skipped_orders=())


@planners
@EXAMPLES
@given(seeds)
def test_a_split_changes_shares_but_no_dollars(planner: Planner, seed: int) -> None:
    state, target = book(seed)
    state = replace(
        state,
        assets={s: replace(a, price=Price(a.price * 2) if a.price else None) for s, a in state.assets.items()},
    )
    split = replace(
        state,
        positions={symbol: Qty(qty * 2) for symbol, qty in state.positions.items()},
        assets={s: replace(a, price=Price(a.price // 2) if a.price else None) for s, a in state.assets.items()},
    )
    plan, other = planner(state, target), planner(split, target)
    grain = max(state.prices.values(), default=Price(0))
    for before, after in zip(plan.lines, other.lines, strict=True):
        assert (before.value, before.target_value) == (after.value, after.target_value)
        if before.side is Side.SELL and after.side is Side.SELL:
            assert abs((after.qty or 0) - 2 * (before.qty or 0)) * (after.price or 0) <= 2 * len(plan.lines) * grain
        elif before.side is Side.BUY and after.side is Side.BUY:
            slack = len(plan.lines) * (grain // NANO + 1) + CENT
            assert abs((after.notional or 0) - (before.notional or 0)) <= slack


@EXAMPLES
@given(seeds, st.integers(2, 1000))
def test_scaling_an_account_scales_its_orders(seed: int, factor: int) -> None:
    state, target = book(seed)
    larger = replace(
        state,
        cash=Money(state.cash * factor),
        positions={symbol: Qty(qty * factor) for symbol, qty in state.positions.items()},
    )
    plan, other = plan_full_rebalance(state, target), plan_full_rebalance(larger, target)
    if plan.skipped_orders or other.skipped_orders:
        return
    for small, large in zip(plan.lines, other.lines, strict=True):
        assert small.value * factor == large.value
        if small.side is Side.SELL:
            assert 0 <= (large.qty or 0) - factor * (small.qty or 0) <= factor
        if small.side is Side.BUY and large.side is Side.BUY and plan.scale == other.scale == (1, 1):
            assert 0 <= (large.notional or 0) - factor * (small.notional or 0) <= factor * CENT


@EXAMPLES
@given(seeds)
def test_buys_resized_to_the_planned_cash_are_the_planned_buys(seed: int) -> None:
    state, target = book(seed)
    plan = plan_full_rebalance(state, target)
    booked = executed(state, replace(plan, lines=plan.sells)).cash
    planned = {line.symbol: line.notional or 0 for line in plan.buys}
    again = resize_buys(plan, Money(booked)).amounts
    assert again.keys() == planned.keys()
    assert all(abs(again[symbol] - planned[symbol]) <= CENT for symbol in again)
    short = resize_buys(plan, Money(booked - booked // 10))
    assert sum(short.amounts.values()) <= max(0, booked - booked // 10 - plan.cash_target)


@EXAMPLES
@given(seeds, st.integers(1, 100))
def test_a_liquidation_raises_the_amount_or_is_refused(seed: int, percent: int) -> None:
    state, target = book(seed)
    max_amount = most_raised(state, target)
    amount = Money(max(1, max_amount * percent // 100))
    plan = plan_partial_liquidation(state, target, amount)
    after = executed(state, plan)
    assert after.cash >= amount
    sellable = {s for s, asset in state.assets.items() if asset.tradable and asset.status is AssetStatus.ACTIVE}
    everything = not sellable & set(after.positions)
    assert everything or after.cash >= amount + min(plan.cash_target, state.cash)
    with pytest.raises(AmountTooLarge):
        plan_partial_liquidation(state, target, Money(max_amount + 1))


def random_situation(seed: int) -> Situation:
    """A random subscription; most are not blocked."""
    rng = random.Random(seed)
    made = random_book(rng)
    state, target = holdings_of(made), weights_of(made)
    today = date(2026, 3, 4)
    conditions: list[Condition] = [
        *rng.choice([[], [band("absolute", "5")], [band("absolute", "0.01"), band("relative", "20")]])
    ]
    if rng.random() < 0.5:
        conditions.append(calendar("weekly", rng.choice(["Wednesday", "Friday"])))
    base = situation(
        target=target,
        conditions=conditions,
        cooldown_days=rng.choice([0, 7]),
        rebalanced=rng.choice([None, at(today - timedelta(days=3)), at(today - timedelta(days=30))]),
        day=today,
    )
    return replace(
        base,
        account=replace(
            base.account,
            cash=Money(nanos(made.cash)),
            positions=tuple(Position(s, q) for s, q in state.positions.items()),
        ),
        assets={s: replace(a, price_at=base.now) for s, a in state.assets.items()},
        reserved=Money(nanos(made.reserved)),
        open_run="r" if rng.random() < 0.05 else None,
        quota_run="q" if rng.random() < 0.05 else None,
        session=None if rng.random() < 0.05 else base.session,
    )


ORDER = (
    *("window", "portfolio_status", "account", "open_orders", "quota", "prices", "assets"),
    *("first_rebalance", "in_cooldown", "calendar", "drift_band", "minimum_equity", "invest_cash"),
)


@EXAMPLES
@given(seeds)
def test_a_trace_follows_the_order_of_the_rules_and_explains_the_outcome(seed: int) -> None:
    state = random_situation(seed)
    decision = evaluate(state)
    order_indexes = [ORDER.index(step.check) for step in decision.trace]
    assert all(before < after for before, after in pairwise(order_indexes))
    assert all(step.detail and step.rule.startswith("R-") for step in decision.trace)
    assert decision.reason
    last = decision.trace[-1]
    match decision.outcome:
        case Outcome.BLOCKED:
            assert last.verdict is Verdict.FAIL
            assert last.check in ORDER[1:7]
        case Outcome.FULL_REBALANCE:
            assert (last.check, last.verdict) == ("minimum_equity", Verdict.PASS)
            fired = next(step for step in reversed(decision.trace) if step.verdict is Verdict.FIRES)
            assert fired.check in ("first_rebalance", "calendar", "drift_band")
            assert decision.reason == fired.detail
        case Outcome.INVEST_CASH:
            assert (last.check, last.verdict) == ("invest_cash", Verdict.FIRES)
            assert decision.reason == last.detail
        case Outcome.NONE:
            assert (last.check, last.verdict) in (("window", Verdict.FAIL), ("invest_cash", Verdict.NO))
    trades = decision.outcome in (Outcome.FULL_REBALANCE, Outcome.INVEST_CASH)
    assert (decision.plan is not None) is trades
    assert bool(decision.culprits) is (decision.outcome is Outcome.BLOCKED and last.check == "assets")
    if decision.outcome is Outcome.INVEST_CASH:
        assert decision.plan is not None
        assert decision.plan.buys
        assert decision.plan.budget >= 10 * NANO


@EXAMPLES
@given(seeds)
def test_an_evaluation_reads_only_its_situation(seed: int) -> None:
    state = random_situation(seed)
    assert evaluate(state) == evaluate(state)
    backwards = replace(state, account=replace(state.account, positions=state.account.positions[::-1]))
    assert evaluate(backwards).outcome is evaluate(state).outcome


@EXAMPLES
@given(seeds)
def test_drifts_and_cash_add_up(seed: int) -> None:
    state, target = book(seed)
    valuation = value_account(state.cash, state.positions, state.prices)
    drifts = asset_drifts(valuation, target)
    assert sum(drift.value for drift in drifts) == valuation.position_market_value
    cash_gap = state.cash * NANO * 10_000 - target.cash * valuation.equity
    assert sum(drift.gap for drift in drifts) + cash_gap == 0
    assert Value(valuation.equity) == worth(state)
