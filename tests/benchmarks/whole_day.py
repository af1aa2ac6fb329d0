"""A day when every account is rebalanced, from the stored file to the stored file, stage by stage.

Compared with raw `executemany` of the same rows into the same tables, and with one account at a time (a scaled
sample). A decision is stored as its inputs; the engine makes its trace and plan again when they are read.
"""

from __future__ import annotations

import gc
import shutil
import sqlite3
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
from tests.benchmarks.report import duration, header, notes, parser, ratio, row

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
    row(what, duration(seconds), duration(elapsed))
    return result, seconds


def make_all_due(path: Path) -> None:
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
    make_all_due(path)
    for copy in (empty, other):
        shutil.copy(path, copy)
    before = path.stat().st_size
    header("stage", "processor", "elapsed")
    book, loading = timed("opening: reading every account, position and subscription", lambda: opened(path))
    count = len(book.subscriptions)
    scheduler.advance_market(book, book.now())
    _, deciding = timed("deciding every subscription in arrays", lambda: decide_book(book))
    made, keeping = timed(
        "the evaluation pass: decisions, runs, plans, sell orders and audit, stored",
        lambda: evaluation_pass(book, explain=False),
    )
    book.database.close()
    tables = rows_of(path)
    started = sum(run.status is RunStatus.IN_PROGRESS for run in made.runs)
    _, plain = timed("compare: raw `executemany` of its rows", lambda: raw(empty, tables))
    book = opened(other)
    scheduler.advance_market(book, book.now())
    sample = list(book.subscriptions)[:SAMPLE]
    _, naive = timed(
        "compare: deciding one account at a time, with traces (scaled)",
        lambda: evaluate_book(book, sample),
        len(sample),
        count,
    )
    with patch.object(starting, "ARRAY_START_MIN_RUNS", count + 1):
        queued, queueing = timed(
            "compare: the evaluation pass without starting runs", lambda: evaluation_pass(book, explain=False)
        )
    alone = queued.runs[:SAMPLE]
    _, exactly = timed(
        "compare: starting runs, planned one by one (scaled)",
        lambda: start_alone(book, alone),
        max(len(alone), 1),
        len(queued.runs),
    )
    book.database.close()
    grown = path.stat().st_size - before
    reopened, _ = timed("opening the file again, with its runs in progress", lambda: opened(path))
    reopened.database.close()
    whole, one_by_one = loading + keeping, loading + naive + queueing + exactly
    row("**file to file**", f"**{duration(whole)}**", "")
    row("compare: file to file, one account at a time (scaled)", duration(one_by_one), "")
    chunk_count = -(-count // chunks.MAX_ACCOUNTS_PER_CHUNK)
    stored = f"{len(made.runs):,} runs, {started:,} of them started, {len(tables['orders']):,} orders"
    notes(
        (
            f"{count:,} subscriptions, {stored}; the file of {before / 1e6:.0f} MB grows by {grown / 1e6:.0f} MB.",
            f"Deciding in arrays is {ratio(naive / deciding)} × as fast as one account at a time, the whole day "
            f"{ratio(one_by_one / whole)} ×.",
            f"The evaluation pass takes {ratio(keeping / plain)} × the time of raw `executemany`. It runs in chunks: "
            f"{chunk_count} transactions of {duration(keeping / chunk_count)}; screens and API are served in between.",
        )
    )


def main() -> None:
    found = parser("whole_day", __doc__)
    found.add_argument("--accounts", type=int, default=ACCOUNTS, metavar="N")
    found.add_argument("--book", type=Path, metavar="FILE", help="a demonstration's file to start from; it is copied")
    options = found.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        day(Path(folder), options.accounts, options.book)


if __name__ == "__main__":
    main()
