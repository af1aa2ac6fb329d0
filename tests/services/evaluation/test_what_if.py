"""The impact of portfolio and subscription changes, compared with the exact form account by account."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import timedelta
from random import Random

import pytest

from rebal_tui.domain.errors import Conflict
from rebal_tui.domain.portfolios import BandType, DriftBand, Portfolio, PortfolioStatus
from rebal_tui.domain.quantities import Percent, cents_total
from rebal_tui.services.advisory import bulk
from rebal_tui.services.book.book import Book
from rebal_tui.services.parsing.portfolio_body import PortfolioBody
from rebal_tui.services.queries.portfolios import impact
from rebal_tui.tui.screens.portfolios.impact import affected_mark, affected_text
from tests.services.evaluation.what_if_oracle import exact_first_run, exact_impact
from tests.services.factories import account, balanced, fill_book, make_book
from tests.services.random_books import MODELS, act, random_book

BOOKS = int(os.environ.get("TRIAL_BOOKS", "3"))
"""The number of random books, with eight events each."""
TIGHT = (DriftBand(BandType.ABSOLUTE, Percent(50)), DriftBand(BandType.RELATIVE, Percent(400)))


def body(portfolio: Portfolio, like: Portfolio) -> PortfolioBody:
    return PortfolioBody(portfolio.name, "", like.weights, like.cooldown_days, like.conditions, portfolio.review)


def agrees(book: Book) -> set[str]:
    """Compare the impact of giving each portfolio another's settings, and of moving all accounts; returns the cases."""
    met: set[str] = set()
    models = [*book.portfolios.values(), replace(MODELS[0], conditions=TIGHT, cooldown_days=0)]
    for before in book.portfolios.values():
        for like in models:
            found = impact(book, before.id, body(before, like))
            assert found == exact_impact(book, before.id, body(before, like))
            met |= {name for name in ("cooling", "unable", "blocked", "orders", "turnover") if getattr(found, name)}
        preview = bulk.preview_subscriptions(book, list(book.accounts), before.id, moving=True)
        assert list(preview.rows) == [exact_first_run(book, one, before.id) for one in book.accounts]
        met |= {"refused" for row in preview.rows if row.refusal}
        met |= {" ".join(row.note.split()[:2]) for row in preview.rows if row.note}
    return met


@pytest.mark.slow
def test_the_impact_equals_that_of_the_exact_form() -> None:
    met: set[str] = set()
    for seed in range(BOOKS):
        random = Random(seed)
        book = random_book(random)
        for _ in range(4):
            act(book, random)
            act(book, random)
            met |= agrees(book)
    assert {"cooling", "orders", "turnover", "refused", "no run"} <= met


@pytest.mark.slow
@pytest.mark.parametrize("symbol", ["SPY", "TLT", "GLD"])
def test_a_holding_without_a_price_cannot_be_planned(symbol: str) -> None:
    book = random_book(Random(3))
    book.settings = replace(book.settings, price_max_age=None)
    book.feed = None
    book.assets[symbol] = replace(book.assets[symbol], price=None, price_at=None)
    book.price_cache.load(book.assets)
    assert {"unable", "no price"} <= agrees(book)


def test_an_unknown_asset_is_refused() -> None:
    book = random_book(Random(4))
    plain = book.portfolios["plain"]
    with pytest.raises(Conflict, match="asset NOPE is unknown"):
        impact(book, "plain", body(plain, balanced(weights={"SPY": "50", "NOPE": "45"})))


def test_amounts_beyond_int64_columns_are_summed_exactly() -> None:
    book = make_book()
    fill_book(book, [account("a", "8000000000", {"SPY": "20000000"})], [balanced()], {"a": "balanced"})
    plain = book.portfolios["balanced"]
    like = balanced(weights={"TLT": "95"}, cooldown=0)
    found = impact(book, "balanced", body(plain, like))
    assert found == exact_impact(book, "balanced", body(plain, like))
    assert found.orders == 2


def test_an_impact_names_the_accounts_that_would_trade_and_those_that_wait() -> None:
    book = make_book()
    accounts = [account("a", "500", {"SPY": "15", "TLT": "35"}), account("b", "5000", {"SPY": "150", "TLT": "350"})]
    accounts.append(account("c", "500", {"SPY": "15", "TLT": "35"}))
    last = {name: book.now() - timedelta(days=days) for name, days in (("a", 60), ("b", 60), ("c", 1))}
    fill_book(book, accounts, [balanced()], dict.fromkeys("abc", "balanced"), last)
    plain = book.portfolios["balanced"]
    found = impact(book, "balanced", body(plain, balanced(weights={"SPY": "35", "TLT": "60"}, cooldown=30)))
    until = (book.now() + timedelta(days=29)).date()
    assert [(one.account_id, one.orders, one.cooldown_until) for one in found.affected] == [
        ("b", 2, None), ("a", 2, None), ("c", 0, until),
    ]  # fmt: skip
    assert [affected_mark(one)[0] for one in found.affected] == ["■", "■", "◷"]
    assert cents_total(one.turnover for one in found.affected) == found.turnover


def test_an_impact_leaves_out_blocked_accounts_and_names_the_session_after_a_cooldown() -> None:
    """The cooldown of `c` ends on Saturday 7 March."""
    book = make_book()
    held = {"SPY": "15", "TLT": "35"}
    accounts = [account("a", "500", held), *(account(name, "500", held, ["ach_return"]) for name in "bc")]
    last = {name: book.now() - timedelta(days=days) for name, days in (("a", 60), ("b", 60), ("c", 1))}
    fill_book(book, accounts, [balanced()], dict.fromkeys("abc", "balanced"), last)
    found = impact(book, "balanced", body(book.portfolios["balanced"], balanced(weights={"TLT": "95"}, cooldown=6)))
    assert (found.orders, found.cooling, found.blocked) == (2, 0, 2)
    assert {one.account_id: affected_text(one) for one in found.affected} == {
        "a": "in range → outside, 2 orders",
        "b": "in range → outside, blocked: ACH return",
        "c": "in range → outside, blocked: ACH return; cooldown until Mon 09 Mar 2026",
    }
    assert {one.account_id: affected_mark(one)[0] for one in found.affected} == {"a": "■", "b": "!", "c": "!"}


def test_an_impact_counts_with_the_portfolio_active_that_saving_reactivates() -> None:
    book = make_book()
    model = replace(balanced(), status=PortfolioStatus.NEEDS_ADJUSTMENT)
    fill_book(
        book,
        [account("a", "500", {"SPY": "15", "TLT": "35"})],
        [model],
        {"a": "balanced"},
        {"a": book.now() - timedelta(days=60)},
    )
    like = balanced(weights={"TLT": "95"})
    assert impact(book, "balanced", body(model, like)).orders == 2
    book.assets["TLT"] = replace(book.assets["TLT"], tradable=False)
    assert impact(book, "balanced", body(model, like)).orders == 0
