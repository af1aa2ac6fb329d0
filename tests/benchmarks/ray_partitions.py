"""The evaluation mapped over partitions of a book by Ray, an engine that the product does not depend on.

`python -m tests.benchmarks.ray_partitions` needs the `bench` extra. Each worker holds one partition of the frame; a
round sends it the prices and receives the outcomes. It demonstrates that `decide` is a pure function of a frame and a
day context, so that it runs elsewhere without changes to the product.
"""

from __future__ import annotations

import os
import statistics
import time
from importlib import import_module
from typing import Any

import numpy as np

from rebal_tui.engine.arrays.day_context import DayContext
from rebal_tui.engine.arrays.decide import decide
from rebal_tui.engine.arrays.frame import BookFrame, Ints
from tests.benchmarks import frames

ACCOUNTS = int(os.environ.get("BENCH_ACCOUNTS", "1000000"))
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
    ray = import_module("ray")
    ray.init(num_cpus=WORKERS, include_dashboard=False, log_to_driver=False)
    whole = frames.book(ACCOUNTS)
    today = frames.today(whole)
    step = -(-ACCOUNTS // WORKERS)
    worker = ray.remote(num_cpus=1)(Partition)
    parts = [worker.remote(whole.part(at, min(at + step, ACCOUNTS)), today) for at in range(0, ACCOUNTS, step)]
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
    one, many = (statistics.median(durations) * 1_000 for durations in (alone, together))
    print(f"{ACCOUNTS:,} accounts, the same outcomes: {same}")
    print(f"one process {one:,.0f} ms, {WORKERS} Ray actors {many:,.0f} ms")
    ray.shutdown()


if __name__ == "__main__":
    main()
