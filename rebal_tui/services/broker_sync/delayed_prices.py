"""A delayed price feed: in an open market even the newest price is minutes old, so no account can be evaluated."""

from __future__ import annotations

from datetime import datetime, timedelta

from rebal_tui.services.book.book import Book
from rebal_tui.store import jobs

DELAYED_ALERT, DELAYED_SUBJECT = "prices", "feed"
DELAYED_MIN = timedelta(minutes=10)
"""Age of the newest price, and time since the open, from which the feed counts as delayed."""


def price_delay(book: Book, now: datetime) -> timedelta | None:
    """The age of the newest price of a real broker's feed, None while the feed is not delayed or the market is closed.

    A feed that has not fetched any price since the start does not count as delayed.
    """
    session, newest = book.session(now), book.price_cache.newest
    if book.live is None or newest is None or session is None or not session.is_open(now):
        return None
    if now - session.open < DELAYED_MIN or book.feed is None or not book.feed.quotes():
        return None
    age = now - newest
    return age if age >= DELAYED_MIN else None


def watch_prices(book: Book, now: datetime) -> None:
    """Raise an alert while the price feed is delayed, and clear it afterward."""
    delay = price_delay(book, now)
    watched = book.polling_state
    if watched.prices_alerted is not None and watched.prices_alerted is (delay is not None):
        return
    watched.prices_alerted = delay is not None
    if delay is None:
        if jobs.is_open(book.database, DELAYED_ALERT, DELAYED_SUBJECT):
            with book.write() as tx:
                jobs.clear_alert(tx, DELAYED_ALERT, DELAYED_SUBJECT, now)
        return
    limit = book.settings.price_max_age
    blocked = f", so no account is evaluated (limit {limit.total_seconds():.0f} s)" if limit else ""
    text = (
        f"the newest price is {delay // timedelta(minutes=1)} minutes old while the market is open{blocked}. "
        "The market data subscription may be a delayed one"
    )
    with book.write() as tx:
        jobs.raise_alert(tx, now, DELAYED_ALERT, DELAYED_SUBJECT, text)
