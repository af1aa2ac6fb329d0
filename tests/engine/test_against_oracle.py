"""The planner and the evaluation against the independent oracle, on books biased to the edges.

`ORACLE_BOOKS` is the number of books; a failure names its shard and number, which reproduce the book.
"""

from __future__ import annotations

import os
import random
from collections import Counter
from collections.abc import Iterator
from fractions import Fraction

import pytest

from rebal_tui.domain.decisions import LineReason, Outcome, Plan
from rebal_tui.domain.quantities import NANO, Money
from rebal_tui.domain.runs import RunType
from rebal_tui.engine.evaluation import evaluate
from rebal_tui.engine.liquidation import AmountTooLarge, plan_partial_liquidation
from rebal_tui.engine.planning import plan_full_rebalance, plan_invest_cash
from tests.engine import oracle
from tests.engine.edge_books import edge_book, edge_circumstances, situation_of
from tests.engine.support import holdings_of, nanos, random_book, weights_of

pytestmark = pytest.mark.slow

BOOKS = int(os.environ.get("ORACLE_BOOKS", "2000"))
SHARDS = 10
shards = pytest.mark.parametrize("shard", range(SHARDS))
NEAR_TARGET = Fraction(2, 100)
"""The planner does not trade an asset within two cents of its target; the rules have no such tolerance."""


def draws(kind: str, shard: int, share: int = 1) -> Iterator[tuple[tuple[int, int], random.Random]]:
    """A random generator and its name for each book of a shard, or for one book in `share`."""
    for number in range(BOOKS // SHARDS // share):
        yield (shard, number), random.Random(f"{kind} {shard} {number}")


def orders(plan: Plan) -> tuple[dict[str, Fraction], dict[str, Fraction]]:
    buys = {line.symbol: Fraction(line.notional or 0, NANO) for line in plan.buys}
    sells = {line.symbol: Fraction(line.qty or 0, NANO) for line in plan.sells}
    return buys, sells


def near_target(book: oracle.Book) -> set[str]:
    return {
        symbol
        for symbol, weight in book.weights.items()
        if 0 < abs(book.value(symbol) - weight * book.equity) < NEAR_TARGET
    }


def skipped_as_small(plan: Plan) -> set[str]:
    return {line.symbol for line in plan.lines if line.reason is LineReason.ORDER_LESS_THAN_MIN_NOTIONAL}


def floor_of(rng: random.Random, book: oracle.Book) -> Fraction:
    """The cash that invest_cash keeps: the target, or the larger one of an earlier run."""
    earlier = rng.choice([Fraction(0), Fraction(0), abs(book.cash) / 2, abs(book.cash), book.free - 10])
    return max(book.cash_target, oracle.down(earlier, oracle.NANO))


@shards
@pytest.mark.samples(4)
def test_full_rebalance_and_invest_cash(shard: int) -> None:
    for name, rng in draws("plans", shard):
        book = edge_book(rng)
        if book.equity <= 0:
            continue
        state, target = holdings_of(book), weights_of(book)
        oracle_full_rebalance(name, book, plan_full_rebalance(state, target))
        keep = floor_of(rng, book)
        expected = oracle.invest_cash(book, keep)
        plan = plan_invest_cash(state, target, Money(nanos(keep)))
        assert orders(plan) == (expected.buys, {}), name
        assert skipped_as_small(plan) == expected.too_small, name


def oracle_full_rebalance(name: tuple[int, int], book: oracle.Book, plan: Plan) -> None:
    expected = oracle.full_rebalance(book)
    buys, sells = orders(plan)
    near = near_target(book)
    assert sells == {s: q for s, q in expected.sells.items() if s not in near or s in sells}, name
    assert plan.cash_target == nanos(book.cash_target), name
    assert skipped_as_small(plan) ^ expected.too_small <= near, name
    if near and expected.scale < 1:
        for symbol in buys.keys() | expected.buys.keys():
            assert abs(buys.get(symbol, Fraction(0)) - expected.buys.get(symbol, Fraction(0))) <= NEAR_TARGET, name
        return
    assert buys == expected.buys, name
    assert abs(Fraction(*plan.scale) - expected.scale) < Fraction(1, 10**12), name


@shards
def test_partial_liquidation_of_a_book_without_obstacles(shard: int) -> None:
    for name, rng in draws("partial", shard, share=4):
        book = random_book(rng, dead=False, reserved=False)
        if book.equity <= 1 or book.cash < 0:
            continue
        amount = max(oracle.down(book.equity * rng.choice([1, 5, 25, 50, 90, 99]) / 100, oracle.CENT), oracle.CENT)
        if amount > oracle.most_raised(book):
            continue
        expected = oracle.partial_liquidation(book, amount)
        buys, sells = orders(plan_partial_liquidation(holdings_of(book), weights_of(book), Money(nanos(amount))))
        assert not buys
        bumped = sum(1 for part in expected.values() if part < 1)
        rounding = max(book.prices.values()) * oracle.NANO * len(book.positions) * 2
        for symbol in sells.keys() | expected.keys():
            sold = sells.get(symbol, Fraction(0)) * book.prices[symbol]
            assert abs(sold - expected.get(symbol, Fraction(0))) <= bumped + rounding, (name, symbol)


@shards
def test_the_largest_possible_amount_is_raised_and_more_is_refused(shard: int) -> None:
    for name, rng in draws("most", shard, share=4):
        book = edge_book(rng)
        most = oracle.most_raised(book)
        if most <= 1:
            continue
        start, target = holdings_of(book), weights_of(book)
        with pytest.raises(AmountTooLarge):
            plan_partial_liquidation(start, target, Money(nanos(most) + 1))
        amount = oracle.down(most * rng.choice([1, 50, 99, 100]) / 100, oracle.CENT)
        sells = orders(plan_partial_liquidation(start, target, Money(nanos(amount))))[1]
        assert all(book.sellable(symbol) and 0 < qty <= book.positions[symbol] for symbol, qty in sells.items()), name
        raised = sum(oracle.down(book.prices[s] * q, oracle.NANO) for s, q in sells.items())
        assert book.free + raised >= amount, name


@shards
@pytest.mark.samples(4)
def test_outcome_of_an_evaluation(shard: int) -> None:
    seen: Counter[str] = Counter()
    for name, rng in draws("evaluate", shard):
        book = edge_book(rng)
        given = edge_circumstances(rng, book)
        expected = oracle.verdict(book, given)
        decision = evaluate(situation_of(book, given))
        actual = decision.outcome.value
        if decision.outcome is Outcome.BLOCKED:
            actual = f"blocked by {decision.trace[-1].check}"
        assert actual == expected, (name, decision.reason)
        planned = {Outcome.FULL_REBALANCE: RunType.FULL_REBALANCE, Outcome.INVEST_CASH: RunType.INVEST_CASH}
        assert (decision.plan.type if decision.plan else None) is planned.get(decision.outcome), name
        seen[actual] += 1
    if BOOKS // SHARDS >= 200:
        assert {"full_rebalance", "invest_cash", "none", "blocked by prices", "blocked by assets"} <= seen.keys()
