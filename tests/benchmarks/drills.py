"""Recovery times: a killed program, opening, checking, backing up and restoring a book, verifying an audit trail.

The program is killed with many orders open at the broker. Elapsed time includes other work on the machine.
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
from tests.benchmarks import report
from tests.benchmarks.report import duration, header, parser, processor_seconds, row
from tests.benchmarks.whole_day import make_all_due
from tests.cli.books import call
from tests.store.books import new_file, with_trail

T = TypeVar("T")
ACCOUNTS = 100_000
BUSY_ACCOUNTS = 1_200
"""The accounts of the killed program: enough for more than a thousand open orders."""
TRADED_ACCOUNTS = 10_500
"""The accounts whose day of rebalances makes a file larger than 100 MB."""
ENTRIES = 100_000
MAX_HEARTBEATS = 400
notes: list[str] = []
"""Notes printed below the table."""


def timed(what: str, work: Callable[[], T], goal: float | None = None) -> T:
    """Run a step and print its times; returns its result."""
    used, started_at = processor_seconds(), time.perf_counter()
    result = work()
    elapsed, processor = time.perf_counter() - started_at, processor_seconds() - used
    row(what, duration(elapsed), duration(processor), f"{goal:g} s" if goal else "")
    return result


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


def busy(path: Path, pipe: int, min_open_orders: int) -> None:
    """Work in a process until it is killed."""
    with paths.exclusive_lock(path):
        book = opened(path)
        tick(book, 60)
        assert open_orders(book.database) >= min_open_orders, open_orders(book.database)
        os.write(pipe, b"!")
        while True:
            tick(book, 2)


def killed(path: Path, min_open_orders: int) -> None:
    """Run the program in a process and kill it once that many orders are open."""
    ready, ready_writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            busy(path, ready_writer, min_open_orders)
        finally:
            os._exit(1)
    os.close(ready_writer)
    assert os.read(ready, 1), "the program ended by itself"
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


def kill(folder: Path, accounts: int) -> None:
    path = folder / "killed.db"
    bootstrap.create_demo(path, accounts=accounts).close()
    make_all_due(path)
    killed(path, accounts * 5 // 6)
    killed_book = Database(path, read_only=True)
    size = f"{path.stat().st_size / 1e6:.0f} MB"
    notes.append(f"Killed with {open_orders(killed_book):,} orders open at the broker; the file has {size}.")
    killed_book.close()
    again = timed(
        "killed: from the command to an open, reconciled book",
        lambda: subprocess.run(
            [sys.executable, "-c", REOPEN, str(path)], capture_output=True, text=True, check=True
        ).stdout.split(),
        5,
    )
    paused = "no account is paused" if again[1] == "True" else "accounts are paused"
    notes.append(f"Opening and reconciling takes {duration(float(again[0]))} of it; {paused}.")
    notes.append(f"`check` then finds no fault in {checked_counts(path)}.")
    book = opened(path)
    minutes = run_to_end(book)
    book.close()
    notes.append(f"After {minutes} minutes no run or order is open; `check` finds no fault in {checked_counts(path)}.")


def restored(path: Path, what: str, counts: str) -> None:
    """Back up a book and restore the backup over it with the program's own commands."""
    copy = path.with_name(f"copy-of-{path.name}")
    size = f"{path.stat().st_size / 1e6:.0f} MB"
    notes.append(f"The {what} has {size}: {counts}.")

    def run(*arguments: str | Path) -> None:
        outcome = call(*arguments, "--db", path)
        assert outcome.code == 0, outcome.err

    timed(f"{what}: backup, verified", lambda: run("backup", copy))
    timed(f"{what}: restore, verified", lambda: run("restore", copy), 30)
    copy.unlink()


def traded_book(folder: Path, accounts: int) -> Path:
    """A book in which every account was rebalanced and every order has ended."""
    path = folder / "traded.db"
    bootstrap.create_demo(path, accounts=accounts).close()
    make_all_due(path)
    book = opened(path)
    timed("traded book: all runs from queued to completed", lambda: run_to_end(book))
    book.close()
    return path


def trail(entries: int) -> None:
    database = with_trail(new_file(), entries)
    anchor = audit.head(database)
    found = timed(
        f"audit trail of {entries:,} entries verified to an anchor", lambda: audit.verify(database, anchor), 1
    )
    assert found == [], found
    database.close()


def main() -> None:
    found = parser("drills", __doc__)
    found.add_argument("--accounts", type=int, default=ACCOUNTS, metavar="N", help="accounts of the large book")
    accounts = found.parse_args().accounts
    header("step", "elapsed", "processor", "goal")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        kill(folder, min(BUSY_ACCOUNTS, accounts))
        trail(min(ENTRIES, accounts))
        path = traded_book(folder, min(TRADED_ACCOUNTS, accounts))
        what = "traded book"
        restored(path, what, timed(f"{what}: check", lambda: checked_counts(path)))
        path = folder / "large.db"
        bootstrap.create_demo(path, accounts=accounts).close()
        what = f"book of {accounts:,} accounts"
        timed(f"{what}: opened, reconciled with the broker", lambda: opened(path)).close()
        restored(path, what, timed(f"{what}: check", lambda: checked_counts(path)))
    report.notes(notes)


if __name__ == "__main__":
    main()
