"""Following another program that writes the book: its commits are shown, nothing is changed."""

from __future__ import annotations

from rebal_tui.domain.errors import FILE_LOST
from rebal_tui.market.clock import HeartbeatClock
from rebal_tui.market.walk import RandomWalk
from rebal_tui.services.book.book import Book
from rebal_tui.services.book.market_state import load_clock, load_walk
from rebal_tui.services.broker_sync.events import CURSOR
from rebal_tui.services.schedule import scheduler
from rebal_tui.store import asset_renames, audit, book_settings

IDLE_TO_BUSY_RATIO = 4
"""Idle time after a reload as a multiple of its duration: reloads take at most one fifth of the time."""


HEARTBEAT_BUDGET_SECONDS = 0.05
"""Time budget of a heartbeat; waiting requests are served before the next one."""


def heartbeat(book: Book) -> bool:
    """Run one heartbeat, or a chunk of a long one; returns whether more work is due immediately.

    For a book that is open for writing, do the work that is due. For a read-only book, update it from its file.
    """
    if book.database.read_only:
        follow(book)
        return False
    return scheduler.tick(book, HEARTBEAT_BUDGET_SECONDS)


def follow(book: Book) -> bool:
    """Update the in-memory state from the file; returns False if nothing was committed since the last call."""
    if book.database.halted is not None and book.database.halted.halt not in FILE_LOST:
        book.database.require_in_place()
    version = book.database.data_version()
    if version == book.follow_state.version:
        return False
    _follow_renames(book)
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


def _follow_renames(book: Book) -> None:
    """Read new labels of assets. Call it before prices are read, because prices are keyed by label."""
    renames = asset_renames.count(book.database)
    if renames != book.follow_state.renames:
        book.reload_assets()
        book.follow_state.renames = renames


def _follow_market(book: Book) -> None:
    """Set time and prices to those of the writer's last heartbeat."""
    clock = load_clock(book.database)
    if clock is not None and isinstance(book.clock, HeartbeatClock):
        book.clock.follow(clock)
    walk = load_walk(book.database)
    if walk is not None and isinstance(book.feed, RandomWalk):
        book.apply_prices(book.feed.follow(walk))
