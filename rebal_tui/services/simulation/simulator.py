"""Control of a simulated market: speed, pause, steps, shocks."""

from __future__ import annotations

from datetime import datetime, timedelta

from rebal_tui.broker.protocol import SandboxControls
from rebal_tui.domain.errors import Conflict, NotFound
from rebal_tui.domain.quantities import Percent, percent_text
from rebal_tui.domain.text import weekday_time_text
from rebal_tui.market.clock import SimulatedClock
from rebal_tui.market.walk import MAX_SHOCK, RandomWalk
from rebal_tui.services.advisory.cash import sandbox
from rebal_tui.services.book.book import Book
from rebal_tui.services.book.market_state import save_market_state
from rebal_tui.services.book.slots import next_slot
from rebal_tui.services.broker_sync.events import sync
from rebal_tui.services.schedule import scheduler

_STEP = timedelta(minutes=15)
LARGEST_SHOCK: Percent = MAX_SHOCK


def set_speed(book: Book, speed: float) -> None:
    """Set the simulated seconds per real second, 0.1 to 100,000."""
    simulated_clock(book).set_speed(speed)
    save_market_state(book, book.now())
    book.touch()


def pause_market(book: Book) -> None:
    simulated_clock(book).pause()
    save_market_state(book, book.now())
    book.touch()


def resume_market(book: Book) -> None:
    simulated_clock(book).resume()
    book.touch()


def hold_time(book: Book, held: bool) -> None:
    """Stop (`held`) or continue simulated time that runs faster than real time, without storing anything.

    Other clocks are not affected.
    """
    if isinstance(book.clock, SimulatedClock):
        book.clock.hold(held and book.clock.speed > 1)


def step_day(book: Book) -> None:
    """Advance to the same time of the next session, at most to its close, with heartbeats on the way.

    Raises `Conflict` when the calendar has no later session.
    """
    begin_step(book)
    while step_on(book):
        pass


def begin_step(book: Book) -> None:
    """Begin the step of `step_day`; each call of `step_on` makes a part of it.

    Raises `Conflict` when the calendar has no later session, or while a step is under way.
    """
    clock = simulated_clock(book)
    if clock.stepping_to is not None:
        raise Conflict(f"time already advances to {weekday_time_text(clock.stepping_to)}")
    now = book.now()
    today = book.calendar.last_opened(now)
    opens = book.calendar.next_open(now)
    following = book.session(opens) if opens is not None else None
    if following is None:
        raise Conflict("the calendar has no later session")
    into = now - today.open if today is not None and now >= today.open else timedelta(0)
    clock.stepping_to = min(following.open + into, following.close)


def step_on(book: Book) -> bool:
    """Make the next part of a step, with one heartbeat; returns whether parts are left. An error ends the step."""
    clock = simulated_clock(book)
    target, clock.stepping_to = clock.stepping_to, None
    current = book.now()
    if target is None or current >= target:
        return False
    clock.jump(_end_of_part(book, current, target))
    scheduler.tick(book)
    if book.now() >= target:
        return False
    clock.stepping_to = target
    return True


def _end_of_part(book: Book, current: datetime, target: datetime) -> datetime:
    """The next time at which a step to `target` has a heartbeat: closed hours are skipped.

    Evaluations take place at their scheduled times, not only at the ends of the parts.
    """
    session = book.session(current)
    if session is None or not session.open <= current < session.close:
        following = book.calendar.next_open(current) or target
    else:
        slot = next_slot(book, current)
        following = current + _STEP if slot is None else min(current + _STEP, slot)
    return max(current, min(following, target))


def shock(book: Book, symbol: str | None, percent: Percent) -> None:
    """Move the price of `symbol`, or all prices if it is None, by a percentage at once.

    Raises `Conflict` when prices are not a random walk.
    """
    if not isinstance(book.feed, RandomWalk):
        raise Conflict("prices can be shocked only in a simulated market")
    book.feed.shock(symbol, percent)
    with book.write() as tx:
        tx.record("market.shock", symbol or "all", {"percent": percent_text(percent)}, "advisor")
    scheduler.advance_market(book, book.now())


def set_tradable(book: Book, symbol: str, tradable: bool) -> None:
    """Make an asset tradable or untradable, as its exchange would. Raises `NotFound` for an unknown symbol."""
    controls = _controls_of(book, symbol)
    controls.set_asset(symbol, book.now(), tradable=tradable)
    _record(book, "market.tradable" if tradable else "market.untradable", symbol)


def halt(book: Book, symbol: str, halted: bool) -> None:
    """Halt or resume trading in an asset. While it is halted, its orders are accepted and do not fill.

    Raises `NotFound` for an unknown symbol.
    """
    controls = _controls_of(book, symbol)
    controls.halt(symbol, halted, book.now())
    _record(book, "market.halt" if halted else "market.unhalt", symbol)


def _controls_of(book: Book, symbol: str) -> SandboxControls:
    if symbol not in book.assets:
        raise NotFound(f"unknown asset {symbol}")
    return sandbox(book)


def _record(book: Book, action: str, symbol: str) -> None:
    with book.write() as tx:
        tx.record(action, symbol, actor="advisor")
        tx.changed()
    sync(book)


def simulated_clock(book: Book) -> SimulatedClock:
    """The book's simulated clock. Raises `Conflict` when the book has another clock."""
    if not isinstance(book.clock, SimulatedClock):
        raise Conflict("the time of this book is not simulated")
    return book.clock
