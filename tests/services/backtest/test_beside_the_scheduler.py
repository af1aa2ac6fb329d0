"""Heartbeats of a book while the lab computes on another thread."""

from __future__ import annotations

import os
import threading
import time
from dataclasses import replace
from itertools import pairwise

import pytest

from rebal_tui.services.backtest import comparison
from rebal_tui.services.backtest.histories import SAMPLE_PORTFOLIO, sample_source
from rebal_tui.services.backtest.subjects import policy_of
from rebal_tui.services.book.book import Book
from rebal_tui.services.schedule import scheduler
from rebal_tui.services.schedule.book_thread import BookThread
from rebal_tui.services.schedule.heartbeat import INTERVAL_SECONDS
from rebal_tui.services.schedule.heartbeat_thread import HeartbeatThread
from tests.services.factories import account, balanced, fill_book, make_book, new_york

pytestmark = pytest.mark.slow

ACCOUNTS = int(os.environ.get("LAB_HEARTBEAT", "100"))
LONG = ACCOUNTS >= 10_000
HISTORIES, SESSIONS = (1_000, 10_000) if LONG else (20, 800)


def beating_book() -> Book:
    book = make_book("2026-03-02 10:01")
    names = [f"c{number}" for number in range(ACCOUNTS)]
    held = [account(name, "5000", {"SPY": "150", "TLT": "350"}) for name in names]
    fill_book(
        book, held, [balanced()], dict.fromkeys(names, "balanced"), dict.fromkeys(names, new_york("2026-02-02 10:00"))
    )
    scheduler.tick(book)
    return book


def test_no_heartbeat_is_missed_while_the_lab_computes() -> None:
    """`LAB_HEARTBEAT=10000` has as many accounts, and 1,000 resampled histories."""
    beats: list[float] = []
    sample = sample_source()
    source = replace(sample, history=sample.history.part(0, SESSIONS))
    subject = comparison.Subject("x", SAMPLE_PORTFOLIO.weights, policy_of(SAMPLE_PORTFOLIO), source)

    def tick(book: Book) -> bool:
        beats.append(time.monotonic())
        return scheduler.tick(book, 0.2)

    thread = BookThread(beating_book)
    heartbeat = HeartbeatThread(thread, tick)
    heartbeat.start()
    end = time.monotonic() + 120
    while len(beats) < 4 and time.monotonic() < end:
        time.sleep(0.05)
    began = time.monotonic()
    work = threading.Thread(target=lambda: comparison.with_luck(comparison.compare(subject), HISTORIES))
    work.start()
    work.join()
    took = time.monotonic() - began
    heartbeat.stop()
    thread.close()
    during = [beat for beat in beats if beat >= began]
    gaps = [later - earlier for earlier, later in pairwise(during)]
    print(f"{ACCOUNTS:,} accounts: {took:.1f} s, longest pause {max(gaps, default=0):.2f} s")
    assert max(gaps, default=took) < max(4 * INTERVAL_SECONDS, 1.0)
