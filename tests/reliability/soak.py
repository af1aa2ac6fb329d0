"""A demonstration at high speed for a while, headless, with the screens open, or one after the other.

`python -m tests.reliability.soak --headless 60 --screens 15`, in minutes, prints memory, objects, log size, files and
threads each minute. It fails when memory grows by more than 5 % after the first fifth, when the log exceeds 16 MB, when
files or threads become more, when a job failed, or on an exception.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import os
import random
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from rebal_tui import bootstrap, opening
from rebal_tui.services.book.book import Book
from rebal_tui.services.maintenance.check import check_book
from rebal_tui.services.schedule import scheduler
from rebal_tui.services.schedule.book_thread import BookThread
from rebal_tui.tui.app import RebalApp
from rebal_tui.tui.book_backend import BookBackend

SPEED = 60_000.0
HEARTBEAT_SECONDS = 0.25
KEYS = (
    "1", "2", "3", "4", "5", "6", "7", "8", "9", "down", "down", "up", "tab", "escape", "pagedown", "home", "enter",
    "s", "question_mark", "escape",
)  # fmt: skip
LOG_MAX_BYTES = 16 * 1024 * 1024
MEMORY_MAX_GROWTH = 0.05
PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True)
class ProcessStats:
    """Resource usage of a process; sizes in bytes."""

    second: float
    memory: int
    objects: int
    log: int
    file: int
    files: int
    threads: int

    def __str__(self) -> str:
        mega = 1024 * 1024
        return (
            f"{self.second:5.0f} s: {self.memory / mega:6.1f} MB of memory, {self.objects:,} objects, "
            f"log {self.log / mega:5.2f} MB, file {self.file / mega:6.1f} MB, "
            f"{self.files} files open, {self.threads} threads"
        )


def process_stats(path: Path, started_at: float) -> ProcessStats:
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    log = path.with_name(path.name + "-wal")
    size = log.stat().st_size if log.exists() else 0
    files = len(os.listdir("/proc/self/fd"))
    return ProcessStats(
        second=time.monotonic() - started_at,
        memory=pages * PAGE,
        objects=len(gc.get_objects()),
        log=size,
        file=path.stat().st_size,
        files=files,
        threads=threading.active_count(),
    )


class StatsMonitor:
    """Samples and prints process statistics at an interval."""

    def __init__(self, path: Path, every: float) -> None:
        self._path, self._every, self._started_at = path, every, time.monotonic()
        self._next = self._started_at
        self.samples: list[ProcessStats] = []

    def sample(self) -> None:
        if time.monotonic() >= self._next:
            self._next += self._every
            self.samples.append(process_stats(self._path, self._started_at))
            print(self.samples[-1], flush=True)

    def faults(self) -> list[str]:
        """Violated limits; growth is measured after the warm-up."""
        found = []
        warm = self.samples[len(self.samples) // 5 :]
        first, last = warm[0].memory, warm[-1].memory
        if last > first * (1 + MEMORY_MAX_GROWTH):
            found.append(f"memory grew from {first:,} to {last:,} bytes")
        if max(one.log for one in self.samples) > LOG_MAX_BYTES:
            found.append(f"the log reached {max(one.log for one in self.samples):,} bytes")
        if warm[-1].files > warm[0].files + 2 or warm[-1].threads > warm[0].threads + 1:
            found.append(f"from {warm[0].files} files and {warm[0].threads} threads to {warm[-1]}")
        return found


def headless(path: Path, seconds: float, monitor: StatsMonitor) -> None:
    """Run heartbeats as the program does, without screens."""
    book = opening.open_book(path)
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        scheduler.tick(book)
        monitor.sample()
        time.sleep(HEARTBEAT_SECONDS)
    _check_book(book)
    book.database.close()


def with_screens(path: Path, seconds: float, monitor: StatsMonitor) -> None:
    """Run the app over the same book while a user walks through its screens."""
    thread = BookThread(lambda: opening.open_book(path))
    app = RebalApp(BookBackend(thread), heartbeat=False)
    dice = random.Random(1)

    async def walk() -> None:
        until = time.monotonic() + seconds
        async with app.run_test(size=(120, 40)) as pilot:
            while time.monotonic() < until:
                await app.run_heartbeat()
                await pilot.press(dice.choice(KEYS))
                monitor.sample()
                await asyncio.sleep(HEARTBEAT_SECONDS)
            await app.workers.wait_for_complete()

    try:
        asyncio.run(walk())
    finally:
        thread.close()


def _check_book(book: Book) -> None:
    checked = check_book(book.database, book.broker)  # type: ignore[arg-type]
    if checked.faults:
        raise AssertionError(checked.faults[:3])
    if failed := book.database.rows("SELECT text FROM alerts WHERE kind = 'job'"):
        raise AssertionError(failed[:3])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--headless", type=float, default=5, help="minutes without screens")
    parser.add_argument("--screens", type=float, default=5, help="minutes with the screens open")
    parser.add_argument("--accounts", type=int, default=60)
    parser.add_argument("--every", type=float, default=60, help="seconds between figures")
    options = parser.parse_args()
    faults: list[str] = []
    with tempfile.TemporaryDirectory(prefix="rebal-soak-") as folder:
        path = Path(folder) / "book.db"
        bootstrap.create_demo(path, accounts=options.accounts, speed=SPEED).close()
        for name, part, minutes in (
            ("headless", headless, options.headless),
            ("with screens", with_screens, options.screens),
        ):
            if not minutes:
                continue
            print(f"{name}:")
            monitor = StatsMonitor(path, options.every)
            part(path, minutes * 60, monitor)
            faults += [f"{name}: {text}" for text in monitor.faults()]
        book = opening.open_book(path)
        counts = check_book(book.database, book.broker).counts  # type: ignore[arg-type]
        print(f"at {book.now():%Y-%m-%d}: {counts['runs']} runs, {counts['orders']} orders, {counts['fills']} fills")
        _check_book(book)
        book.database.close()
    print("\n".join(faults) or "memory flat, log bounded, no exception")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
