"""Makes the history of the demonstration book: `python -m tests.demo_history` writes the data file of the package.

The engine, the scheduler and the simulated broker run the sessions; evaluations are once an hour to
keep the file small. It takes about a minute.
"""

from __future__ import annotations

import lzma
import tempfile
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

from rebal_tui import bootstrap
from rebal_tui.domain.quantities import Percent
from rebal_tui.domain.sessions import new_york_day
from rebal_tui.domain.trade_status import StatusKind
from rebal_tui.market.clock import ClockState, SimulatedClock
from rebal_tui.market.walk import RandomWalk
from rebal_tui.services.advisory import subscriptions
from rebal_tui.services.book.book import Book
from rebal_tui.services.book.market_state import store_clock, store_walk
from rebal_tui.services.book.policy import apply_policy, policy_of
from rebal_tui.services.queries import log
from rebal_tui.services.queries.desk import desk_snapshot
from rebal_tui.services.schedule import scheduler
from rebal_tui.services.simulation.demonstration import corporate_actions, history, script, setup
from rebal_tui.store import book_settings, jobs
from rebal_tui.store.codec import to_time
from rebal_tui.store.database import MEMORY

TARGET = Path(history.__file__).with_name(history.FILE)
STEP = timedelta(minutes=5)
HOURLY, USUAL = 60, 15
"""Minutes between evaluations in the history, and in the demonstration."""
ACTION_SESSIONS = (20, 40)
"""The sessions of the history on which the dividend and the split take effect."""
ALERT_AGE = timedelta(days=3)
"""Alerts older than this are acknowledged each morning, as an advisor would."""
LEAVERS = 4
"""Accounts whose subscriptions end on the last day, so that there are some to subscribe."""
WEEKEND = (("QQQ", Percent(-700)), ("XLE", Percent(600)))
"""Price changes of the last weekend, in hundredths of a percent, so that some accounts are outside their bands."""


def make_history(path: Path, sessions: int = history.SESSIONS, end: datetime = setup.DEFAULT_START) -> None:
    """Write a demonstration book with `sessions` sessions of history before `end` to a new file."""
    start = _start(end, sessions)
    bootstrap.create_demo(path, start=start, paused=True).close()
    database = bootstrap.open_database(path)
    book = bootstrap.open_simulation(database)
    apply_policy(book, replace(policy_of(book), evaluate_minutes=HOURLY))
    with book.write() as tx:
        # The suspension and the corporate actions of the script come after the demonstration has begun, not before.
        book_settings.put(tx, script.STARTED_AT, str(to_time(start - timedelta(days=30))))
    _live(book, end, sessions)
    apply_policy(book, replace(policy_of(book), evaluate_minutes=USUAL))
    calm = [row.account_id for row in desk_snapshot(book).rows if row.status is StatusKind.IN_RANGE]
    subscriptions.unsubscribe_many(book, calm[:LEAVERS])
    with book.write() as tx:
        script.mark(tx, history.SEED, history.ACCOUNTS)
        if isinstance(book.feed, RandomWalk):
            for symbol, percent in WEEKEND:
                book.feed.shock(symbol, percent)
            store_walk(tx, book.feed.state())
        store_clock(tx, ClockState(end, bootstrap.DEFAULT_SPEED, paused=False))
    database.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    database.connection.execute("VACUUM")
    database.close()


def packed(path: Path) -> bytes:
    """The content of the data file for a book's file."""
    return lzma.compress(path.read_bytes(), preset=9 | lzma.PRESET_EXTREME)


def _start(end: datetime, sessions: int) -> datetime:
    """One minute after the open of the session that is `sessions` before the one of `end`."""
    database = bootstrap.create_demo(MEMORY, accounts=1, start=end - timedelta(days=2 * sessions))
    calendar = bootstrap.open_simulation(database).calendar
    days = [day for day in calendar.days(calendar.known_from, new_york_day(end)) if calendar.session(day)]
    session = calendar.session(days[-1 - sessions])
    database.close()
    assert session is not None
    return session.open + timedelta(minutes=1)


def _live(book: Book, end: datetime, sessions: int) -> None:
    clock = book.clock
    assert isinstance(clock, SimulatedClock)
    days: list[object] = []
    actions = dict(zip(ACTION_SESSIONS, range(len(ACTION_SESSIONS)), strict=True))
    while clock.now() < end:
        following = clock.now() + STEP
        clock.jump(min(book.calendar.demo_skip(following) or following, end))
        scheduler.tick(book)
        today = new_york_day(clock.now())
        if today in days or book.calendar.at(clock.now()) is None:
            continue
        days.append(today)
        if len(days) in actions and len(days) <= sessions:
            corporate_actions.act(book, actions[len(days)])
        old = [alert.key for alert in jobs.open_alerts(book.database) if clock.now() - alert.at > ALERT_AGE]
        if old:
            log.acknowledge_all(book, old)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "history.db"
        make_history(path)
        TARGET.write_bytes(packed(path))
    print(f"wrote {TARGET} ({TARGET.stat().st_size:,} bytes)")


if __name__ == "__main__":
    main()
