"""Prices of renamed assets: the simulated walk, its stored state, a program that follows the file (R-50)."""

from __future__ import annotations

from pathlib import Path

from rebal_tui import bootstrap
from rebal_tui.domain.quantities import Price
from rebal_tui.market.walk import RandomWalk
from rebal_tui.services.book.book import Book
from rebal_tui.services.schedule import scheduler
from rebal_tui.services.schedule.follower import follow
from tests.services.asset_names import rename_assets
from tests.services.factories import new_york


def open_demo(path: Path, *, monotonic: float = 0.0) -> Book:
    return bootstrap.open_simulation(bootstrap.open_database(path, is_backup=True), monotonic=lambda: monotonic)


def new_demo(path: Path) -> Book:
    bootstrap.create_demo(path, accounts=3, start=new_york("2026-03-02 09:30"), speed=1.0).close()
    return open_demo(path)


def ids(book: Book, *symbols: str) -> list[str]:
    return [book.assets[symbol].id for symbol in symbols]


def walked(book: Book, minutes: int) -> dict[str, Price]:
    """The price of every asset by id after the market has moved on."""
    assert isinstance(book.feed, RandomWalk)
    at = new_york(f"2026-03-02 10:{minutes:02}")
    book.apply_prices(book.feed.advance(at))
    return {asset_id: asset.price for asset_id, asset in book.assets_by_id.items() if asset.price is not None}


def test_a_walk_does_not_depend_on_the_symbol_that_its_asset_has_today(tmp_path: Path) -> None:
    book, other = new_demo(tmp_path / "one.db"), new_demo(tmp_path / "other.db")
    spy, tlt = ids(book, "SPY", "TLT")
    assert ids(other, "SPY", "TLT") == [spy, tlt]
    rename_assets(book, {spy: "TLT", tlt: "NEW"})
    assert walked(book, 30) == walked(other, 30)
    for one in (book, other):
        one.database.close()


def test_a_book_closed_after_a_rename_continues_the_same_walk(tmp_path: Path) -> None:
    book, other = new_demo(tmp_path / "one.db"), new_demo(tmp_path / "other.db")
    spy, tlt = ids(book, "SPY", "TLT")
    for one in (book, other):
        scheduler.tick(one)
    rename_assets(book, {spy: "TLT", tlt: "SPY"})
    # Closed as by a crash: the state of the market is not stored again.
    book.database.close()
    book = open_demo(tmp_path / "one.db")
    assert walked(book, 30) == walked(other, 30)
    for one in (book, other):
        one.database.close()


def test_a_program_that_follows_the_file_shows_new_symbols_with_their_prices(tmp_path: Path) -> None:
    book = new_demo(tmp_path / "book.db")
    scheduler.tick(book)
    view = bootstrap.open_view(tmp_path / "book.db")
    follow(view)
    spy, tlt = ids(view, "SPY", "TLT")
    before = view.assets["SPY"].price, view.assets["TLT"].price
    rename_assets(book, {spy: "TLT", tlt: "SPY"})
    assert follow(view)
    assert ids(view, "SPY", "TLT") == [tlt, spy]
    assert (view.assets["TLT"].price, view.assets["SPY"].price) == before
    for one in (book, view):
        one.database.close()
