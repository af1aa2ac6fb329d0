"""The whole book in arrays compared with the exact form, a C loop and other rebalancers.

`python -m tests.benchmarks.whole_book` prints a table and draws `screenshots/growth.svg`.
"""

from __future__ import annotations

import os
import statistics
import tempfile
import time
import tracemalloc
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from rebal_tui import bootstrap
from rebal_tui.domain.decisions import Outcome
from rebal_tui.engine.arrays.day_context import DayContext
from rebal_tui.engine.arrays.decide import OUTCOMES, decide
from rebal_tui.engine.arrays.frame import BookFrame
from rebal_tui.engine.arrays.plans import plan_full_rebalances
from rebal_tui.engine.arrays.sweep import sweep
from rebal_tui.engine.drift import BandUsage, asset_drifts, largest_usage, value_account
from rebal_tui.engine.evaluation import Situation, evaluate
from rebal_tui.engine.planning import plan_full_rebalance
from rebal_tui.services.evaluation.whole_book import book_day_context
from rebal_tui.services.simulation.demonstration.setup import DEFAULT_START
from tests.benchmarks import frames
from tests.benchmarks.c_loop import c_evaluation
from tests.benchmarks.growth import Growth, draw
from tests.benchmarks.peers import lumibot_jobs, rebalance_jobs

SIZES = (10_000, 100_000, 1_000_000)
GROWTH = (1_000, 10_000, 100_000, 1_000_000)
SAMPLE = 300
FILE = 100_000
PICTURE = Path(__file__).parents[2] / "screenshots" / "growth.svg"


def median(work: Callable[[], object], runs: int = 5) -> float:
    """Median processor seconds of an operation, after one warm-up run."""
    work()
    durations = []
    for _ in range(runs):
        started = time.thread_time()
        work()
        durations.append(time.thread_time() - started)
    return statistics.median(durations)


def in_turn(works: Mapping[str, Callable[[], object]], rounds: int = 25) -> dict[str, float]:
    """Median processor seconds of operations run alternately, so that noise affects all of them."""
    durations: dict[str, list[float]] = {name: [] for name in works}
    for number in range(rounds + 2):
        for name, work in works.items():
            started = time.process_time()
            work()
            if number >= 2:
                durations[name].append(time.process_time() - started)
    return {name: statistics.median(times) for name, times in durations.items()}


def row(what: str, accounts: int, seconds: float, against: float) -> None:
    print(f"| {what} | {accounts:,} | {_shown(seconds)} | {against / seconds:,.2f} × |", flush=True)


def _shown(seconds: float) -> str:
    return f"{seconds * 1_000:,.1f} ms" if seconds < 10 else f"{seconds:,.0f} s"


def evaluation(frame: BookFrame, today: DayContext) -> None:
    """Deciding every account: arrays, exact form (a scaled sample), C."""
    count = len(frame)
    rng = np.random.default_rng(5)
    sample = frames.situations(frame, sorted(rng.choice(count, SAMPLE, replace=False).tolist()))
    exact = median(lambda: [evaluate(s) for s in sample], 3) * count / len(sample)
    row("evaluation, exact form account by account (a sample, scaled)", count, exact, exact)
    loop = c_evaluation(frame, today)
    if loop is None:
        row("evaluation, arrays, confirmed exactly", count, median(lambda: decide(frame, today)), exact)
        print("| evaluation, C loop | no C compiler here | | |")
        return
    arrays, plain = "evaluation, arrays, confirmed exactly", "evaluation, plain C loop, floats only"
    found = in_turn({arrays: lambda: decide(frame, today), plain: loop})
    for name, seconds in found.items():
        row(name, count, seconds, exact)
    print(f"\narrays ÷ C: {found[arrays] / found[plain]:.2f}", flush=True)
    made = decide(frame, today)
    agree = np.count_nonzero(loop() == made.outcome)
    print(f"C and arrays agree on {agree:,} of {count:,}; {made.confirmed:,} confirmed exactly", flush=True)
    checked = [OUTCOMES[made.outcome[int(s.account.id)]] is evaluate(s).outcome for s in sample]
    print(f"arrays and exact form agree on {sum(checked)} of {len(checked)} sampled accounts\n", flush=True)


def _widest(situation: Situation) -> BandUsage | None:
    valuation = value_account(situation.account.cash, situation.positions, situation.prices)
    return largest_usage(asset_drifts(valuation, situation.portfolio.weights), situation.portfolio.bands)


def drift_and_orders(frame: BookFrame, today: DayContext) -> None:
    """Live drift, and the orders of a day when everything is rebalanced, compared with the exact form and peers."""
    count = len(frame)
    sample = frames.situations(frame, range(0, count, count // SAMPLE))
    exact = median(lambda: [_widest(s) for s in sample], 3)
    exact *= count / len(sample)
    row("drift, exact form account by account (a sample, scaled)", count, exact, exact)
    row("drift, the sweep over arrays", count, median(lambda: sweep(frame, today)), exact)
    everyone = np.arange(count)
    planned = median(lambda: [plan_full_rebalance(s.holdings(), s.portfolio.weights) for s in sample], 3)
    planned *= count / len(sample)
    few = sample[:20]
    lumibot, milp = lumibot_jobs(few), rebalance_jobs(few)
    for name, jobs in (("lumibot's drift logic", lumibot), ("rebalance.check_bands", milp)):
        if jobs is None:
            print(f"| drift, {name} | not installed | | |")
        else:
            row(f"drift, {name} (20 accounts, scaled)", count, median(jobs[0], 3) * count / len(few), exact)
    row("orders, exact planner account by account (a sample, scaled)", count, planned, planned)
    row("orders, plans in arrays", count, median(lambda: plan_full_rebalances(frame, everyone), 3), planned)
    for name, jobs in (("lumibot", lumibot), ("the MILP of rebalance", milp)):
        if jobs is None:
            print(f"| orders, {name} | not installed | | |")
        else:
            row(f"orders, {name} (20 accounts, scaled)", count, median(jobs[1], 1) * count / len(few), planned)


def from_file(accounts: int) -> None:
    """A demonstration's file, not in the page cache, read and decided: elapsed seconds, medians of three."""
    stages: dict[str, list[float]] = {"reading the file": [], "laying the arrays out": [], "deciding everyone": []}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "book.db"
        bootstrap.create_demo(path, accounts=accounts).close()
        for _ in range(3):
            with path.open("rb") as file:
                os.fsync(file.fileno())
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
            marks = [time.perf_counter()]
            book = bootstrap.open_simulation(bootstrap.open_database(path, read_only=True), at=DEFAULT_START)
            marks.append(time.perf_counter())
            laid_out = book.frame()
            marks.append(time.perf_counter())
            decide(laid_out, book_day_context(book, laid_out))
            marks.append(time.perf_counter())
            book.database.close()
            for durations, start, end in zip(stages.values(), marks, marks[1:], strict=False):
                durations.append(end - start)
    found = {stage: statistics.median(durations) for stage, durations in stages.items()}
    print(f"\nfrom a cold file, {accounts:,} accounts of the demonstration")
    for stage, seconds in found.items():
        print(f"| {stage} | {_shown(seconds)} | {seconds / sum(found.values()):.0%} |", flush=True)


def growth(sizes: Sequence[int]) -> list[Growth]:
    """Time and memory of evaluation, sweep and plans by size."""
    found = []
    for size in sizes:
        frame = frames.book(size)
        today = frames.today(frame)
        fires = decide(frame, today).where(Outcome.FULL_REBALANCE)
        evaluated = median(partial(decide, frame, today), 3)
        swept = median(partial(sweep, frame, today), 3)
        planned = median(partial(plan_full_rebalances, frame, fires), 1)
        tracemalloc.start()
        decide(frame, today)
        sweep(frame, today)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        found.append(Growth(size, evaluated, swept, planned, frame.nbytes, peak))
        print(
            f"| {size:,} | {_shown(evaluated)} | {_shown(swept)} | {_shown(planned)} ({len(fires):,} accounts) | "
            f"{frame.nbytes / 2**20:,.1f} MiB | {peak / 2**20:,.1f} MiB |",
            flush=True,
        )
    return found


def main() -> None:
    limit = int(os.environ.get("BENCH_ACCOUNTS", "1000000"))
    print("| what | accounts | median | times faster than exact |\n|---|---:|---:|---:|")
    for size in (s for s in SIZES if s <= limit):
        frame = frames.book(size)
        evaluation(frame, frames.today(frame))
    frame = frames.book(100_000)
    drift_and_orders(frame, frames.today(frame))
    from_file(min(limit, FILE))
    print("\n| accounts | evaluation | sweep | plans of those that fire | arrays | working memory |")
    print("|---:|---:|---:|---:|---:|---:|")
    PICTURE.write_text(draw(growth([s for s in GROWTH if s <= limit])), encoding="utf-8")


if __name__ == "__main__":
    main()
