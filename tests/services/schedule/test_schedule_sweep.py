"""Every NYSE session of many years through the real scheduler: each due slot once, none outside its window (R-10).

Each year is a book of one account whose clock is moved around its sessions and the days between them. `SWEEP_YEARS`
selects other years (`2006-2027`), `SWEEP_WALKS` the number of walks with downtimes per year.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from random import Random

import pytest

from rebal_tui.domain.sessions import NEW_YORK, Session
from rebal_tui.market.clock import FixedClock
from rebal_tui.market.sessions import build_sessions
from rebal_tui.services.book.book import Book
from rebal_tui.services.book.policy import slots_for
from rebal_tui.services.book.policy_options import BookPolicy
from rebal_tui.services.book.settings import window_end_only
from rebal_tui.services.schedule import scheduler
from rebal_tui.store import audit
from rebal_tui.store import sessions as session_store
from rebal_tui.store.codec import from_time
from tests.services.factories import account, balanced, fill_book, make_book

pytestmark = pytest.mark.slow

FIRST, LAST = (int(year) for year in os.environ.get("SWEEP_YEARS", "2020-2027").split("-"))
WALKS = int(os.environ.get("SWEEP_WALKS", "1"))
years = pytest.mark.parametrize("year", range(FIRST, LAST + 1))
SECOND = timedelta(seconds=1)
EVERYTHING = 1_000_000


@dataclass(frozen=True)
class Year:
    """A book at the beginning of a year, with the sessions and days of the year computed independently."""

    book: Book
    sessions: dict[date, Session]
    days: list[date]

    def advance_to(self, at: datetime) -> None:
        clock = self.book.clock
        assert isinstance(clock, FixedClock)
        clock.set(at)

    def tick_at(self, at: datetime) -> None:
        self.advance_to(at)
        scheduler.tick(self.book)

    def evaluations(self) -> list[tuple[date, datetime, datetime]]:
        """Every evaluation as (session, slot, time); the audit trail has exactly one entry for each."""
        logged = self._audited("evaluation")
        found = []
        for session, slot, at in self.book.database.rows("SELECT session, slot, at FROM evaluations ORDER BY at, slot"):
            found.append((date.fromisoformat(session), from_time(slot), from_time(at)))
        assert [entry.at for entry in logged] == [at for _, _, at in found]
        assert [datetime.fromisoformat(entry.subject) for entry in logged] == [slot for _, slot, _ in found]
        return found

    def reported_missed(self) -> list[date]:
        """The sessions reported as missed, in order of the reports."""
        entries = self._audited("scheduler.missed")
        return [date.fromisoformat(day) for entry in entries for day in json.loads(entry.detail)["sessions"]]

    def _audited(self, action: str) -> list[audit.AuditEntry]:
        newest_first = audit.entries(self.book.database, EVERYTHING, action)
        return [entry for entry in reversed(newest_first) if entry.action == action]


def year_of(year: int, slots: Callable[[Session], list[datetime]]) -> Year:
    """All sessions of the year are known from its start; jobs that the sweep does not check are paused."""
    book = make_book(datetime(year, 1, 1, 0, 1, tzinfo=NEW_YORK))
    known = build_sessions(date(year - 1, 12, 1), date(year + 1, 2, 15))
    with book.database.write() as tx:
        session_store.save(tx, known)
    book.reload()
    fill_book(book, [account("a", "9")], [balanced()], {"a": "balanced"})
    book.settings = replace(book.settings, slots=slots)
    for name in ("sessions", "settlement", "prices", "backup"):
        scheduler.pause(book, name)
    days = [date(year, 1, 1) + timedelta(days=n) for n in range(366)]
    return Year(book, {s.day: s for s in known if s.day.year == year}, [day for day in days if day.year == year])


@years
@pytest.mark.samples(3)
def test_one_evaluation_a_session_at_the_end_of_its_window_and_none_on_other_days(year: int) -> None:
    """Ticks before, twice at, and after each window's end, on half-days and through both clock changes."""
    rng = Random(f"sweep {year}")
    swept = year_of(year, window_end_only)
    for day in swept.days:
        midnight = datetime.combine(day, time(0), NEW_YORK)
        session = swept.sessions.get(day)
        if session is None:
            swept.tick_at(midnight + timedelta(minutes=rng.randrange(9 * 60, 16 * 60)))
            continue
        timestamps = [session.open - SECOND, session.window_end - SECOND, session.window_end, session.window_end]
        for at in [*timestamps, session.window_end + SECOND, session.close]:
            swept.tick_at(at)
    found = swept.evaluations()
    assert [day for day, _, _ in found] == list(swept.sessions)
    assert len(found) > 249
    for day, slot, at in found:
        local = at.astimezone(NEW_YORK)
        assert (slot, local.date()) == (at, day)
        assert local.time() == (time(12, 30) if swept.sessions[day].half_day else time(15, 30))
    assert swept.reported_missed() == []
    counted = swept.book.database.rows("SELECT count(*), count(DISTINCT session) FROM evaluations")
    assert counted == [(len(swept.sessions), len(swept.sessions))]


HALF_HOURS = slots_for(BookPolicy(evaluate_minutes=30))
NAMED = slots_for(BookPolicy(evaluate_at=(time(9, 30), time(11, 5), time(12, 30), time(15, 30), time(15, 31))))


@pytest.mark.parametrize("walk", range(WALKS))
@years
def test_downtimes_of_up_to_two_weeks_lose_no_session_silently_and_repeat_none(year: int, walk: int) -> None:
    """Random times and restarts: the latest due slot is evaluated once, every fully missed session is reported once."""
    rng = Random(f"downtime {year} {walk}")
    slots = rng.choice([HALF_HOURS, NAMED])
    swept = year_of(year, slots)
    expected: dict[tuple[date, datetime], datetime] = {}
    at = datetime(year, 1, 2, 12, tzinfo=NEW_YORK)
    while at.year == year:
        swept.advance_to(at)
        if rng.random() < 0.3:
            swept.book.reload()
            scheduler.start(swept.book)
        for _ in range(rng.choice([1, 1, 2])):
            scheduler.tick(swept.book)
        session = swept.sessions.get(at.date())
        due = [s for s in slots(session) if s <= at] if session and session.open <= at <= session.window_end else []
        if session and due:
            expected.setdefault((session.day, due[-1]), at)
        at = next_visit(rng, swept, at)
    assert [(day, slot, at) for (day, slot), at in expected.items()] == swept.evaluations()
    visited = {day for day, _ in expected}
    swept.advance_to(datetime(year, 12, 31, 23, 59, tzinfo=NEW_YORK))
    scheduler.start(swept.book)
    assert swept.reported_missed() == [day for day in swept.sessions if day > min(visited) and day not in visited]


def next_visit(rng: Random, swept: Year, at: datetime) -> datetime:
    """Some minutes later, or after a downtime of up to 14 days at a random time or at the edge of a window."""
    if rng.random() < 0.5:
        return at + timedelta(minutes=rng.choice([1, 15, 30, 45, 120]))
    back = (at + timedelta(days=rng.randrange(15), minutes=1)).astimezone(NEW_YORK)
    session = swept.sessions.get(back.date())
    edges = [session.open, session.window_end, session.window_end + SECOND, session.open - SECOND] if session else []
    later = [edge.astimezone(NEW_YORK) for edge in edges if edge > at]
    return rng.choice(later) if later and rng.random() < 0.5 else back
