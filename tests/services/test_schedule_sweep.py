"""Every NYSE session of 22 years through the real scheduler: each due slot once, nothing outside the window (R-10, R-18).

Each year is a book of one account whose clock is moved about its sessions and the days between. `SWEEP_YEARS` names
other years (`2003-2060`), `SWEEP_SEEDS` how many walks with downtimes each year gets.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from itertools import pairwise
from random import Random

import pytest

from rebal_tui.domain.sessions import NEW_YORK, Session
from rebal_tui.market.clock import FixedClock
from rebal_tui.market.sessions import TradingCalendar, build_sessions
from rebal_tui.services import scheduler
from rebal_tui.services.book import Book, window_end_only
from rebal_tui.services.book_rules import slots_by
from rebal_tui.services.rules import BookRules
from rebal_tui.store import audit, jobs
from tests.services.worlds import account, balanced, fill_book, make_book

FIRST, LAST = (int(year) for year in os.environ.get("SWEEP_YEARS", "2006-2027").split("-"))
SEEDS = int(os.environ.get("SWEEP_SEEDS", "1"))
SECOND = timedelta(seconds=1)
years = pytest.mark.parametrize("year", range(FIRST, LAST + 1))


def in_new_york(day: date, at: time) -> datetime:
    return datetime.combine(day, at, NEW_YORK)


def book_of(year: int, slots: Callable[[Session], list[datetime]]) -> Book:
    """A book at the start of a year with all its sessions known; what the sweep does not look at is paused."""
    book = make_book(in_new_york(date(year, 1, 1), time(0, 1)))
    book.calendar = TradingCalendar(build_sessions(date(year - 1, 12, 1), date(year + 1, 2, 15)))
    fill_book(book, [account("a", "9")], [balanced()], {"a": "balanced"})
    book.calendar = TradingCalendar(build_sessions(date(year - 1, 12, 1), date(year + 1, 2, 15)))
    book.settings = replace(book.settings, slots=slots)
    for name in ("sessions", "settlement", "prices", "backup"):
        scheduler.pause(book, name)
    return book


def tick_at(book: Book, at: datetime) -> None:
    clock = book.clock
    assert isinstance(clock, FixedClock)
    clock.set(at)
    scheduler.tick(book)


def evaluated(book: Book) -> list[tuple[date, datetime, datetime]]:
    """Every evaluation as (session, slot, moment), in New York; each is in the audit trail once."""
    found = book.database.rows("SELECT session, slot, at FROM evaluations ORDER BY at")
    entries = [e for e in audit.entries(book.database, 100_000) if e.action == "evaluation"]
    assert len(entries) == len(found)
    return [(date.fromisoformat(s), from_time(slot).astimezone(NEW_YORK), from_time(at).astimezone(NEW_YORK)) for s, slot, at in found]


def said_to_be_missed(book: Book) -> list[str]:
    entries = [e for e in audit.entries(book.database, 100_000) if e.action == "scheduler.missed"]
    return [day for entry in reversed(entries) for day in entry.detail["sessions"]]
