"""Policies simulated in resampled histories: blocks of a history's sessions in a random order."""

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
    """The mean over sessions of log return, equity sold and squared largest deviation, for each history and policy.

    Each of the three results has one row per resampled history and one column per policy. `orders` are the numbers of
    the histories, from which their sessions are drawn (see `stationary_order`). Equity sold is a fraction of equity. A
    session of a resampled history keeps its own date, for calendars and cooldowns, but has the price moves of the
    session drawn for it. If the sessions are drawn in their original order, the result equals a backtest within
    rounding. `progress` is called with the number of histories done and their total. Raises `Canceled`.
    """
    count = max(1, _COLUMNS // len(policies))
    found: list[tuple[Floats, Floats, Floats]] = []
    for first in range(orders.start, orders.stop, count):
        numbers = range(first, min(first + count, orders.stop))
        drawn = stationary_orders(history.length - 1, numbers, block, seed)
        batch = _Sums(history, weights, policies, cost_bps / 10_000, fill_delay, len(numbers))
        found.append(_follow(batch, drawn, _part(progress, numbers, orders), canceled))
    logs, sold, squares = (np.concatenate(parts) for parts in zip(*found, strict=True))
    return logs, sold, squares


class _Sums(Batch):
    """Adds up the fraction of equity that each column sold."""

    def __init__(
        self, history: History, weights: Weights, policies: Sequence[Policy], cost: float, delay: int, copies: int
    ) -> None:
        super().__init__(history, weights, policies, cost, delay, copies)
        self.sold = np.zeros(copies * len(policies))

    def traded(self, ids: Ints, session: int, full: bool, before: Floats, after: Floats) -> None:
        del session, full
        self.sold[ids] += np.maximum(before - after, 0).sum(axis=0)


def _part(progress: Progress | None, numbers: range, orders: range) -> Progress:
    """Counts histories while sessions of some of them are followed."""

    def step(session: int, sessions: int) -> None:
        if progress is not None:
            progress(numbers.start - orders.start + len(numbers) * session // sessions, len(orders))

    return step


def _follow(
    batch: _Sums, orders: Ints, progress: Progress, canceled: Cancelled | None
) -> tuple[Floats, Floats, Floats]:  # fmt: skip
    """The means that `follow_histories` returns, for the histories of one batch.

    `orders` has the drawn session of each session after the first, one column per history.
    """
    moves, size = batch.history.moves, batch.history.length - 1
    squares = np.zeros_like(batch.cash)
    for session in range(1, size + 1):
        deviations = batch.advance(session, moves[:, orders[session - 1]]).max(axis=0)
        deviations *= deviations
        squares += deviations
        if session % 64 == 0 or session == size:
            if canceled is not None and canceled():
                raise Canceled
            progress(session, size)
    shape = (orders.shape[1], len(batch.policies))
    logs = np.log(batch.values.sum(axis=0) + batch.cash)
    return (logs / size).reshape(shape), (batch.sold / size).reshape(shape), (squares / size).reshape(shape)
