"""Policies followed through resampled histories: the sessions of a history in another order, in long blocks."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from rebal_tui.domain.portfolios import Weights
from rebal_tui.lab.batch import Batch
from rebal_tui.lab.blocks import stationary_orders
from rebal_tui.lab.history import Floats, History, Ints
from rebal_tui.lab.policies import Policy
from rebal_tui.lab.progress import Canceled, Cancelled, Progress

_COLUMNS = 8_000
"""Columns of a batch, about: fewer take longer each, more take more memory only."""


def follow_histories(
    history: History,
    weights: Weights,
    policies: Sequence[Policy],
    orders: range,
    block: int,
    seed: int,
    *,
    cost_bps: float = 0.0,
    fill_delay: int = 0,
    progress: Progress | None = None,
    canceled: Cancelled | None = None,
) -> tuple[Floats, Floats, Floats]:
    """Means per session of log returns, of the part of equity sold, and of the squared largest deviation.

    Each has one row per resampled history, of which `orders` has the numbers, and one column per policy.
    A session of a resampled history has its own date, for calendars and cooldowns, and the moves of the session drawn
    for it. Equal within rounding to a backtest where the sessions are in their order. `progress` counts histories.
    Raises `Canceled`.
    """
    count = max(1, _COLUMNS // len(policies))
    found: list[tuple[Floats, Floats, Floats]] = []
    for first in range(orders.start, orders.stop, count):
        numbers = range(first, min(first + count, orders.stop))
        drawn = stationary_orders(history.length - 1, numbers, block, seed)
        found.append(_follow(history, weights, policies, drawn, cost_bps / 10_000, fill_delay, canceled))
        if progress is not None:
            progress(numbers.stop - orders.start, len(orders))
    logs, sold, squares = (np.concatenate(parts) for parts in zip(*found, strict=True))
    return logs, sold, squares


class _Sums(Batch):
    """Adds up what the columns sold."""

    def __init__(
        self, history: History, weights: Weights, policies: Sequence[Policy], cost: float, delay: int, copies: int
    ) -> None:
        super().__init__(history, weights, policies, cost, delay, copies)
        self.sold = np.zeros(copies * len(policies))

    def traded(self, ids: Ints, session: int, full: bool, before: Floats, after: Floats) -> None:
        del session, full
        self.sold[ids] += np.maximum(before - after, 0).sum(axis=0)


def _follow(
    history: History, weights: Weights, policies: Sequence[Policy], orders: Ints, cost: float, delay: int,
    canceled: Cancelled | None,
) -> tuple[Floats, Floats, Floats]:  # fmt: skip
    """`orders` has the drawn session of each session after the first, one column per history."""
    batch = _Sums(history, weights, policies, cost, delay, orders.shape[1])
    moves, size = history.moves, history.length - 1
    squares = np.zeros_like(batch.cash)
    for session in range(1, history.length):
        deviations = batch.advance(session, moves[:, orders[session - 1]]).max(axis=0)
        deviations *= deviations
        squares += deviations
        if canceled is not None and session % 64 == 0 and canceled():
            raise Canceled
    shape = (orders.shape[1], len(policies))
    logs = np.log(batch.values.sum(axis=0) + batch.cash)
    return (logs / size).reshape(shape), (batch.sold / size).reshape(shape), (squares / size).reshape(shape)
