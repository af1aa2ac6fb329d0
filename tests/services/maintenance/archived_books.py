"""A book with two past years and a current one, and its archive."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from rebal_tui import bootstrap
from rebal_tui.domain.quantities import Money, parse_money
from rebal_tui.domain.sessions import NEW_YORK
from rebal_tui.market.clock import HeartbeatClock
from rebal_tui.services.advisory import cash
from rebal_tui.services.book.book import Book
from rebal_tui.services.importing.book_import import import_book
from rebal_tui.services.maintenance.archiving import archive
from rebal_tui.services.parsing.book_file import parse_book
from rebal_tui.services.schedule import scheduler
from rebal_tui.store import archives
from rebal_tui.store.database import Database
from tests.reliability.scenarios import book_json

DAYS = ("2024-12-30", "2024-12-31", "2025-01-02", "2025-06-02", "2025-12-31", "2026-01-02", "2026-01-05")
"""Sessions that are simulated; each begins with a deposit, which the account's portfolio invests."""


def make_book(path: Path) -> None:
    """Write the book, with runs and decisions in 2024, 2025 and 2026."""
    path.write_bytes(_book_file())


@cache
def _book_file() -> bytes:
    """The book's file, which takes some seconds to simulate: once in a process."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "book.db"
        _live_through(path)
        return path.read_bytes()


def _live_through(path: Path) -> None:
    content = book_json()
    content["as_of"] = f"{DAYS[0]}T09:00:00-05:00"
    database = bootstrap.open_database(path)
    start = datetime.fromisoformat(f"{DAYS[0]} 09:00").replace(tzinfo=NEW_YORK)
    bootstrap.create_simulation(database, start=start, seed="years", paused=True)
    import_book(bootstrap.open_simulation(database), parse_book(json.dumps(content)))
    book = bootstrap.open_simulation(database)
    for day in DAYS:
        _live(book, datetime.fromisoformat(f"{day} 09:30").replace(tzinfo=NEW_YORK))
    database.close()


def _live(book: Book, opening: datetime) -> None:
    clock = book.clock
    assert isinstance(clock, HeartbeatClock)
    for minute in range(0, 70, 7):
        clock.jump(opening + timedelta(minutes=minute))
        scheduler.tick(book)
        if minute == 0:
            cash.deposit(book, "a", Money(parse_money("3000")))


def archive_all(database: Database, path: Path, through: str | None = None) -> Path:
    """Archive up to a year; returns the archive's file."""
    book_path = path.resolve()
    now = datetime(2026, 1, 5, 17, tzinfo=NEW_YORK)
    target = archives.default_path(book_path)
    for _ in archive(database, now, through, target):
        pass
    return target
