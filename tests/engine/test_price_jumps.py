"""Which moves between two prices are jumps (R-55)."""

from __future__ import annotations

from fractions import Fraction

import pytest

from rebal_tui.domain.quantities import Percent, Price, parse_price
from rebal_tui.engine.price_jumps import SPLIT_RATIOS, PriceJump, price_jump


def jump(last: str, price: str, limit: int = 3500) -> PriceJump | None:
    return price_jump(parse_price(last), parse_price(price), Percent(limit))


@pytest.mark.parametrize(
    ("last", "price"),
    [
        ("100", "100"),
        ("100", "135"),
        ("100", "65"),
        ("0.00000002", "0.000000027"),
        ("100", "134.999999999"),
        ("100", "68.000000001"),
        ("100", "65.333333333"),
    ],
)
def test_a_move_of_up_to_the_limit_that_is_near_no_split_is_no_jump(last: str, price: str) -> None:
    assert jump(last, price) is None


@pytest.mark.parametrize(
    ("last", "price", "split"),
    [
        ("100", "135.000000001", None),
        ("100", "64.999999999", None),
        ("100", "1.5", None),
        ("100", "700", None),
        ("1000", "100", "10-for-1 split"),
        ("10", "100", "1-for-10 reverse split"),
        ("500", "5000", "1-for-10 reverse split"),
        ("99", "33", "3-for-1 split"),
        ("99", "66", "3-for-2 split"),
        ("100", "68", "3-for-2 split"),
        ("300", "196", "3-for-2 split"),
        ("200", "300", "2-for-3 reverse split"),
        ("100", "51", "2-for-1 split"),
        ("100", "49", "2-for-1 split"),
        ("100", "51.000000001", None),
        ("100", "48.999999999", None),
        ("100", "204", "1-for-2 reverse split"),
        ("0.00000002", "0.000000001", "20-for-1 split"),
        ("9000000000", "450000000", "20-for-1 split"),
    ],
)
def test_a_larger_move_or_one_near_a_split_is_a_jump(last: str, price: str, split: str | None) -> None:
    found = jump(last, price)

    assert found is not None
    assert found.factor == Fraction(price) / Fraction(last)
    assert found.split_text == (split or "")


@pytest.mark.parametrize("ratio", SPLIT_RATIOS, ids=str)
def test_every_split_is_recognized_within_two_percent_on_both_sides(ratio: Fraction) -> None:
    last = Price(3 * 20 * 5 * 4 * 10**9)

    for deviation in (Fraction(98, 100), Fraction(1), Fraction(102, 100)):
        price = last / ratio * deviation
        found = price_jump(last, Price(price.numerator // price.denominator))
        assert found is not None
        assert found.split == ratio


def test_the_limit_is_a_setting() -> None:
    assert jump("100", "111", limit=1000) == PriceJump(Fraction(111, 100), None)
    assert jump("100", "110", limit=1000) is None
    assert jump("100", "180", limit=9000) is None
    assert jump("100", "50", limit=9000) == PriceJump(Fraction(1, 2), Fraction(2))


def test_a_last_close_adjusted_for_a_split_explains_the_move() -> None:
    assert price_jump(Fraction(parse_price("1000")) / 3, parse_price("333.34")) is None
    assert jump("1000", "333.34") is not None


@pytest.mark.parametrize(("last", "price"), [(0, 1), (1, 0), (-1, 1)])
def test_a_price_that_is_not_above_zero_is_refused(last: int, price: int) -> None:
    with pytest.raises(ValueError, match="above 0"):
        price_jump(Price(last), Price(price))
