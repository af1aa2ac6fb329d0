"""Prices of a files book: from positions, a price file or entered by hand, each with its time (R-72)."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import date, datetime

from rebal_tui.broker.files.changes import put_asset
from rebal_tui.broker.files.price_file import StatedPrice
from rebal_tui.broker.files.records import micros
from rebal_tui.domain.errors import Conflict
from rebal_tui.domain.sessions import NEW_YORK, new_york_day
from rebal_tui.market.protocol import Quote
from rebal_tui.market.sessions import TradingCalendar
from rebal_tui.services.book import calendars
from rebal_tui.services.book.book import Book, BookTransaction
from rebal_tui.services.broker_sync.events import sync
from rebal_tui.services.files_book.moments import moment_of
from rebal_tui.services.runs.asset_holds import guard_prices
from rebal_tui.store import assets, book_settings
from rebal_tui.store import sessions as session_store


def quotes_of(book: Book, stated: Mapping[str, StatedPrice], as_of: datetime | None = None) -> dict[str, Quote]:
    """The prices of a file with their times; `as_of`, by default now, is used for prices without a time."""
    other = as_of or book.now()
    return {
        symbol: Quote(one.price, other if one.as_of is None else moment_of(book, one.as_of))
        for symbol, one in stated.items()
    }


def import_prices(book: Book, prices: Mapping[str, Quote]) -> int:
    """Store prices, and add assets that the book does not have; returns how many prices are new.

    Raises `Conflict` for a time in the future, naming the symbol.
    """
    now = book.now()
    for symbol, quote in prices.items():
        if quote.at > now:
            raise Conflict(
                f"the price of {symbol} is dated in the future: {quote.at.astimezone(NEW_YORK):%Y-%m-%d %H:%M}"
            )
    with book.write() as tx:
        namespace = uuid.uuid5(uuid.NAMESPACE_OID, book_settings.get(book.database, "id_seed", "book"))
        for symbol in prices:
            put_asset(tx, book.database, lambda name: str(uuid.uuid5(namespace, name)), symbol, "", micros(book.now()))
        sync(book)
        new = store_prices(tx, prices)
        if new:
            set_session(tx, max(quote.at for quote in prices.values()))
            detail = {symbol: [quote.price, quote.at.isoformat()] for symbol, quote in prices.items()}
            tx.record("files.prices", "book", {"prices": detail}, "advisor")
        tx.reload()
    return new


def store_prices(tx: BookTransaction, prices: Mapping[str, Quote]) -> int:
    """Store prices that are newer than the book's; a price jump puts the asset on hold (R-55).

    Returns how many prices were stored.
    """
    known = tx.book.assets
    newer = {
        symbol: quote
        for symbol, quote in prices.items()
        if symbol not in known
        or (stored := known[symbol].price_at) is None
        or stored < quote.at
        or (stored == quote.at and known[symbol].price != quote.price)
    }
    guard_prices(tx.book, newer)
    assets.save_prices(tx, [(symbol, quote.price, quote.at) for symbol, quote in newer.items()])
    return len(newer)


def set_session(tx: BookTransaction, at: datetime) -> None:
    """Make the session of `at`, the time of the newest prices, the session for which the book is evaluated (R-73). Does
    nothing if the book has that session or a later one already.

    Raises `Conflict` for a time before the book's calendar.
    """
    database = tx.database
    sessions = TradingCalendar(session_store.load(database))
    session = sessions.last_opened(at) or sessions.on_or_before(new_york_day(at))
    if session is None:
        raise Conflict("the file is older than the book's calendar")
    before = book_settings.get(database, calendars.PRICED_DAY)
    if not before or session.day.isoformat() > before:
        following = sessions.next_after(date.fromisoformat(before)) if before else None
        first = following.day if following is not None and following.day <= session.day else session.day
        book_settings.put(tx, calendars.FIRST_DAY, first.isoformat())
        book_settings.put(tx, calendars.PRICED_DAY, session.day.isoformat())
