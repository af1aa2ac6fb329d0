"""Metamorphic tests: the effect of a known change to a book, independent of the plan.

The order of assets, scaling, a split and a second run are in `test_engine_properties.py`; the order of accounts and
accounts apart in `tests/services/test_account_independence.py`.
"""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rebal_tui.domain.portfolios import Weights
from rebal_tui.domain.quantities import CENT, DOLLAR, NANO, Money, Percent, Price, Qty
from rebal_tui.engine.liquidation import plan_partial_liquidation
from rebal_tui.engine.plan_lines import Holdings
from rebal_tui.engine.planning import plan_full_rebalance, plan_invest_cash
from rebal_tui.services.parsing.portfolio_input import parse_portfolio
from tests.engine.edge_books import edge_book
from tests.engine.support import asset, executed, holdings_of, random_book, weights_of, worth
from tests.examples import examples

seeds = st.integers(0, 2**40)
EXAMPLES = examples(150)


@pytest.mark.slow
@EXAMPLES
@given(seeds)
def test_an_asset_without_holders_and_targets_changes_nothing(seed: int) -> None:
    book = edge_book(random.Random(seed))
    state, target = holdings_of(book), weights_of(book)
    wider = replace(state, assets={"AAA": asset("AAA", "3"), **state.assets, "ZZZ": asset("ZZZ", None)})
    assert plan_full_rebalance(wider, target) == plan_full_rebalance(state, target)
    assert plan_invest_cash(wider, target, Money(0)) == plan_invest_cash(state, target, Money(0))


@EXAMPLES
@given(seeds)
def test_a_cash_weight_of_zero_is_omitted(seed: int) -> None:
    target = weights_of(random_book(random.Random(seed)))
    assets = [{"type": "asset", "symbol": w.symbol, "percent": f"{w.percent / 100:.2f}"} for w in target.assets]
    if target.cash == 0:
        with_cash = parse_portfolio({"name": "x", "weights": [*assets, {"type": "cash", "percent": "0"}]})
        assert with_cash.weights == parse_portfolio({"name": "x", "weights": assets}).weights == target


@pytest.mark.slow
@EXAMPLES
@given(seeds, st.integers(2, 10**6))
def test_scaling_by_k_scales_every_order_by_k_within_its_rounding(seed: int, factor: int) -> None:
    """Scaled buys may differ by the cent that rounding costs each; the minimum of a buy does not scale."""
    book = random_book(random.Random(seed))
    state, target = holdings_of(book), weights_of(book)
    larger = Holdings(
        Money(state.cash * factor),
        {symbol: Qty(qty * factor) for symbol, qty in state.positions.items()},
        state.assets,
    )
    small, large = plan_full_rebalance(state, target), plan_full_rebalance(larger, target)
    assert large.equity == factor * small.equity
    assert 0 <= factor * small.cash_target - large.cash_target < factor
    at_minimum = [line for plan in (small, large) for line in plan.buys if line.notional == DOLLAR]
    if small.skipped_orders or large.skipped_orders or at_minimum:
        return
    grain = max(NANO, *state.prices.values()) * len(small.lines)
    for one, other in zip(small.lines, large.lines, strict=True):
        if one.side is other.side and one.qty is not None and other.qty is not None:
            assert abs(other.qty - factor * one.qty) <= factor
        if one.notional is not None and other.notional is not None:
            slack = factor * (2 * CENT + grain // NANO + len(small.lines) * CENT)
            assert abs(other.notional - factor * one.notional) <= slack


@pytest.mark.slow
@EXAMPLES
@given(seeds, st.integers(10, 10**6))
def test_a_deposit_that_is_withdrawn_again_is_neutral(seed: int, dollars: int) -> None:
    """An account on target invests a deposit, raises it again and pays it out: it is back at its initial state."""
    rng = random.Random(seed)
    book = random_book(rng, dead=False, reserved=False)
    target = weights_of(book)
    prices = {symbol: Price(rng.randrange(1_00, 900_00) * CENT) for symbol in target.symbols}
    assets = {symbol: replace(asset(symbol), price=price) for symbol, price in prices.items()}
    equity = len(target.assets) * 100 * DOLLAR * rng.randrange(100, 10_000)
    start = executed(
        Holdings(Money(equity), {}, assets),
        plan_full_rebalance(Holdings(Money(equity), {}, assets), target),
    )
    deposit = Money(dollars * DOLLAR)
    rich = replace(start, cash=Money(start.cash + deposit))
    keep = plan_full_rebalance(rich, target).cash_target
    invested = executed(rich, plan_invest_cash(rich, target, keep))
    raised = executed(invested, plan_partial_liquidation(invested, target, deposit))
    after = replace(raised, cash=Money(raised.cash - deposit))
    assert 0 <= worth(start) - worth(after) <= 4 * len(prices) * max(prices.values())
    spread = (len(prices) + 2) * 2 * DOLLAR * NANO
    for symbol, price in prices.items():
        moved = (after.positions.get(symbol, Qty(0)) - start.positions.get(symbol, Qty(0))) * price
        assert abs(moved) <= spread, symbol
    assert not _trades_beyond(after, target, spread)


def _trades_beyond(state: Holdings, target: Weights, spread: int) -> bool:
    plan = plan_full_rebalance(state, target)
    return any(abs(line.value - line.target_value) > spread for line in plan.lines if line.target > Percent(0))
