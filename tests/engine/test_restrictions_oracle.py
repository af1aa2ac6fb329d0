"""Plans with all settings mixed against the oracle in fractions (R-60 to R-65).

`RULE_BOOKS` is the number of books; a failure names the number, which reproduces the book.
"""

from __future__ import annotations

import os
import random
from dataclasses import replace
from fractions import Fraction

import pytest

from rebal_tui.domain.decisions import Plan
from rebal_tui.domain.portfolios import Destination, DriftBand, MinimumTrade, RebalanceScope
from rebal_tui.domain.quantities import NANO, Money, Percent
from rebal_tui.domain.trading_rules import RangeUnit, RestrictionKind, RestrictionScope, TradeRestriction, TradingRules
from rebal_tui.engine.bounds import RestrictionsConflict
from rebal_tui.engine.complete_plan import money_up
from rebal_tui.engine.liquidation import AmountTooLarge, plan_partial_liquidation
from rebal_tui.engine.plan_lines import Holdings
from rebal_tui.engine.planning import goals_cash, plan_full_rebalance, plan_goals, plan_invest_cash
from tests.engine import restriction_cash_oracle as cash_oracle
from tests.engine import restriction_oracle as oracle
from tests.engine.oracle import CENT, Book, down
from tests.engine.support import band, holdings_of, nanos, random_book, weights_of

pytestmark = pytest.mark.slow

BOOKS = int(os.environ.get("RULE_BOOKS", "300"))
KINDS = ["no_buy", "no_sell", "lock", "range", "range", "unmanaged"]
NANO_SHARES = 10**9
BANDS = ["0.5", "1", "2.5", "5", "10", "20", "25"]


CLOSE_PRICES = [Fraction(price) for price in ("0.51", "1", "3.07", "19.99", "33.333", "100", "417.8", "1234.567891234")]


def close_prices(rng: random.Random, book: Book) -> Book:
    """The book with other prices, and as many shares as are worth the same, to a billionth of a share."""
    prices = {symbol: rng.choice(CLOSE_PRICES) for symbol in book.prices}
    positions = {
        symbol: Fraction(int(qty * book.prices[symbol] / prices[symbol] * NANO) + 1, NANO)
        for symbol, qty in book.positions.items()
    }
    return replace(book, prices=prices, positions=positions)


def random_settings(rng: random.Random, book: Book) -> oracle.Settings:
    """Settings of every kind, none of them in half of the books each."""
    symbols = [*book.weights, *book.positions]
    limits = [_limit(rng, rng.choice(symbols)) for _ in range(rng.choice([0, 0, 1, 1, 2, 3, 5])) if symbols]
    if rng.random() < 0.1:
        limits.append(oracle.Limit(rng.choice(["buy_only", "sell_only"]), None))
    bands = tuple(
        (rng.choice(["absolute", "relative"]), Fraction(rng.choice(BANDS))) for _ in range(rng.choice([0, 1, 2]))
    )
    return oracle.Settings(
        tuple(limits),
        rng.choice(["target", "target", "middle", "edge"]),
        rng.choice(["whole", "whole", "breached"]),
        Fraction(rng.choice([0, 0, 0, 1, 5, 100])),
        Fraction(rng.choice([0, 0, 0, 1, 100]), 10_000),
        # The oracle buys one share at a time, so prices must not be too far apart, nor shares too many.
        rng.random() < 0.6
        and max(book.prices.values()) < 5_000 * min(book.prices.values())
        and book.equity < 200_000 * min(book.prices.values()),
        bands,
    )


def _limit(rng: random.Random, symbol: str) -> oracle.Limit:
    kind = rng.choice(KINDS)
    if kind != "range":
        return oracle.Limit(kind, symbol)
    unit = rng.choice(["percent", "dollars", "shares"])
    edges = sorted(Fraction(rng.choice([0, 1, 5, 10, 30, 60, 100])) for _ in range(2))
    least, most = rng.choice([(edges[0], edges[1]), (None, edges[1]), (edges[0], None)])
    return oracle.Limit("range", symbol, least, most, unit)


def rules_of(settings: oracle.Settings) -> TradingRules:
    minimum = MinimumTrade(Money(nanos(settings.minimum)), Percent(int(settings.minimum_share * 10_000)))
    return TradingRules(
        restrictions=tuple(_restriction(limit) for limit in settings.limits),
        destination=Destination(settings.destination),
        scope=RebalanceScope(settings.scope),
        minimum_trade=minimum if minimum != MinimumTrade() else None,
        whole_shares=settings.whole_shares,
    )


def _restriction(limit: oracle.Limit) -> TradeRestriction:
    scale = 100 if limit.unit == "percent" else NANO
    return TradeRestriction(
        "", RestrictionScope.ACCOUNT, RestrictionKind(limit.kind), "because", limit.symbol,
        minimum=None if limit.least is None else int(limit.least * scale),
        maximum=None if limit.most is None else int(limit.most * scale),
        unit=RangeUnit(limit.unit) if limit.unit else None,
    )  # fmt: skip


def bands_of(settings: oracle.Settings) -> tuple[DriftBand, ...]:
    return tuple(band(kind, str(float(percent))) for kind, percent in settings.bands)


def orders(plan: Plan) -> tuple[dict[str, Fraction], dict[str, Fraction]]:
    buys = {line.symbol: Fraction(line.qty or line.notional or 0, NANO) for line in plan.buys}
    return buys, {line.symbol: Fraction(line.qty or 0, NANO) for line in plan.sells}


@pytest.mark.parametrize("shard", range(10))
def test_full_rebalance_under_all_settings(shard: int) -> None:
    for number in range(BOOKS // 10):
        rng = random.Random(f"rules {shard} {number}")
        book = random_book(rng)
        if rng.random() < 0.5:
            book = close_prices(rng, book)
        settings = random_settings(rng, book)
        start = replace(holdings_of(book), rules=rules_of(settings))
        check(start, book, settings, (shard, number))


def check(start: Holdings, book: Book, settings: oracle.Settings, name: tuple[int, int]) -> None:
    expected = oracle.full_rebalance(book, settings)
    if expected.conflict:
        with pytest.raises(RestrictionsConflict):
            plan_full_rebalance(start, weights_of(book), bands_of(settings))
        return
    plan = plan_full_rebalance(start, weights_of(book), bands_of(settings))
    buys, sells = orders(plan)
    assert sells == expected.sells, name
    assert Fraction(plan.cash_target, NANO) == expected.cash_target, name
    assert buys == expected.buys, name


@pytest.mark.parametrize("shard", range(10))
def test_invest_cash_under_all_settings(shard: int) -> None:
    for number in range(BOOKS // 10):
        rng = random.Random(f"invest {shard} {number}")
        book = random_book(rng)
        settings = replace(random_settings(rng, book), whole_shares=False, bands=())
        start = replace(holdings_of(book), rules=rules_of(settings).to_target())
        floor = rng.choice([Fraction(0), Fraction(0), down(max(book.free, Fraction(0)) / 2, CENT)])
        expected = cash_oracle.invest_cash(book, settings, floor)
        try:
            goals = plan_goals(start, weights_of(book), start.equity)
            by_weight = money_up(start.equity * weights_of(book).cash) if goals is None else goals_cash(goals)
        except RestrictionsConflict:
            assert expected.conflict, (shard, number)
            continue
        plan = plan_invest_cash(start, weights_of(book), Money(max(by_weight, nanos(floor))))
        assert not expected.conflict, (shard, number)
        assert Fraction(plan.cash_target, NANO) == expected.cash_target, (shard, number)
        assert orders(plan) == (expected.buys, {}), (shard, number)


@pytest.mark.parametrize("shard", range(10))
def test_partial_liquidation_under_all_settings(shard: int) -> None:
    """To the rounding of a share and the minimum of $1, where the targets of the smaller portfolio suffice."""
    for number in range(BOOKS // 10):
        rng = random.Random(f"liquidate {shard} {number}")
        book = replace(random_book(rng), unfractionable=frozenset())
        settings = replace(random_settings(rng, book), whole_shares=False, bands=())
        start = replace(holdings_of(book), rules=rules_of(settings).to_target())
        amount = down(max(book.equity, Fraction(1)) * rng.choice([1, 5, 20, 60]) / 100, CENT) + CENT
        expected, sold = cash_oracle.liquidated(book, settings, amount)
        try:
            plan = plan_partial_liquidation(start, weights_of(book), Money(nanos(amount)))
        except RestrictionsConflict:
            assert expected.conflict, (shard, number)
            continue
        except AmountTooLarge:
            assert cash_oracle.most_raised(book, settings, amount) < amount + CENT, (shard, number)
            continue
        if expected.conflict or expected.near:
            continue
        made = {line.symbol: Fraction((line.qty or 0) * (line.price or 0), NANO * NANO) for line in plan.sells}
        for symbol in made.keys() | sold.keys():
            slack = Fraction(101, 100) + len(sold) + book.prices[symbol] / NANO_SHARES
            assert abs(made.get(symbol, Fraction(0)) - sold.get(symbol, Fraction(0))) <= slack, (shard, number, symbol)
