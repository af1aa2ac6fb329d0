"""Array plans equal the exact planner's plans, order by order."""

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
from rebal_tui.domain.decisions import Plan
from rebal_tui.domain.orders import Side
from rebal_tui.domain.portfolios import AssetWeight, Weights
from rebal_tui.domain.quantities import NANO, Money, Percent, Price, Qty
from rebal_tui.engine.arrays.int128 import Int128
from rebal_tui.engine.arrays.plans import REASONS, Lines, plan_full_rebalances, plan_invest_cashes
from rebal_tui.engine.planning import plan_full_rebalance, plan_invest_cash
from rebal_tui.engine.situation import Situation, cash_target_of
from tests.engine.array_books import TODAY, frame_of, random_situations, tied_situations
from tests.engine.support import asset, situation
from tests.examples import examples

BOOKS = int(os.environ.get("ARRAY_BOOKS", "2"))
Line = tuple[int, str, bool, int, int, str]


def lines_by_account(lines: Lines, symbols: Sequence[str]) -> dict[int, list[Line]]:
    found: dict[int, list[Line]] = {}
    columns = (lines.account, lines.line, lines.asset, lines.buy, lines.qty, lines.notional, lines.reason)
    for account, line, held, buy, qty, notional, reason in zip(*(c.tolist() for c in columns), strict=True):
        found.setdefault(account, []).append((line, symbols[held], buy, qty, notional, REASONS[reason].value))
    return found


def orders_of(plan: Plan) -> list[Line]:
    return [
        (number, x.symbol, x.side is Side.BUY, x.qty or 0, x.notional or 0, x.reason.value)
        for number, x in enumerate(plan.lines)
        if x.side
    ]


def skipped_of(plan: Plan) -> list[Line]:
    lines = {line.symbol: (number, line.reason.value) for number, line in enumerate(plan.lines)}
    return [
        (lines[x.symbol][0], x.symbol, x.side is Side.BUY, 0, x.notional or 0, lines[x.symbol][1])
        for x in plan.skipped_orders
    ]


def compare(situations: Sequence[Situation]) -> float:
    """Compare both types of plans for every account; returns the share planned by the array engine."""
    frame = frame_of(situations)
    everyone = np.arange(len(situations))
    mine = 0
    for made, plans in (
        (
            plan_full_rebalances(frame, everyone),
            [plan_full_rebalance(s.holdings(), s.portfolio.weights) for s in situations],
        ),
        (
            plan_invest_cashes(frame, everyone),
            [plan_invest_cash(s.holdings(), s.portfolio.weights, cash_target_of(s)) for s in situations],
        ),
    ):
        orders = lines_by_account(made.orders, frame.assets.symbols)
        skipped = lines_by_account(made.skipped, frame.assets.symbols)
        for row, plan in enumerate(plans):
            if row in made.too_large:
                assert max(plan.cash_target, plan.equity // NANO) >= 2**63
                continue
            assert orders.get(row, []) == orders_of(plan), (row, plan)
            assert skipped.get(row, []) == skipped_of(plan), (row, plan)
            assert made.cash_target[row] == plan.cash_target
        mine += len(situations) - made.by_exact
    return mine / len(situations) / 2


@pytest.mark.slow
@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**40), st.booleans())
def test_a_book_is_planned_like_its_accounts_one_by_one(seed: int, tied: bool) -> None:
    compare((tied_situations if tied else random_situations)(random.Random(seed), 15))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(BOOKS))
def test_large_books_are_planned_like_their_accounts_one_by_one(seed: int) -> None:
    compare(random_situations(random.Random(seed), 200))
    compare(tied_situations(random.Random(seed), 200))


def test_a_total_that_only_fractions_of_an_attodollar_raise_above_the_budget_is_scaled() -> None:
    """A is on target to the unit, so the other shortfalls equal the budget but for the fractions of two targets."""
    prices = {"A": Price(50_000_000_003), "B": Price(20_000_000_001), "C": Price(31_000_000_007)}
    equity = 4 * 10**14 * 5 * 10**12 - 5000
    target = Weights(
        (AssetWeight("A", Percent(3000)), AssetWeight("B", Percent(3499)), AssetWeight("C", Percent(3499)))
    )
    target = replace(target, cash=Percent(2))
    held = {"A": equity * 3000 // 10_000 * pow(prices["A"], -1, 10**16) % 10**16, "B": 9_999_999_999}
    left = equity - sum(qty * prices[symbol] for symbol, qty in held.items())
    held["C"] = left % NANO * pow(prices["C"], -1, NANO) % NANO
    cash, rest = divmod(left - held["C"] * prices["C"], NANO)
    assert rest == 0
    base = situation(target=target, conditions=[], cooldown_days=0, day=TODAY)
    positions = tuple(Position(symbol, Qty(qty)) for symbol, qty in held.items())
    compare(
        [
            replace(
                base,
                account=replace(base.account, cash=Money(cash), positions=positions),
                assets={symbol: replace(asset(symbol, "1", base.now), price=price) for symbol, price in prices.items()},
            )
        ]
    )


def test_ordinary_accounts_are_planned_without_the_exact_planner() -> None:
    rng = random.Random(7)
    ordinary = [
        replace(
            s,
            account=replace(
                s.account,
                cash=Money(rng.randrange(10**3, 10**6) * NANO),
                positions=tuple(replace(p, qty=Qty(p.qty + rng.randrange(1, 10**9))) for p in s.account.positions),
            ),
        )
        for s in tied_situations(rng, 200)
    ]
    assert compare(ordinary) > 0.9


@pytest.mark.slow
@examples(200)
@given(
    st.lists(st.integers(0, 8 * 10**27), min_size=1, max_size=5),
    st.integers(0, 10_000),
    st.integers(1, 10**18),
)
def test_wide_values_are_exact(values: list[int], percent: int, price: int) -> None:
    with np.errstate(over="ignore"):
        wide = Int128.of(
            np.array([v % 2**64 for v in values], np.uint64).astype(np.int64), np.array([v / 1e18 for v in values])
        )
        share = wide.share(np.int64(percent))  # type: ignore[arg-type]
        up = wide.share_up(np.int64(percent))  # type: ignore[arg-type]
        affordable = [v for v in values if v // price < 2**62]
        few = Int128(
            *(np.array(p, np.int64) for p in ([v // NANO for v in affordable], [v % NANO for v in affordable]))
        )
        shares = few.shares_up(np.full(len(affordable), price, np.int64))
    assert [(int(n), int(r)) for n, r in zip(wide.nano, wide.rest, strict=True)] == [divmod(v, NANO) for v in values]
    assert [int(n) * NANO + int(r) for n, r in zip(share.nano, share.rest, strict=True)] == [
        v * percent // 10_000 for v in values
    ]
    assert up.tolist() == [-(-v * percent // (10_000 * NANO)) for v in values]
    assert shares.tolist() == [-(-v // price) for v in affordable]
    negated = wide.negated()
    assert [int(n) * NANO + int(r) for n, r in zip(negated.nano, negated.rest, strict=True)] == [-v for v in values]
