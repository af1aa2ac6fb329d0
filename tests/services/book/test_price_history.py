"""Recent prices through corporate actions."""

from __future__ import annotations

from datetime import UTC, datetime
from fractions import Fraction

import pytest

from rebal_tui.domain.quantities import NANO, Price
from rebal_tui.market.protocol import Quote
from rebal_tui.services.book.price_history import PriceHistory

NOTED = ((5, 100), (5, 104), (6, 103))


def history(*noted: tuple[int, int]) -> PriceHistory:
    """Prices in dollars by day of January."""
    found = PriceHistory()
    for day, price in noted:
        found.note({"ABC": Quote(Price(price * NANO), datetime(2026, 1, day, 15, tzinfo=UTC))})
    return found


def dollars(found: PriceHistory) -> list[float]:
    return [price / NANO for price in found.of("ABC")]


@pytest.mark.parametrize(("after", "shown"), [((), ()), (((6, 52), (6, 51)), (52, 51))])
def test_prices_from_after_a_split_are_not_adjusted(after: tuple[tuple[int, int], ...], shown: tuple[int, ...]) -> None:
    found = history(*NOTED, *after)
    found.adjust("ABC", Fraction(1, 2), may_have_moved=True)
    assert dollars(found) == [50, 52, 51.5, *shown]
    assert found.last_close("ABC") == 52 * NANO


def test_a_close_from_after_a_reverse_split_is_not_adjusted() -> None:
    found = history((5, 10), (5, 98), (6, 101))
    found.adjust("ABC", Fraction(10), may_have_moved=True)
    assert dollars(found) == [100, 98, 101]
    assert found.last_close("ABC") == 98 * NANO


def test_every_price_is_from_before_an_action_of_the_simulator() -> None:
    found = history((5, 100), (6, 50))
    found.adjust("ABC", Fraction(1, 2))
    assert dollars(found) == [50, 25]
