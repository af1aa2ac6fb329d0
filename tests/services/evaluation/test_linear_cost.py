"""The cost of one account grows with its number of assets, not with the square of it."""

from __future__ import annotations

import sys
from dataclasses import replace
from types import FrameType

import pytest

from rebal_tui.domain.portfolios import AssetWeight, Weights
from rebal_tui.domain.quantities import HUNDRED_PERCENT, Percent, parse_price
from rebal_tui.market.fixed import FixedPrices
from rebal_tui.services.schedule import scheduler
from tests.services.factories import account, balanced, fill_book, make_book, new_york, only_run


def calls_of_a_rebalance(assets: int) -> int:
    """The number of Python calls in which an account with as many assets is evaluated, planned and traded."""
    symbols = [f"S{number}" for number in range(assets)]
    book = make_book(prices=dict.fromkeys(symbols, "10"))
    weights = Weights(tuple(AssetWeight(symbol, Percent(HUNDRED_PERCENT // assets)) for symbol in symbols))
    model = balanced(conditions=())
    model = replace(model, weights=weights)
    fill_book(book, [account("a", "100000", dict.fromkeys(symbols, "3"))], [model], {"a": model.id})
    calls = 0

    def count(_frame: FrameType, event: str, _argument: object) -> None:
        nonlocal calls
        calls += event == "call"

    sys.setprofile(count)
    try:
        scheduler.tick(book)
    finally:
        sys.setprofile(None)
    assert only_run(book).status.final
    return calls


@pytest.mark.slow
def test_twice_the_assets_take_about_twice_the_calls() -> None:
    few, many = calls_of_a_rebalance(50), calls_of_a_rebalance(200)
    assert many < 5 * few


def test_quotes_are_built_once_after_a_change() -> None:
    feed = FixedPrices({"SPY": parse_price("400"), "TLT": parse_price("100")}, new_york("2026-03-02 09:30"))
    assert feed.quotes() is feed.quotes()
    before = feed.quotes()
    feed.set("SPY", parse_price("401"))
    assert feed.quotes()["SPY"].price == parse_price("401")
    assert before["SPY"].price == parse_price("400")
