"""Buys in whole shares (R-65)."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rebal_tui.domain.quantities import NANO, Percent, Price, Value
from rebal_tui.engine.allocation import BuyIntent, portions_of
from rebal_tui.engine.whole_shares import LIVE_MARGIN, whole_share_buys

_RATE = Fraction("1.3591")


def _bought(intents: Sequence[BuyIntent], prices: dict[str, Price], dollars: Fraction) -> dict[str, int]:
    budget = Value(int(dollars * NANO) * NANO)
    return whole_share_buys(intents, budget, prices, lambda some: portions_of(some, budget, False)[0], live=False)


def test_a_public_example_leaves_37_84_dollars() -> None:
    """Prices, holdings and cash of the example of a public rebalancing tool; Canadian dollars at 1.3591."""
    prices = {
        "XBB": Fraction("33.43") / _RATE, "XIC": Fraction("24.27") / _RATE, "ITOT": Fraction("69.38"),
        "IEFA": Fraction("57.65"), "IEMG": Fraction("49.14"),
    }  # fmt: skip
    held = {"XBB": 36, "XIC": 64, "ITOT": 32, "IEFA": 8, "IEMG": 7}
    weights = {"XBB": 20, "XIC": 20, "ITOT": 36, "IEFA": 20, "IEMG": 4}
    cash = 3_000 + 200 / _RATE
    equity = cash + sum(prices[symbol] * held[symbol] for symbol in held)
    intents = [
        BuyIntent(symbol, Percent(weights[symbol] * 100), lacking * NANO * NANO)
        for symbol, price in prices.items()
        if (lacking := equity * weights[symbol] / 100 - price * held[symbol]) > 0
    ]
    shares = _bought(intents, {symbol: Price(round(price * NANO)) for symbol, price in prices.items()}, cash)
    assert shares == {"XBB": 31, "XIC": 28, "ITOT": 10, "IEFA": 20}
    left = cash - sum(prices[symbol] * count for symbol, count in shares.items())
    assert round(left, 2) == Fraction("37.84")


_LINES = st.dictionaries(
    st.sampled_from("ABCDEFGH"),
    st.tuples(
        st.integers(NANO // 100, 900 * NANO).map(Price),
        st.integers(0, 1_000_000).map(lambda cents: Fraction(cents, 100)),
        st.integers(1, 10_000).map(Percent),
    ),
    max_size=6,
)


@pytest.mark.slow
@given(_LINES, st.integers(0, 20_000))
def test_buys_stay_within_the_budget_and_near_the_targets(
    lines: dict[str, tuple[Price, Fraction, Percent]], budget: int
) -> None:
    prices = {symbol: price for symbol, (price, _, _) in lines.items()}
    intents = [BuyIntent(symbol, weight, lacking * NANO * NANO) for symbol, (_, lacking, weight) in lines.items()]

    shares = _bought(intents, prices, Fraction(budget))

    assert sum(count * prices[symbol] for symbol, count in shares.items()) <= budget * NANO
    for symbol, count in shares.items():
        assert count > 0
        assert count * prices[symbol] <= lines[symbol][1] * NANO + Fraction(prices[symbol], 2)


_SHORT = st.lists(
    st.tuples(
        st.integers(1, 40).map(lambda cents: Price(cents * NANO // 100)),
        st.integers(0, 1_500),
        st.none() | st.integers(0, 1_200),
        st.integers(1, 3),
    ),
    min_size=1,
    max_size=5,
)


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(_SHORT, st.integers(0, 3_000), st.booleans())
def test_many_shares_are_those_bought_one_at_a_time(
    lines: list[tuple[Price, int, int | None, int]], cents: int, live: bool
) -> None:
    prices = {f"S{n}": price for n, (price, _, _, _) in enumerate(lines)}
    unit = NANO * NANO // 100
    intents = [
        BuyIntent(
            f"S{n}", Percent(weight), Fraction(lacking * unit), most=None if room is None else Fraction(room * unit)
        )
        for n, (_, lacking, room, weight) in enumerate(lines)
    ]
    budget = Value(cents * unit)
    bought = whole_share_buys(intents, budget, prices, lambda some: dict.fromkeys(prices, Fraction(0)), live=live)
    assert bought == _one_at_a_time(intents, Fraction(budget), prices, live=live)


def _one_at_a_time(
    intents: Sequence[BuyIntent], left: Fraction, prices: dict[str, Price], *, live: bool
) -> dict[str, int]:
    shares = dict.fromkeys(prices, 0)
    while True:
        best: tuple[tuple[Fraction, int, int], str, Fraction] | None = None
        for number, one in enumerate(intents):
            price = prices[one.symbol] * NANO
            cost = price * (1 + LIVE_MARGIN) if live else Fraction(price)
            lacking = one.shortfall - shares[one.symbol] * price
            full = one.most is not None and (shares[one.symbol] + 1) * price > one.most
            if cost <= left and not full and 2 * lacking > price:
                best = max(
                    best or ((Fraction(-1), 0, 0), "", cost), ((lacking / price, one.weight, -number), one.symbol, cost)
                )
        if best is None:
            return {symbol: count for symbol, count in shares.items() if count}
        shares[best[1]] += 1
        left -= best[2]


def test_millions_of_shares_take_no_longer_than_a_few() -> None:
    """Two assets at a millionth of a dollar and an expensive one: hours, one share at a time."""
    prices = {"A": Price(1_000), "B": Price(1_001), "C": Price(5_000 * NANO)}
    intents = [
        BuyIntent(s, Percent(3_333), Fraction(10_000 * NANO * NANO), most=Fraction(6_000 * NANO * NANO)) for s in prices
    ]
    bought = _bought(intents, prices, Fraction(14_000))
    assert bought == {"A": 6_000_000_000, "B": 6_000 * NANO // 1_001}
