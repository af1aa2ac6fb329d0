"""Heartbeats on their own thread: on time, never two at once, and held on request."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from rebal_tui.domain.errors import Halt
from rebal_tui.services.book.book import Book
from rebal_tui.services.schedule import heartbeat as heartbeats
from rebal_tui.services.schedule.book_thread import BookThread
from rebal_tui.services.schedule.heartbeat_thread import HeartbeatThread
from tests.services.factories import simple_book

INTERVAL = 0.05
"""Seconds between heartbeats, which is less than in the program so that less is waited for."""


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heartbeats, "INTERVAL_SECONDS", INTERVAL)


@contextmanager
def beating(tick: Callable[[Book], bool]) -> Iterator[HeartbeatThread]:
    thread = BookThread(simple_book)
    heartbeat = HeartbeatThread(thread, tick)
    heartbeat.start()
    try:
        yield heartbeat
    finally:
        heartbeat.stop()
        thread.close()


def wait_for(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


@pytest.mark.slow
def test_heartbeats_run_by_themselves_and_never_twice_at_once() -> None:
    running = most = 0

    def tick(_book: Book) -> bool:
        nonlocal running, most
        running += 1
        most = max(most, running)
        time.sleep(2 * INTERVAL)
        running -= 1
        return False

    with beating(tick) as heartbeat:
        wait_for(lambda: heartbeat.completed >= 3)
    assert most == 1


@pytest.mark.slow
def test_no_heartbeat_begins_while_they_are_held() -> None:
    with beating(lambda _book: False) as heartbeat:
        wait_for(lambda: heartbeat.completed > 0)
        heartbeat.held += 1
        time.sleep(0.2)
        before = heartbeat.completed
        time.sleep(4 * INTERVAL)
        assert heartbeat.completed == before
        heartbeat.held -= 1
        wait_for(lambda: heartbeat.completed > before)


@pytest.mark.slow
def test_an_error_that_recurs_is_logged_once_until_a_heartbeat_succeeds(caplog: pytest.LogCaptureFixture) -> None:
    beats = 0

    def tick(_book: Book) -> bool:
        nonlocal beats
        beats += 1
        if beats < 4:
            raise OSError("no folder")
        return False

    with caplog.at_level(logging.ERROR), beating(tick) as heartbeat:
        wait_for(lambda: heartbeat.trouble == "OSError: no folder")
        wait_for(lambda: heartbeat.completed > 0)
        assert heartbeat.trouble == ""
    ours = [record for record in caplog.records if record.name.endswith("heartbeat_thread")]
    assert [record.getMessage() for record in ours] == ["heartbeat: OSError: no folder"]
    assert ours[0].exc_info is not None


@pytest.mark.slow
def test_the_log_has_one_line_when_writing_stops_and_one_when_it_resumes(caplog: pytest.LogCaptureFixture) -> None:
    stopped = False

    def tick(book: Book) -> bool:
        if stopped:
            raise book.database.halt(Halt.DISK_FULL, "less than 16 MB free")
        book.database.halted = None
        return False

    with caplog.at_level(logging.WARNING), beating(tick) as heartbeat:
        wait_for(lambda: heartbeat.completed > 0)
        stopped = True
        wait_for(lambda: len(caplog.messages) > 0)
        time.sleep(4 * INTERVAL)
        stopped = False
        wait_for(lambda: len(caplog.messages) > 1)
    first, second = caplog.messages
    assert first.endswith("the disk is full; writing has stopped, and all saved data is intact (less than 16 MB free)")
    assert second == "the book is written again"
