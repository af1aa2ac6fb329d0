"""Alerts about price times: in an open market, the newest price is minutes old, or later than now."""

from __future__ import annotations

from datetime import datetime, timedelta

from rebal_tui.engine.situation import PRICE_MAX_AHEAD
from rebal_tui.services.book.book import Book
from rebal_tui.services.book.progress import PriceFault
from rebal_tui.store import jobs

PRICES_ALERT, PRICES_SUBJECT = "prices", "feed"
DELAYED_MIN = timedelta(minutes=10)
"""Age of the newest price, and time since the open, from which the feed counts as delayed."""


def price_delay(book: Book, now: datetime) -> timedelta | None:
    """The age of the newest price of a real broker's feed if it is at least 10 minutes (`DELAYED_MIN`), else None.

    None as well while the market is closed and in the first 10 minutes of a session. A feed that has fetched no price
    since the start of the program does not count as delayed.
    """
    session, newest = book.session(now), book.price_cache.newest
    if book.live is None or newest is None or session is None or not session.is_open(now):
        return None
    if now - session.open < DELAYED_MIN or book.feed is None or not book.feed.quotes():
        return None
    age = now - newest
    return age if age >= DELAYED_MIN else None


def price_lead(book: Book, now: datetime) -> timedelta | None:
    """How far the newest price of a real broker's feed is ahead of `now` (R-12.5).

    None without a real broker, and for 30 seconds (`PRICE_MAX_AHEAD`) or less.
    """
    if book.live is None or book.feed is None or book.price_cache.newest is None:
        return None
    if book.price_cache.newest - now <= PRICE_MAX_AHEAD:
        return None
    # It may have been replaced by an earlier price since.
    lead = max((quote.at for quote in book.feed.quotes().values()), default=now) - now
    return lead if lead > PRICE_MAX_AHEAD else None


def watch_prices(book: Book, now: datetime) -> None:
    """Raise an alert while the prices of an open market are delayed or later than now, and clear it afterward.

    While the market is closed an alert stays as it is: whether prices are on time is not known.
    """
    session = book.session(now)
    if book.live is None or session is None or not session.is_open(now):
        return
    delay, lead = price_delay(book, now), price_lead(book, now)
    fault = PriceFault.DELAYED if delay is not None else PriceFault.AHEAD if lead is not None else PriceFault.NONE
    watched = book.polling_state
    if watched.prices_alerted is fault:
        return
    watched.prices_alerted = fault
    if delay is None and lead is None:
        if jobs.is_open(book.database, PRICES_ALERT, PRICES_SUBJECT):
            with book.write() as tx:
                jobs.clear_alert(tx, PRICES_ALERT, PRICES_SUBJECT, now)
        return
    text = _delay_text(book, delay) if delay is not None else _lead_text(lead or timedelta())
    with book.write() as tx:
        jobs.raise_alert(tx, now, PRICES_ALERT, PRICES_SUBJECT, text)


def _delay_text(book: Book, delay: timedelta) -> str:
    limit = book.settings.price_max_age
    blocked = f", so no account is evaluated (limit {limit.total_seconds():.0f} s)" if limit else ""
    return (
        f"the newest price is {delay // timedelta(minutes=1)} minutes old while the market is open{blocked}. "
        "The market data subscription may be a delayed one"
    )


def _lead_text(lead: timedelta) -> str:
    limit = PRICE_MAX_AHEAD.total_seconds()
    return (
        f"the newest price is {lead.total_seconds():.0f} s newer than this computer's clock, so no account that needs "
        f"it is evaluated (limit {limit:.0f} s)"
    )
