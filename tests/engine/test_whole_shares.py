"""Buys in whole shares (R-65)."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from rebal_tui.domain.quantities import NANO, Percent, Price, Value
from rebal_tui.engine.allocation import BuyIntent, portions_of
from rebal_tui.engine.whole_shares import whole_share_buys

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
