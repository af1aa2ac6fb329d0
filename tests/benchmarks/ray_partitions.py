"""Evaluation of partitions of a book in Ray actors, compared with one process, in elapsed time.

Needs the `bench` extra; the product does not depend on Ray. Each actor holds one partition of the frame; a round sends
it the prices and receives the outcomes. `decide` is a pure function of a frame and a day context, so it runs elsewhere
without changes.
"""

from __future__ import annotations

import statistics
import sys
import time
from importlib import import_module
from typing import Any

import numpy as np

from rebal_tui.engine.arrays.day_context import DayContext
from rebal_tui.engine.arrays.decide import decide
from rebal_tui.engine.arrays.frame import BookFrame, Ints
from tests.benchmarks import frames
from tests.benchmarks.report import duration, header, notes, parser, row

ACCOUNTS = 1_000_000
WORKERS = 2


class Partition:
    """Some accounts of a book, held by the worker that evaluates them."""

    def __init__(self, frame: BookFrame, today: DayContext) -> None:
        self._frame, self._today = frame, today

    def outcomes(self, prices: Ints) -> np.ndarray[Any, np.dtype[np.uint8]]:
        """The outcome of every account at new prices."""
        rows = np.arange(len(prices))
        self._frame = self._frame.with_prices(rows, prices, self._frame.assets.price_at)
        return decide(self._frame, self._today).outcome


def main() -> None:
    found = parser("ray_partitions", __doc__)
    found.add_argument("--accounts", type=int, default=ACCOUNTS, metavar="N")
    accounts = found.parse_args().accounts
    try:
        ray = import_module("ray")
    except ImportError:
        sys.exit("Ray is not installed: pip install '.[bench]'")
    ray.init(num_cpus=WORKERS, include_dashboard=False, log_to_driver=False)
    whole = frames.book(accounts)
    today = frames.today(whole)
    step = -(-accounts // WORKERS)
    worker = ray.remote(num_cpus=1)(Partition)
    parts = [worker.remote(whole.part(at, min(at + step, accounts)), today) for at in range(0, accounts, step)]
    prices = whole.assets.price

    def mapped() -> np.ndarray[Any, np.dtype[np.uint8]]:
        return np.concatenate(ray.get([part.outcomes.remote(prices) for part in parts]))

    same = bool((mapped() == decide(whole, today).outcome).all())
    alone, together = [], []
    for _ in range(5):
        started = time.perf_counter()
        decide(whole, today)
        alone.append(time.perf_counter() - started)
        started = time.perf_counter()
        mapped()
        together.append(time.perf_counter() - started)
    header(f"{accounts:,} accounts", "time")
    row("one process", duration(statistics.median(alone)))
    row(f"{WORKERS} Ray actors", duration(statistics.median(together)))
    notes((f"The outcomes are {'the same' if same else 'DIFFERENT'}.",))
    ray.shutdown()


if __name__ == "__main__":
    main()
