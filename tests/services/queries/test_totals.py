"""Counts and sums from the columns equal those computed one account at a time."""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest

from rebal_tui.domain.quantities import HUNDRED_PERCENT, Percent, Price
from rebal_tui.engine.drift import asset_drifts, largest_usage, value_account
from rebal_tui.services.book.book import Book
from rebal_tui.services.evaluation.account import value_of
from rebal_tui.services.queries import totals
from tests.services.random_books import act, random_book


def outside_one_by_one(book: Book, moved: dict[str, Price]) -> int:
    count = 0
    for account_id, subscription in book.subscriptions.items():
        portfolio, account = book.portfolios[subscription.portfolio_id], book.accounts[account_id]
        prices = {p.symbol: moved.get(p.symbol, book.assets[p.symbol].price) for p in account.positions}
        known = {symbol: price for symbol, price in prices.items() if price is not None}
        valuation = value_account(account.cash, {p.symbol: p.qty for p in account.positions}, known)
        usage = largest_usage(asset_drifts(valuation, portfolio.weights), portfolio.bands)
        count += bool(usage and usage.breached)
    return count


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(6))
def test_sums_are_those_of_one_account_at_a_time(seed: int) -> None:
    random = Random(seed)
    book = random_book(random)
    for _ in range(6):
        act(book, random)
        worth = dict.fromkeys(book.portfolios, 0)
        for account_id, subscription in book.subscriptions.items():
            worth[subscription.portfolio_id] += value_of(book, account_id).equity
        assert totals.assets_under(book) == list(worth.values())
        held = Counter(p.symbol for account in book.accounts.values() for p in account.positions)
        assert {s: n for s, n in totals.holders(book).items() if n} == held
        for symbol in book.assets:
            ones = [(a.id, a.holding(symbol)) for a in book.accounts.values() if a.holding(symbol)]
            assert totals.holdings_of(book, symbol) == ones
        price = book.assets["SPY"].price
        assert price is not None
        moved = {"SPY": Price(price * (HUNDRED_PERCENT + Percent(random.randint(-3000, 3000))) // HUNDRED_PERCENT)}
        assert totals.outside(book) == outside_one_by_one(book, {})
        assert totals.outside(book, moved) == outside_one_by_one(book, moved)
