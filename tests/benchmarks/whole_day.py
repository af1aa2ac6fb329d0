"""A day when every account breaches, file to file: `python -m tests.benchmarks.whole_day [ACCOUNTS] [BOOK]`.

Each stage with its time, against raw `executemany` of the same rows into the same tables, and against one account at a
time (a sample, scaled). BOOK is a demonstration's file to start from; it is copied. Nothing here fails.
"""

from __future__ import annotations

import gc
import shutil
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar
from unittest.mock import patch

from rebal_tui import bootstrap
from rebal_tui.domain.runs import Run
from rebal_tui.services import scheduler, starts
from rebal_tui.services.book import Book
from rebal_tui.services.demonstration.founding import DEFAULT_START
from rebal_tui.services.evaluation import evaluate_book, evaluation_pass
from rebal_tui.services.run_processing import STARTING, _start
from rebal_tui.services.whole_book import decide_book

ACCOUNTS = 100_000
SAMPLE = 500
T = TypeVar("T")


def took(what: str, work: Callable[[], T], per: int = 1, of: int = 1) -> tuple[T, float]:
    """A stage, with its seconds of processor time; a sample of `per` is scaled to `of`. The clock's stand beside."""
    gc.collect()
    used, began = time.process_time(), time.perf_counter()
    result = work()
    passed, seconds = (time.perf_counter() - began) * of / per, (time.process_time() - used) * of / per
    print(f"{what:<66}{seconds * 1000:>10,.0f} ms{passed * 1000:>10,.0f} ms by the clock", flush=True)
    return result, seconds


def crash(path: Path) -> None:
    """Make every subscription due for its first rebalance."""
    connection = sqlite3.connect(path)
    connection.execute("UPDATE subscriptions SET last_rebalanced_at = NULL")
    connection.commit()
    connection.close()


def opened(path: Path) -> Book:
    return bootstrap.open_simulation(bootstrap.open_database(path), at=DEFAULT_START)


def rows_of(path: Path) -> dict[str, list[tuple[Any, ...]]]:
    """What the pass wrote, in the order it was written."""
    connection = sqlite3.connect(path)
    tables = {
        name: connection.execute(f"SELECT * FROM {name} ORDER BY 1, 2").fetchall()
        for name in ("parts", "contexts", "decision_kinds", "runs", "decisions")
    }
    connection.close()
    return tables


def raw(path: Path, tables: dict[str, list[tuple[Any, ...]]]) -> None:
    """The same rows into the same tables by `executemany`, in one transaction."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("BEGIN IMMEDIATE")
    for name, rows in tables.items():
        if rows:
            marks = ", ".join("?" * len(rows[0]))
            connection.executemany(f"INSERT OR IGNORE INTO {name} VALUES ({marks})", rows)
    connection.execute("COMMIT")
    connection.close()


def start(book: Book, queued: Sequence[Run]) -> None:
    """Start runs in as many transactions as a heartbeat takes."""
    for at in range(0, len(queued), STARTING):
        book.note_runs(_start(book, queued[at : at + STARTING], False))


_STARTED = "status, phase, cash_target, started_at, updated_at, plan_context, plan_cash, plan_reserved, plan_keep"


def rows_started(path: Path) -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]:
    """What the starts wrote: the new values of runs, and orders."""
    connection = sqlite3.connect(path)
    changed = connection.execute(f"SELECT {_STARTED}, plan_positions, key FROM runs ORDER BY key").fetchall()
    orders = connection.execute("SELECT * FROM orders ORDER BY 1, 2").fetchall()
    connection.close()
    return changed, orders


def raw_starts(path: Path, changed: list[tuple[Any, ...]], orders: list[tuple[Any, ...]]) -> None:
    """The same by `executemany`, in one transaction."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("BEGIN IMMEDIATE")
    settings = ", ".join(f"{name} = ?" for name in _STARTED.split(", "))
    connection.executemany(f"UPDATE runs SET {settings}, plan_positions = ? WHERE key = ?", changed)
    if orders:
        connection.executemany(f"INSERT INTO orders VALUES ({', '.join('?' * len(orders[0]))})", orders)
    connection.execute("COMMIT")
    connection.close()


def day(folder: Path, accounts: int, source: Path | None) -> None:
    path, empty = folder / "book.db", folder / "raw.db"
    if source is None:
        bootstrap.found_demo(path, accounts=accounts).close()
    else:
        shutil.copy(source, path)
    crash(path)
    shutil.copy(path, empty)
    before = path.stat().st_size
    book, loading = took("opening: every account, position and subscription read", lambda: opened(path))
    count = len(book.subscriptions)
    scheduler.advance_market(book, book.now())
    _, deciding = took("deciding every subscription in arrays", lambda: decide_book(book))
    made, keeping = took(
        "the pass: decided again, decisions and runs kept, audited", lambda: evaluation_pass(book, explain=False)
    )
    keeping = max(keeping - deciding, 0.0)
    sample = list(book.subscriptions)[:SAMPLE]
    _, naive = took(
        "  one account at a time, with traces (sample)", lambda: evaluate_book(book, sample), len(sample), count
    )
    tables = rows_of(path)
    _, plain = took("  raw executemany of the rows of the pass", lambda: raw(empty, tables))
    alone, together = made.runs[:SAMPLE], made.runs[SAMPLE:]
    with patch.object(starts, "AT_ONCE", len(made.runs) + 1):
        _, exactly = took("  runs started, planned one by one (sample)", lambda: start(book, alone), SAMPLE, count)
    _, starting = took("runs started: plans, orders of sells, audited", lambda: start(book, together))
    book.database.close()
    started = rows_started(path)
    _, plainly = took("  raw executemany of the rows of the starts", lambda: raw_starts(empty, *started))
    grown = path.stat().st_size - before
    print(f"\n{count:,} subscriptions, {len(made.runs):,} runs")
    print(f"the file grew from {before / 1e6:.0f} MB by {grown / 1e6:.0f} MB")
    print(f"keeping decisions and runs: {keeping / plain:.2f} × raw executemany")
    print(f"deciding: {naive / deciding:,.0f} × one account at a time")
    print(f"starting runs: {starting / plainly:.2f} × raw executemany, {exactly / starting:.1f} × one by one")
    print(f"opening to durable runs: {loading + deciding + keeping:.2f} s; starting all of them {starting:.1f} s more")


def main() -> None:
    accounts = int(sys.argv[1]) if len(sys.argv) > 1 else ACCOUNTS
    source = Path(sys.argv[2]) if len(sys.argv) > 2 else None
    with tempfile.TemporaryDirectory() as folder:
        day(Path(folder), accounts, source)


if __name__ == "__main__":
    main()
