"""What changes of portfolios and subscriptions would come to, against the exact form, account by account."""

from __future__ import annotations

import os
from dataclasses import replace
from random import Random

import pytest

from rebal_tui.domain.errors import Conflict, Refusal
from rebal_tui.domain.portfolios import BandType, DriftBand, Portfolio
from rebal_tui.domain.quantities import DOLLAR, NANO, Money, Percent
from rebal_tui.domain.runs import RunType
from rebal_tui.engine.calendar import in_cooldown
from rebal_tui.engine.drift import asset_drifts, widest_use
from rebal_tui.engine.restrictions import stops
from rebal_tui.services import bulk, subscriptions
from rebal_tui.services.book import Book
from rebal_tui.services.evaluation import value_of
from rebal_tui.services.intake.portfolio_input import PortfolioBody
from rebal_tui.services.planning import plan_run, turnover_of
from rebal_tui.services.portfolio_views import impact
from rebal_tui.services.views.accounts import FirstRun
from rebal_tui.services.views.portfolios import Impact
from tests.services.random_books import MODELS, act, random_book
from tests.services.worlds import account, balanced, fill_book, make_book

BOOKS = int(os.environ.get("TRIAL_BOOKS", "3"))
"""How many random books live through eight events each."""
TIGHT = (DriftBand(BandType.ABSOLUTE, Percent(50)), DriftBand(BandType.RELATIVE, Percent(400)))


def body(portfolio: Portfolio, like: Portfolio) -> PortfolioBody:
    return PortfolioBody(portfolio.name, "", like.weights, like.cooldown_days, like.conditions, portfolio.review)


def exact_impact(book: Book, portfolio_id: str, wanted: PortfolioBody) -> Impact:
    before = book.portfolios[portfolio_id]
    after = replace(before, weights=wanted.weights, conditions=wanted.conditions)
    orders = turnover = cooling = unable = 0
    outside_before = outside_after = 0
    for one in book.subscribers(portfolio_id):
        valuation = value_of(book, one)
        use, then = (widest_use(asset_drifts(valuation, p.weights), p.bands) for p in (before, after))
        outside_before += use is not None and use.breached
        if then is None or not then.breached:
            continue
        outside_after += 1
        if in_cooldown(book.subscriptions[one].last_rebalanced_at, wanted.cooldown_days, book.today()):
            cooling += 1
            continue
        try:
            plan = plan_run(book, one, RunType.FULL_REBALANCE, wanted.weights)
        except Conflict:
            unable += 1
            continue
        orders += len(plan.sells) + len(plan.buys)
        turnover += turnover_of(plan)
    return Impact(
        len(book.subscribers(portfolio_id)), outside_before, outside_after, orders, Money(turnover), cooling, unable
    )


def exact_first_run(book: Book, one: str, portfolio_id: str) -> FirstRun:
    current = book.subscriptions.get(one)
    follows = book.portfolios[current.portfolio_id].name if current else ""
    row = FirstRun(one, book.accounts[one].name, follows, 0, Money(0), "", "")
    weights, valuation = book.portfolios[portfolio_id].weights, value_of(book, one)
    try:
        subscriptions.check_move(book, one, portfolio_id, subscriptions.withdrawing(book))
    except Refusal as refusal:
        return replace(row, refusal=str(refusal))
    if stopped := stops(book.accounts[one], valuation):
        return replace(row, note="no run while " + "; ".join(text for _, text in stopped))
    if valuation.equity < len(weights.assets) * DOLLAR * NANO:
        return replace(row, note="no run before there is $1 for each asset")
    try:
        plan = plan_run(book, one, RunType.FULL_REBALANCE, weights)
    except Conflict as unable:
        return replace(row, note=str(unable))
    return replace(row, orders=len(plan.sells) + len(plan.buys), turnover=turnover_of(plan))


def agrees(book: Book) -> set[str]:
    """Compare the impact of every portfolio made like every other, and everybody's move to each; what was met."""
    met: set[str] = set()
    models = [*book.portfolios.values(), replace(MODELS[0], conditions=TIGHT, cooldown_days=0)]
    for before in book.portfolios.values():
        for like in models:
            found = impact(book, before.id, body(before, like))
            assert found == exact_impact(book, before.id, body(before, like))
            met |= {name for name in ("cooling", "unable", "orders", "turnover") if getattr(found, name)}
        preview = bulk.preview_subscriptions(book, list(book.accounts), before.id, moving=True)
        assert list(preview.rows) == [exact_first_run(book, one, before.id) for one in book.accounts]
        met |= {"refused" for row in preview.rows if row.refusal}
        met |= {" ".join(row.note.split()[:2]) for row in preview.rows if row.note}
    return met


def test_what_would_follow_is_that_of_the_exact_form() -> None:
    met: set[str] = set()
    for seed in range(BOOKS):
        random = Random(seed)
        book = random_book(random)
        for _ in range(4):
            act(book, random)
            act(book, random)
            met |= agrees(book)
    assert {"cooling", "orders", "turnover", "refused", "no run"} <= met


@pytest.mark.parametrize("symbol", ["SPY", "TLT", "GLD"])
def test_what_has_no_price_cannot_be_planned_where_it_is_held(symbol: str) -> None:
    book = random_book(Random(3))
    book.settings = replace(book.settings, price_max_age=None)
    book.feed = None
    book.assets[symbol] = replace(book.assets[symbol], price=None, price_at=None)
    book.board.load(book.assets)
    assert {"unable", "no price"} <= agrees(book)


def test_an_unknown_asset_is_refused() -> None:
    book = random_book(Random(4))
    plain = book.portfolios["plain"]
    with pytest.raises(Conflict, match="asset NOPE is unknown"):
        impact(book, "plain", body(plain, balanced(weights={"SPY": "50", "NOPE": "45"})))


def test_amounts_that_no_column_holds_are_counted_exactly() -> None:
    book = make_book()
    fill_book(book, [account("a", "8000000000", {"SPY": "20000000"})], [balanced()], {"a": "balanced"})
    plain = book.portfolios["balanced"]
    like = balanced(weights={"TLT": "95"}, cooldown=0)
    found = impact(book, "balanced", body(plain, like))
    assert found == exact_impact(book, "balanced", body(plain, like))
    assert found.orders == 2
