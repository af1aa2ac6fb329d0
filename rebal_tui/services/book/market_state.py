"""State of a simulated market, stored in the book so that the simulation resumes from it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime

from rebal_tui.market.clock import ClockState, SimulatedClock
from rebal_tui.market.protocol import renamed
from rebal_tui.market.walk import RandomWalk, WalkState
from rebal_tui.services.book.book import Book
from rebal_tui.store import audit, book_settings
from rebal_tui.store.codec import dump, from_time, to_time
from rebal_tui.store.database import Database, Transaction

CLOCK, WALK = "clock", "walk"


def save_market_state(book: Book, now: datetime) -> None:
    """Store the simulated time and the state of the random walk that makes the prices.

    Does nothing for a market with neither.
    """
    walk = book.feed if isinstance(book.feed, RandomWalk) else None
    if isinstance(book.clock, SimulatedClock):
        state: ClockState | None = book.clock.state()
    else:
        state = load_clock(book.database) if walk else None
    if state is None:
        return
    with book.write() as tx:
        store_clock(tx, ClockState(max(now, state.at), state.speed, state.paused))
        if walk is not None:
            store_walk(tx, walk.state())


def store_clock(tx: Transaction, state: ClockState) -> None:
    """Store the state of the simulated clock."""
    book_settings.put(tx, CLOCK, dump([to_time(state.at), str(state.speed), state.paused]))


def store_walk(tx: Transaction, state: WalkState) -> None:
    """Store the state of the random walk that makes the simulated prices."""
    prices, frozen = list(state.prices), [(symbol, to_time(at)) for symbol, at in state.frozen]
    exact = [list(state.exact)] if state.exact else []
    book_settings.put(tx, WALK, dump([to_time(state.at), prices, frozen, *exact]))


def relabel_walk(tx: Transaction, labels: Mapping[str, str]) -> None:
    """Replace the labels of renamed assets in the stored random walk of prices; `labels` maps old to new."""
    state = load_walk(tx.database)
    if state is not None:
        prices, frozen = renamed(dict(state.prices), labels), renamed(dict(state.frozen), labels)
        exact = tuple(sorted(labels.get(symbol, symbol) for symbol in state.exact))
        store_walk(tx, WalkState(state.at, tuple(sorted(prices.items())), tuple(sorted(frozen.items())), exact))


def load_clock(database: Database) -> ClockState | None:
    """The stored state of the simulated clock, with a time no earlier than the last audit entry; None when none was
    stored.
    """
    text = book_settings.get(database, CLOCK)
    if not text:
        return None
    at, speed, paused = json.loads(text)
    stored, last = from_time(at), audit.last_at(database)
    return ClockState(max(stored, last) if last else stored, float(speed), paused)


def load_walk(database: Database) -> WalkState | None:
    """The stored state of the random walk that makes the simulated prices; None when none was stored."""
    text = book_settings.get(database, WALK)
    if not text:
        return None
    at, prices, frozen, *exact = json.loads(text)
    return WalkState(
        from_time(at),
        tuple((symbol, price) for symbol, price in prices),
        tuple((symbol, from_time(since)) for symbol, since in frozen),
        tuple(exact[0]) if exact else (),
    )
