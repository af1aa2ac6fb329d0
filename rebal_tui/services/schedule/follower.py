"""A book that another program writes: what it commits is shown, and nothing is done here."""

from __future__ import annotations

from rebal_tui.market.clock import HeartbeatClock
from rebal_tui.market.walk import RandomWalk
from rebal_tui.services.book.book import Book
from rebal_tui.services.book.market_state import load_clock, load_walk
from rebal_tui.services.broker_sync.events import CURSOR
from rebal_tui.services.schedule import scheduler
from rebal_tui.store import audit, book_settings

IDLE_TO_BUSY_RATIO = 4
"""Reading everything again takes at most a fifth of the time: this many times as long passes before the next."""


HEARTBEAT_BUDGET_SECONDS = 0.05
"""Seconds of a heartbeat after which whoever waits for the book is answered before more is done."""


def heartbeat(book: Book) -> bool:
    """One heartbeat, or a slice of a long one: what is due happens; where nothing can be written, the file is followed
    instead. Whether more is to be done at once."""
    if book.database.read_only:
        follow(book)
        return False
    return scheduler.tick(book, HEARTBEAT_BUDGET_SECONDS)


def follow(book: Book) -> bool:
    """Show what the file holds now; False when nobody has committed since the last time."""
    version = book.database.data_version()
    if version == book.follow_state.version:
        return False
    _follow_market(book)
    seconds = book.stopwatch() if book.stopwatch else 0.0
    if seconds >= book.follow_state.idle_until:
        mark = f"{audit.head(book.database)[0]} {book_settings.get(book.database, CURSOR)}"
        if mark == book.follow_state.mark:
            book.reload_runs()
        else:
            book.reload()
        book.follow_state.version, book.follow_state.mark = version, mark
        took = book.stopwatch() - seconds if book.stopwatch else 0.0
        book.follow_state.idle_until = seconds + (1 + IDLE_TO_BUSY_RATIO) * took
    return True


def _follow_market(book: Book) -> None:
    """Time and prices as they were when the writer's heart beat last."""
    clock = load_clock(book.database)
    if clock is not None and isinstance(book.clock, HeartbeatClock):
        book.clock.follow(clock)
    walk = load_walk(book.database)
    if walk is not None and isinstance(book.feed, RandomWalk):
        book.apply_prices(book.feed.follow(walk))
