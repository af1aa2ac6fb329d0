"""Simulated market that changes only on request, and the app with its book."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from functools import lru_cache
from typing import Any

from textual.pilot import Pilot

from rebal_tui import bootstrap
from rebal_tui.broker.simulated.broker import SimulatedBroker
from rebal_tui.market.clock import SimulatedClock
from rebal_tui.services.book.book import Book
from rebal_tui.services.schedule import scheduler
from rebal_tui.services.schedule.book_thread import BookThread
from rebal_tui.store import book_settings
from rebal_tui.store.database import Database
from rebal_tui.tui.app import RebalApp
from rebal_tui.tui.book_backend import BookBackend
from tests.services import factories
from tests.tui.driving import WIDE, press, settle

Flow = Callable[["Pilot[Any]", RebalApp], Awaitable[None]]
LAST = factories.new_york("2026-02-02 10:00")
SIZES = {"80x24": (80, 24), "120x40": (120, 40), "200x60": (200, 60)}


def market_book(accounts: int = 5, at: str = "2026-03-02 10:01", *, immediate: bool = True) -> Book:
    """Create accounts `a`, `b` … on target: 60 % SPY, 35 % TLT, 5 % cash; the last follows a portfolio with GLD.

    Time is paused and prices are constant; a shock changes prices, `at_time` changes time.
    """
    made = _market(accounts, at, immediate, tuple(factories.NAMES.items()))
    opened = bootstrap.open_simulation(factories.copied(made))
    scheduler.tick(opened)
    return opened


@lru_cache(maxsize=32)
def _market(accounts: int, at: str, immediate: bool, _named: object) -> Database:
    """What `market_book` copies; made once for the same arguments and names."""
    book = factories.make_book(at)
    names = [f"{chr(97 + index % 26)}{index // 26 or ''}" for index in range(accounts)]
    gold = factories.balanced("gold", {"SPY": "50", "GLD": "45"})
    held = [factories.account(name, "5000", {"SPY": "150", "TLT": "350"}) for name in names[:-1]]
    held += [factories.account(names[-1], "5000", {"SPY": "125", "GLD": "250"})]
    follows = dict.fromkeys(names[:-1], "balanced") | {names[-1]: "gold"}
    factories.fill_book(book, held, [factories.balanced(), gold], follows, dict.fromkeys(names, LAST))
    scheduler.tick(book)
    with book.database.write() as tx:
        book_settings.put(tx, "turbulence", "0")
        book_settings.put(tx, "fills", "immediate" if immediate else "")
        book_settings.put(tx, "name", "test")
    return book.database


def at_time(book: Book, text: str) -> None:
    """Set simulated time to a New York time; the next heartbeat uses it."""
    assert isinstance(book.clock, SimulatedClock)
    timestamp: datetime = factories.new_york(text)
    book.clock.jump(timestamp)


def sound(book: Book) -> None:
    """Assert that all invariants of the simulated broker hold."""
    assert isinstance(book.broker, SimulatedBroker)
    assert book.broker.invariants() == []


def app_with_book(book: Book, **options: Any) -> RebalApp:
    return RebalApp(BookBackend(BookThread(lambda: book)), heartbeat=False, **options)


def run(flow: Flow, book: Book, section: str, size: tuple[int, int] = WIDE, **options: Any) -> RebalApp:
    """Start the app, press the key of a section and run the flow."""
    app = app_with_book(book, **options)

    async def main() -> None:
        async with app.run_test(size=size) as pilot:
            await settle(pilot)
            await press(pilot, section)
            await flow(pilot, app)

    asyncio.run(main())
    return app


async def run_heartbeat(pilot: Pilot[Any], app: RebalApp) -> None:
    """Run one heartbeat and wait until everything is drawn."""
    await app.run_heartbeat()
    await settle(pilot)


async def write(pilot: Pilot[Any], text: str) -> None:
    """Type a text key by key."""
    names = {" ": "space", ".": "full_stop", "-": "minus", ",": "comma", ":": "colon", "%": "percent_sign"}
    for char in text:
        await pilot.press(names.get(char, char))
    await settle(pilot)


def shows(
    snap_compare: Any,
    book: Book,
    keys: tuple[str, ...],
    size: tuple[int, int],
    prepare: Callable[[], None] | None = None,
) -> None:
    """Press keys, call `prepare` and run a heartbeat if given, and compare the screen with its snapshot."""

    async def before(pilot: Pilot[Any]) -> None:
        await settle(pilot)
        await press(pilot, *keys)
        if prepare is not None:
            prepare()
            app: Any = pilot.app
            await run_heartbeat(pilot, app)

    assert snap_compare(app_with_book(book), terminal_size=size, run_before=before)
