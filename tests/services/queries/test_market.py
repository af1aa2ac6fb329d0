"""Data of the Market screen, and the effect of a shock before it is applied."""

from __future__ import annotations

import pytest

from rebal_tui import bootstrap
from rebal_tui.domain.errors import NotFound
from rebal_tui.domain.portfolios import PortfolioStatus
from rebal_tui.domain.quantities import Percent
from rebal_tui.services.book.book import Book
from rebal_tui.services.queries import market as market_queries
from rebal_tui.services.schedule import scheduler
from rebal_tui.services.schedule.jobs import save_prices
from rebal_tui.services.simulation import simulator
from rebal_tui.services.view_models.market import Effect
from rebal_tui.store import portfolios
from tests.services.factories import account, balanced, fill_book, make_book
from tests.tui.simulated import at_time, market_book


def test_a_snapshot_counts_holders_of_an_asset_and_accounts_outside() -> None:
    book = market_book(5)
    seen = market_queries.market_snapshot(book)
    rows = {row.symbol: row for row in seen.assets}
    assert (rows["SPY"].portfolios, rows["SPY"].accounts) == (2, 5)
    assert (rows["GLD"].portfolios, rows["GLD"].accounts) == (1, 1)
    assert (seen.outside, seen.subscribed, seen.paused) == (0, 5, True)
    assert not rows["SPY"].halted


def test_the_active_portfolios_of_an_asset_are_counted_apart() -> None:
    book = market_book(1)
    with book.write() as tx:
        portfolios.set_status(tx, "balanced", PortfolioStatus.INACTIVE, book.now())
        tx.reload_portfolios()
    spy = next(row for row in market_queries.market_snapshot(book).assets if row.symbol == "SPY")
    assert (spy.portfolios, spy.active_portfolios) == (2, 1)


def change_of(book: Book, symbol: str) -> int | None:
    return next(row for row in market_queries.market_snapshot(book).assets if row.symbol == symbol).change_bp


def test_the_change_since_the_last_close_survives_a_reopening() -> None:
    book = market_book(1)
    at_time(book, "2026-03-03 10:00")
    scheduler.tick(book)
    simulator.shock(book, "SPY", Percent(-1000))
    scheduler.tick(book)
    assert change_of(book, "SPY") == -1000
    save_prices(book)
    reopened = bootstrap.open_simulation(book.database)
    assert change_of(reopened, "SPY") == -1000, "before the first price"
    scheduler.tick(reopened)
    assert (change_of(reopened, "SPY"), change_of(reopened, "TLT")) == (-1000, 0)
    save_prices(reopened)
    next_day = bootstrap.open_simulation(reopened.database)
    at_time(next_day, "2026-03-04 10:00")
    scheduler.tick(next_day)
    simulator.shock(next_day, "SPY", Percent(500))
    scheduler.tick(next_day)
    assert change_of(next_day, "SPY") == 500, "the last price before it was closed is now the close"


@pytest.mark.slow
@pytest.mark.parametrize("symbol", ["SPY", "GLD", None])
@pytest.mark.parametrize("percent", [-4000, -500, 1500, 8000])
def test_a_shock_does_what_its_impact_shows(symbol: str | None, percent: int) -> None:
    book = market_book(5)
    version = book.version
    message = market_queries.shock_effect(book, symbol, Percent(percent))
    assert (book.version, market_queries.outside(book)) == (version, 0), "asking moves nothing"
    done = market_queries.measured(book, lambda book: simulator.shock(book, symbol, Percent(percent)))
    assert message == done


def test_an_unknown_symbol_is_refused() -> None:
    book = market_book(2)
    with pytest.raises(NotFound):
        market_queries.shock_effect(book, "NOPE", Percent(100))
    with pytest.raises(NotFound):
        market_queries.asset_view(book, "NOPE")


def test_an_asset_names_its_portfolios_and_its_holders_largest_first() -> None:
    view = market_queries.asset_view(market_book(3), "SPY")
    assert view.portfolios == (("Balanced", 6000), ("Gold", 5000))
    assert [holder.account_id for holder in view.holders] == ["a", "b", "c"]
    assert view.holders[0].actual_bp == 6000


@pytest.mark.parametrize(("cash", "share"), [("200", 6667), ("800", 3333), ("1599600", 2)])
def test_the_share_of_a_holder_is_rounded_half_to_even(cash: str, share: int) -> None:
    book = make_book()
    fill_book(book, [account("a", cash, {"SPY": "1"})], [balanced()], {"a": "balanced"}, {})
    assert market_queries.asset_view(book, "SPY").holders[0].actual_bp == share


@pytest.mark.parametrize(
    ("effect", "text"),
    [
        (Effect(9, 21, 58), "12 more accounts outside: 21 of 58"),
        (Effect(3, 2, 58), "1 fewer account outside: 2 of 58"),
        (Effect(2, 2, 5), "2 of 5 accounts outside, as before"),
        (Effect(2, 2, 5, frozenset()), "2 of 5 accounts outside, as before"),
        (Effect(0, 1, 5, frozenset("a")), "1 more account outside: 1 of 5"),
        (Effect(3, 3, 5, frozenset("ab")), "2 left their bands, 2 returned: 3 of 5 accounts outside"),
    ],
)
def test_the_text_of_an_effect(effect: Effect, text: str) -> None:
    assert str(effect) == text
