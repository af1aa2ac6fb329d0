"""Creating and opening a book whose positions, prices and fills come from files (R-70)."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

from rebal_tui.broker.files.broker import FilesBroker
from rebal_tui.domain.errors import Conflict
from rebal_tui.domain.sessions import new_york_day
from rebal_tui.market.clock import RealClock
from rebal_tui.market.protocol import Clock
from rebal_tui.market.sessions import build_sessions
from rebal_tui.services.book import files_settings
from rebal_tui.services.book.book import Book
from rebal_tui.services.book.calendars import calendar_of
from rebal_tui.services.book.guards import with_guards
from rebal_tui.services.book.policy import REVIEW_KEY, stored_policy, with_policy
from rebal_tui.services.book.settings import Mode, Settings
from rebal_tui.services.schedule import jobs as scheduled_jobs
from rebal_tui.services.schedule import scheduler
from rebal_tui.store import book_settings, jobs
from rebal_tui.store import sessions as session_store
from rebal_tui.store.database import Database

FILES = "files"
"""The value of the setting `broker` in a files book."""
_CALENDAR_BEFORE, _CALENDAR_AHEAD = timedelta(days=800), timedelta(days=800)


def is_files(database: Database) -> bool:
    """Whether a book takes its positions from files."""
    return book_settings.get(database, book_settings.BROKER) == FILES


def create_files(database: Database, *, name: str, now: datetime, seed: str, custodian: str = "") -> None:
    """Initialize a new file as an empty files book; its runs wait for review (R-73).

    Raises `Conflict` when the file contains a book.
    """
    if book_settings.get(database, "mode"):
        raise Conflict(f"{database.path} already contains a book")
    today = new_york_day(now)
    with database.write() as tx:
        session_store.save(tx, build_sessions(today - _CALENDAR_BEFORE, today + _CALENDAR_AHEAD))
        values = {
            "mode": Mode.FILES.value, "name": name, "id_seed": seed, book_settings.BROKER: FILES,
            REVIEW_KEY: "1", files_settings.CUSTODIAN: custodian,
        }  # fmt: skip
        for key, value in values.items():
            book_settings.put(tx, key, value)
        jobs.ensure(tx, (scheduler.PAUSE, *scheduled_jobs.JOB_NAMES))


def open_files(
    database: Database, *, backup_folder: Path | None = None, clock: Clock | None = None,
    monotonic: Callable[[], float] | None = None,
) -> Book:  # fmt: skip
    """Open a files book. `clock` is its clock, by default that of the computer; `monotonic` returns elapsed seconds.

    Backups go to `backup_folder`, None for no backups.
    """
    used = clock or RealClock()
    namespace = uuid.uuid5(uuid.NAMESPACE_OID, book_settings.get(database, "id_seed", "book"))
    broker = FilesBroker(database, used.now, lambda name: str(uuid.uuid5(namespace, name)))
    settings = Settings(
        Mode.FILES,
        name=book_settings.get(database, "name", "book"),
        price_max_age=files_settings.max_price_age(calendar_of(database), used.now()),
        slots=partial(files_settings.import_slots, database),
        backup_folder=str(backup_folder) if backup_folder else None,
    )
    settings = with_guards(with_policy(settings, stored_policy(database)), database)
    book = Book(database, broker, used, settings, stopwatch=monotonic)
    if not database.read_only:
        scheduler.start(book)
    return book
