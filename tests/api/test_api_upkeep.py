"""Last use of keys and failed log-ins are stored at most once a minute."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TypeVar

import pytest

from rebal_tui.api.failed_logins import ALERT_FAILURES, FailedLogins
from rebal_tui.api.upkeep import INTERVAL_SECONDS, Upkeep
from rebal_tui.domain.errors import Halt, ReadOnly
from rebal_tui.services.book.book import Book
from rebal_tui.services.wire.keyring import Keyring
from rebal_tui.services.wire.keys import NewKey, add_key, good_keys
from rebal_tui.store import api_keys, jobs
from tests.services.factories import simple_book

T = TypeVar("T")
AT = datetime(2026, 3, 2, 15, tzinfo=UTC)


class Client:
    """Access to a book on this thread, which counts the requests."""

    def __init__(self, book: Book) -> None:
        self.book = book
        self.asked = 0
        self.fault: Exception | None = None

    async def ask(self, work: Callable[[Book], T]) -> T:
        self.asked += 1
        if self.fault is not None:
            raise self.fault
        return work(self.book)


def test_a_flood_of_requests_is_no_flood_of_writes(caplog: pytest.LogCaptureFixture) -> None:
    book = simple_book()
    add_key(book.database, "desk", NewKey("K", "S", bytes(16)), AT)
    keyring, failed, client, seconds = Keyring(good_keys(book.database, AT)), FailedLogins(), Client(book), 100.0
    upkeep = Upkeep(client, keyring, failed, lambda: seconds)
    caplog.set_level(logging.WARNING)
    for _ in range(500):
        assert keyring.find("K", "S", AT) is not None
        assert keyring.find("K", "wrong", AT) is None
        failed.note("10.0.0.9", "desk")
        asyncio.run(upkeep.run_if_due())
    (first,) = [record.getMessage() for record in caplog.records]
    assert (client.asked, first) == (1, "failed log-ins of the API: 1 from 10.0.0.9; with the id of desk")
    assert [key.used_at for key in api_keys.load(book.database)] == [AT]
    assert jobs.open_alerts(book.database) == []
    seconds += INTERVAL_SECONDS
    asyncio.run(upkeep.run_if_due())
    (alert,) = jobs.open_alerts(book.database)
    assert alert.text == "failed log-ins of the API: 499 from 10.0.0.9; with the id of desk"
    assert (len(caplog.records), client.asked) == (2, 2)
    assert ALERT_FAILURES < 499


def test_what_cannot_be_written_is_kept_and_no_fault() -> None:
    book = simple_book()
    add_key(book.database, "desk", NewKey("K", "S", bytes(16)), AT)
    keyring, failed, client, seconds = Keyring(good_keys(book.database, AT)), FailedLogins(), Client(book), 100.0
    upkeep = Upkeep(client, keyring, failed, lambda: seconds)
    assert keyring.find("K", "S", AT) is not None
    for _ in range(ALERT_FAILURES):
        failed.note("10.0.0.9", "")
    locked = sqlite3.OperationalError("database is locked")
    for fault in (ReadOnly(Halt.DISK_FULL, "the disk is full"), locked):
        client.fault = fault
        asyncio.run(upkeep.run_if_due())
        seconds += INTERVAL_SECONDS
    assert [key.used_at for key in api_keys.load(book.database)] == [None]
    client.fault = None
    assert keyring.find("K", "S", AT + timedelta(minutes=1)) is not None
    asyncio.run(upkeep.run_if_due())
    assert [key.used_at for key in api_keys.load(book.database)] == [AT + timedelta(minutes=1)]
    assert [alert.text for alert in jobs.open_alerts(book.database)] == ["failed log-ins of the API: 30 from 10.0.0.9"]
