"""Buys in whole shares for a trade list (R-65, R-73)."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from rebal_tui.domain.quantities import NANO, Money, Price
from rebal_tui.engine.whole_share_list import BuyLine, whole_share_buys

_RATE = Fraction("1.3591")


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
    lines = [
        BuyLine(symbol, Price(round(price * NANO)), lacking * NANO, weights[symbol])
        for symbol, price in prices.items()
        if (lacking := equity * weights[symbol] / 100 - price * held[symbol]) > 0
    ]
    shares = whole_share_buys(lines, Money(int(cash * NANO)))
    assert {symbol: qty // NANO for symbol, qty in shares.items()} == {"XBB": 31, "XIC": 28, "ITOT": 10, "IEFA": 20}
    left = cash - sum(prices[symbol] * qty / NANO for symbol, qty in shares.items())
    assert round(left, 2) == Fraction("37.84")


_LINES = st.lists(
    st.builds(
        BuyLine,
        st.sampled_from("ABCDEFGH"),
        st.integers(NANO // 100, 900 * NANO).map(Price),
        st.fractions(0, 10_000 * NANO, max_denominator=10_000),
        st.integers(1, 10_000),
    ),
    max_size=6,
    unique_by=lambda line: line.symbol,
)


@given(_LINES, st.integers(-NANO, 20_000 * NANO))
def test_buys_stay_within_the_budget_and_near_the_targets(lines: list[BuyLine], budget: int) -> None:
    shares = whole_share_buys(lines, Money(budget))
    price = {line.symbol: line for line in lines}
    assert sum(qty // NANO * price[symbol].price for symbol, qty in shares.items()) <= max(0, budget)
    for symbol, qty in shares.items():
        assert qty > 0
        assert qty % NANO == 0
        assert qty // NANO * price[symbol].price <= price[symbol].shortfall + Fraction(price[symbol].price, 2)
