"""A day when every account breaches, file to file: `python -m tests.benchmarks.whole_day [ACCOUNTS] [BOOK]`.

Each stage with its time, compared with raw `executemany` of the same rows into the same tables, and with one account at
a time (a scaled sample). BOOK is a demonstration's file to start from; it is copied. Nothing fails because of a time.
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
from rebal_tui.domain.runs import Run, RunStatus
from rebal_tui.services.book.book import Book
from rebal_tui.services.evaluation.account import evaluate_book
from rebal_tui.services.evaluation.whole_book import decide_book
from rebal_tui.services.evaluation_pass import chunks
from rebal_tui.services.evaluation_pass.chunks import evaluation_pass
from rebal_tui.services.runs import starting
from rebal_tui.services.runs.processing import _start
from rebal_tui.services.schedule import scheduler
from rebal_tui.services.simulation.demonstration.setup import DEFAULT_START

ACCOUNTS = 100_000
SAMPLE = 500
T = TypeVar("T")


def timed(what: str, work: Callable[[], T], per: int = 1, of: int = 1) -> tuple[T, float]:
    """Run a stage; returns its result and its processor seconds, and prints them with the elapsed time.

    A sample of `per` is scaled to `of`.
    """
    gc.collect()
    used, started_at = time.process_time(), time.perf_counter()
    result = work()
    elapsed, seconds = (time.perf_counter() - started_at) * of / per, (time.process_time() - used) * of / per
    print(f"{what:<66}{seconds * 1000:>10,.0f} ms{elapsed * 1000:>10,.0f} ms by the clock", flush=True)
    return result, seconds


def crash(path: Path) -> None:
    """Make every subscription due for its first rebalance."""
    connection = sqlite3.connect(path)
    connection.execute("UPDATE subscriptions SET last_rebalanced_at = NULL")
    connection.commit()
    connection.close()


def opened(path: Path) -> Book:
    """Open the book, with its objects frozen for the garbage collector as in the program."""
    gc.unfreeze()
    book = bootstrap.open_simulation(bootstrap.open_database(path), at=DEFAULT_START)
    gc.collect()
    gc.freeze()
    return book


TABLES = ("parts", "contexts", "decision_kinds", "runs", "decisions", "orders")


def rows_of(path: Path) -> dict[str, list[tuple[Any, ...]]]:
    """The rows that the evaluation pass wrote, in the order it wrote them."""
    connection = sqlite3.connect(path)
    tables = {name: connection.execute(f"SELECT * FROM {name} ORDER BY 1, 2").fetchall() for name in TABLES}
    connection.close()
    return tables


def raw(path: Path, tables: dict[str, list[tuple[Any, ...]]]) -> None:
    """Write the same rows into the same tables with `executemany`, in one transaction."""
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


def start_alone(book: Book, queued: Sequence[Run]) -> None:
    """Start runs, each planned separately."""
    with patch.object(starting, "ARRAY_START_MIN_RUNS", len(queued) + 1):
        book.apply_run_states(_start(book, queued, False))


def day(folder: Path, accounts: int, source: Path | None) -> None:
    path, empty, other = folder / "book.db", folder / "raw.db", folder / "other.db"
    if source is None:
        bootstrap.create_demo(path, accounts=accounts).close()
    else:
        shutil.copy(source, path)
    crash(path)
    for copy in (empty, other):
        shutil.copy(path, copy)
    before = path.stat().st_size
    book, loading = timed("opening: every account, position and subscription read", lambda: opened(path))
    count = len(book.subscriptions)
    scheduler.advance_market(book, book.now())
    _, deciding = timed("deciding every subscription in arrays", lambda: decide_book(book))
    made, keeping = timed(
        "the pass: decisions, runs, plans and orders of sells kept, audited",
        lambda: evaluation_pass(book, explain=False),
    )
    book.database.close()
    tables = rows_of(path)
    started = sum(run.status is RunStatus.IN_PROGRESS for run in made.runs)
    _, plain = timed("  raw executemany of its rows", lambda: raw(empty, tables))
    book = opened(other)
    scheduler.advance_market(book, book.now())
    sample = list(book.subscriptions)[:SAMPLE]
    _, naive = timed(
        "  one account at a time, with traces (sample)", lambda: evaluate_book(book, sample), len(sample), count
    )
    with patch.object(starting, "ARRAY_START_MIN_RUNS", count + 1):
        queued, queueing = timed("  the pass without starting anything", lambda: evaluation_pass(book, explain=False))
    alone = queued.runs[:SAMPLE]
    _, exactly = timed("  runs started, planned one by one (sample)", lambda: start_alone(book, alone), SAMPLE, count)
    book.database.close()
    slices = -(-count // chunks.MAX_ACCOUNTS_PER_CHUNK)
    grown = path.stat().st_size - before
    print(f"\n{count:,} subscriptions, {len(made.runs):,} runs, {started:,} started, {len(tables['orders']):,} orders")
    print(f"the file grew from {before / 1e6:.0f} MB by {grown / 1e6:.0f} MB")
    print(f"the pass: {keeping / plain:.2f} × raw executemany, {slices} transactions of {keeping / slices:.2f} s")
    print(f"deciding: {naive / deciding:,.0f} × one account at a time")
    whole, one_by_one = loading + keeping, loading + naive + queueing + exactly
    print(f"the whole day, from the file to the file: {whole:.2f} s; one account at a time {one_by_one / whole:.1f} ×")


def main() -> None:
    accounts = int(sys.argv[1]) if len(sys.argv) > 1 else ACCOUNTS
    source = Path(sys.argv[2]) if len(sys.argv) > 2 else None
    with tempfile.TemporaryDirectory() as folder:
        day(Path(folder), accounts, source)


if __name__ == "__main__":
    main()
