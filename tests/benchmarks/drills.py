"""Recovery times: `python -m tests.benchmarks.drills [ACCOUNTS]`.

A program killed with a thousand orders open at the broker, a restore from backup, opening and checking a book of
ACCOUNTS (100,000), and verifying a long audit trail. In elapsed time, which includes other work on the machine, and in
processor time. Nothing fails because of a time.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

from rebal_tui import bootstrap, opening, paths
from rebal_tui.market.clock import HeartbeatClock
from rebal_tui.services.book.book import Book
from rebal_tui.services.maintenance.check import check_book
from rebal_tui.services.schedule import scheduler
from rebal_tui.store import audit
from rebal_tui.store.database import Database
from tests.benchmarks.whole_day import crash
from tests.cli.books import call
from tests.store.books import new_file, with_trail

T = TypeVar("T")
ACCOUNTS = 100_000
MIN_OPEN_ORDERS = 1_000
BUSY_ACCOUNTS = 1_200
TRADED_ACCOUNTS = 10_500
"""The number of accounts whose day of rebalances makes a file larger than 100 MB."""
ENTRIES = 100_000
MAX_HEARTBEATS = 400


def timed(what: str, work: Callable[[], T], goal: float | None = None) -> T:
    used, started_at = processor(), time.perf_counter()
    result = work()
    times = f"{time.perf_counter() - started_at:>8.2f} s{processor() - used:>9.2f} s of processor"
    print(f"{what:<72}{times}{f'   goal {goal:g} s' if goal else ''}", flush=True)
    return result


def processor() -> float:
    """Processor seconds of this process and of the child processes it has waited for."""
    return sum(os.times()[:4])


def report(what: str) -> None:
    print(f"  {what}", flush=True)


def opened(path: Path) -> Book:
    """Open the book as the program does, with its clock paused."""
    book = opening.open_book(path)
    assert isinstance(book.clock, HeartbeatClock)
    book.clock.pause()
    book.clock.tick()
    return book


def tick(book: Book, seconds: int) -> None:
    assert isinstance(book.clock, HeartbeatClock)
    book.clock.jump(book.now() + timedelta(seconds=seconds))
    while scheduler.tick(book):
        pass


def open_orders(database: Database) -> int:
    row = database.row("SELECT count(*) FROM sim_orders WHERE open = 1")
    return int(row[0]) if row else 0


def run_to_end(book: Book) -> int:
    """Run heartbeats until no run and no order is open; returns their number."""
    for number in range(MAX_HEARTBEATS):
        if number and not book.open_runs and not open_orders(book.database):
            return number
        tick(book, 60)
    raise AssertionError(f"{len(book.open_runs)} runs are open after {MAX_HEARTBEATS} minutes")


def checked_counts(path: Path) -> str:
    """The counts that `check` reports; it must find no faults."""
    database = bootstrap.open_database(path, read_only=True)
    try:
        found = check_book(database, bootstrap.read_only_broker(database))
    finally:
        database.close()
    assert found.faults == (), found.faults[:5]
    assert found.behind == 0
    wanted = ("accounts", "runs", "orders", "fills", "decisions", "audit")
    return ", ".join(f"{found.counts[table]:,} {table}" for table in wanted)


def busy(path: Path, pipe: int) -> None:
    """Work in a process until it is killed."""
    with paths.exclusive_lock(path):
        book = opened(path)
        tick(book, 60)
        assert open_orders(book.database) >= MIN_OPEN_ORDERS, open_orders(book.database)
        os.write(pipe, b"!")
        while True:
            tick(book, 2)


def killed(path: Path) -> None:
    """Run the program in a process and kill it once a thousand orders are open."""
    ready, ready_writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            busy(path, ready_writer)
        finally:
            os._exit(1)
    os.close(ready_writer)
    assert os.read(ready, 1), "the program at work ended by itself"
    os.close(ready)
    time.sleep(0.3)
    os.kill(child, signal.SIGKILL)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL


REOPEN = """
import sys, time
from pathlib import Path
from rebal_tui import opening, paths
path = Path(sys.argv[1])
with paths.exclusive_lock(path):
    began = time.perf_counter()
    book = opening.open_book(path)
    print(time.perf_counter() - began, not book.holds)
    book.close()
"""


def kill(folder: Path) -> None:
    path = folder / "killed.db"
    bootstrap.create_demo(path, accounts=BUSY_ACCOUNTS).close()
    crash(path)
    killed(path)
    killed_book = Database(path, read_only=True)
    report(f"killed with {open_orders(killed_book):,} orders open at the broker, {path.stat().st_size / 1e6:.0f} MB")
    killed_book.close()
    again = timed(
        "killed: from the command to a book opened and reconciled",
        lambda: subprocess.run(
            [sys.executable, "-c", REOPEN, str(path)], capture_output=True, text=True, check=True
        ).stdout.split(),
        5,
    )
    report(f"of it opening and reconciling {float(again[0]):.2f} s; no account paused: {again[1]}")
    report(f"check finds nothing in {checked_counts(path)}")
    book = opened(path)
    minutes = run_to_end(book)
    book.close()
    report(f"{minutes} minutes later no run and no order is open; check finds nothing in {checked_counts(path)}")


def restored(path: Path, what: str) -> None:
    """Back up a book and restore the backup over it with the program's own commands."""
    copy = path.with_name(f"copy-of-{path.name}")
    report(f"{path.stat().st_size / 1e6:.0f} MB, {what}")

    def run(*arguments: str | Path) -> None:
        outcome = call(*arguments, "--db", path)
        assert outcome.code == 0, outcome.err

    timed("backup, verified", lambda: run("backup", copy))
    timed("restore, verified", lambda: run("restore", copy), 30)
    copy.unlink()


def traded_book(folder: Path) -> Path:
    """A book in which every account was rebalanced and every order has ended."""
    path = folder / "lived.db"
    bootstrap.create_demo(path, accounts=TRADED_ACCOUNTS).close()
    crash(path)
    book = opened(path)
    run_to_end(book)
    book.close()
    return path


def trail() -> None:
    database = with_trail(new_file(), ENTRIES)
    anchor = audit.head(database)
    found = timed(
        f"audit trail of {ENTRIES:,} entries verified to an anchor", lambda: audit.verify(database, anchor), 1
    )
    assert found == [], found
    database.close()


def main() -> None:
    accounts = int(sys.argv[1]) if len(sys.argv) > 1 else ACCOUNTS
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        kill(folder)
        trail()
        path = traded_book(folder)
        restored(path, timed("check of a book that lived", lambda: checked_counts(path)))
        path = folder / "large.db"
        bootstrap.create_demo(path, accounts=accounts).close()
        timed(f"opening of {accounts:,} demonstration accounts, compared with the broker", lambda: opened(path)).close()
        restored(path, timed(f"check of {accounts:,} demonstration accounts", lambda: checked_counts(path)))


if __name__ == "__main__":
    main()
