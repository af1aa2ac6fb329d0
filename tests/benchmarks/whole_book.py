"""Evaluation, drift and plans of a whole book in arrays, compared with the exact form, a C loop and other rebalancers.

20 holdings an account, 50 models of 500 assets, medians of processor time. Floats screen the accounts, and every
account near a limit is confirmed with exact integers, so each outcome is that of the exact form. Peers come with the
extra `bench` (`pip install '.[bench]' && pip install --no-deps lumibot==4.6.30`, Python 3.12 or newer). At the
standard size the growth is drawn in `screenshots/growth.svg`.
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
from typing import Any

import numpy as np

from rebal_tui import bootstrap
from rebal_tui.domain.decisions import Outcome
from rebal_tui.engine.arrays.decide import OUTCOMES, decide
from rebal_tui.engine.arrays.frame import BookFrame
from rebal_tui.engine.arrays.plans import plan_full_rebalances
from rebal_tui.engine.arrays.sweep import sweep
from rebal_tui.engine.drift import BandUsage, asset_drifts, largest_usage, value_account
from rebal_tui.engine.evaluation import evaluate
from rebal_tui.engine.planning import plan_full_rebalance
from rebal_tui.engine.situation import Situation
from rebal_tui.services.evaluation.whole_book import book_day_context
from rebal_tui.services.simulation.demonstration.setup import DEFAULT_START
from tests.benchmarks import frames
from tests.benchmarks.c_loop import c_evaluation
from tests.benchmarks.growth import Growth, draw
from tests.benchmarks.peers import Job, lumibot_jobs, rebalance_jobs
from tests.benchmarks.report import duration, header, notes, parser, ratio, row

SIZES = (10_000, 100_000, 1_000_000)
GROWTH = (1_000, 10_000, 100_000, 1_000_000)
SAMPLE = 300
COMPARED = 100_000
"""The accounts of the comparison with peers and of the cold file."""
EXACT = "exact form, account by account, with traces (scaled)"
ARRAYS = "arrays, confirmed exactly"
LOOP = "C loop over the same arrays, floats only, no confirmation"
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
    return {name: statistics.median(times) for name, times in times_in_turn(works, rounds).items()}


def times_in_turn(works: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, list[float]]:
    """Processor seconds of operations run alternately, by round."""
    durations: dict[str, list[float]] = {name: [] for name in works}
    for number in range(rounds + 2):
        for name, work in works.items():
            started = time.process_time()
            work()
            if number >= 2:
                durations[name].append(time.process_time() - started)
    return durations


def evaluations(sizes: Sequence[int]) -> None:
    """Deciding every account of books of several sizes: exact form (a scaled sample), arrays, C."""
    measured = [_evaluation(frames.book(size)) for size in sizes]
    header("evaluating the whole book", *(f"{size:,}" for size in sizes))
    for name, strong in ((EXACT, False), (ARRAYS, True), (LOOP, False)):
        cells = [duration(one[name]) if name in one else "no C compiler" for one in measured]
        row(*(f"**{cell}**" if strong else cell for cell in (name, *cells)))
    row("exact form ÷ arrays", *(f"{ratio(one[EXACT] / one[ARRAYS])} ×" for one in measured))
    row("arrays ÷ C loop, in turn", *(f"{ratio(one[ARRAYS] / one[LOOP])} ×" if LOOP in one else "" for one in measured))
    notes([f"{size:,} accounts: {one['agreement']}." for size, one in zip(sizes, measured, strict=True)])


def _evaluation(frame: BookFrame) -> dict[str, Any]:
    """Seconds of the three forms, and how far their outcomes agree."""
    count, today = len(frame), frames.today(frame)
    rng = np.random.default_rng(5)
    sample = frames.situations(frame, sorted(rng.choice(count, min(SAMPLE, count), replace=False).tolist()))
    found: dict[str, Any] = {EXACT: median(lambda: [evaluate(s) for s in sample], 3) * count / len(sample)}
    works: dict[str, Callable[[], object]] = {ARRAYS: lambda: decide(frame, today)}
    loop = c_evaluation(frame, today)
    if loop is not None:
        works[LOOP] = loop
    found |= in_turn(works)
    made = decide(frame, today)
    checked = [OUTCOMES[made.outcome[int(s.account.id)]] is evaluate(s).outcome for s in sample]
    agreement = f"arrays and exact form agree on {sum(checked)} of {len(checked)} sampled accounts"
    if loop is not None:
        agreement += f", arrays and C loop on {np.count_nonzero(loop() == made.outcome):,}"
    found["agreement"] = f"{agreement}; {made.confirmed:,} accounts were confirmed exactly"
    return found


def _widest(situation: Situation) -> BandUsage | None:
    valuation = value_account(situation.account.cash, situation.positions, situation.prices)
    return largest_usage(asset_drifts(valuation, situation.portfolio.weights), situation.portfolio.bands)


def drift_and_orders(frame: BookFrame) -> None:
    """Live drift, and the orders of a day when everything is rebalanced, compared with the exact form and peers."""
    count, today = len(frame), frames.today(frame)
    sample = frames.situations(frame, range(0, count, max(count // SAMPLE, 1)))
    few = sample[:20]
    lumibot, milp = lumibot_jobs(few), rebalance_jobs(few)
    header(f"{count:,} accounts", "time", "exact form ÷ this")

    def measured(what: str, jobs: tuple[Job, Job] | None, index: int, runs: int, against: float) -> None:
        if jobs is None:
            row(f"{what} (20 accounts, scaled)", "not installed", "")
        else:
            compared(what + " (20 accounts, scaled)", median(jobs[index], runs) * count / len(few), against)

    exact = median(lambda: [_widest(s) for s in sample], 3) * count / len(sample)
    compared("drift: exact form, account by account (scaled)", exact, exact)
    compared("**drift: one sweep over the arrays**", median(lambda: sweep(frame, today)), exact)
    measured("drift: `rebalance.check_bands`", milp, 0, 3, exact)
    measured("drift: lumibot `DriftRebalancerLogic.calculate`", lumibot, 0, 3, exact)
    planned = median(lambda: [plan_full_rebalance(s.holdings(), s.portfolio.weights) for s in sample], 3)
    planned *= count / len(sample)
    compared("orders: exact planner, account by account (scaled)", planned, planned)
    everyone = np.arange(count)
    compared("**orders: plans in arrays**", median(lambda: plan_full_rebalances(frame, everyone), 3), planned)
    measured("orders: lumibot", lumibot, 1, 1, planned)
    measured("orders: the MILP of `rebalance`", milp, 1, 1, planned)


def compared(what: str, seconds: float, against: float) -> None:
    row(what, duration(seconds), ratio(against / seconds))


def from_file(accounts: int) -> None:
    """A demonstration's file, not in the page cache, read and decided: elapsed seconds, medians of three."""
    stages: dict[str, list[float]] = {"reading the file": [], "building the arrays": [], "deciding every account": []}
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
            frame = book.frame()
            marks.append(time.perf_counter())
            decide(frame, book_day_context(book, frame))
            marks.append(time.perf_counter())
            book.database.close()
            for durations, start, end in zip(stages.values(), marks, marks[1:], strict=False):
                durations.append(end - start)
    found = {stage: statistics.median(durations) for stage, durations in stages.items()}
    header(f"from a cold file, {accounts:,} accounts of the demonstration", "elapsed", "share")
    for stage, seconds in found.items():
        row(stage, duration(seconds), f"{seconds / sum(found.values()):.0%}")


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
        memory = (f"{byte_count / 2**20:,.1f} MiB" for byte_count in (frame.nbytes, peak))
        times = (duration(evaluated), duration(swept), f"{duration(planned)} ({len(fires):,})")
        row(f"{size:,}", *times, *memory)
    return found


def main() -> None:
    found = parser("whole_book", __doc__)
    found.add_argument("--accounts", type=int, default=SIZES[-1], metavar="N", help="the largest size (%(default)s)")
    limit = found.parse_args().accounts
    evaluations([size for size in SIZES if size < limit] + [limit])
    drift_and_orders(frames.book(min(limit, COMPARED)))
    from_file(min(limit, COMPARED))
    header("accounts", "evaluation", "sweep", "plans of those that fire", "the arrays", "working memory")
    points = growth([size for size in GROWTH if size < limit] + [limit])
    if limit == GROWTH[-1]:
        PICTURE.write_text(draw(points), encoding="utf-8")
        print("\n![Time and memory by number of accounts](../../screenshots/growth.svg)")


if __name__ == "__main__":
    main()
