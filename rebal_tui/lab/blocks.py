"""Resampled sequences of sessions: Politis and Romano's stationary bootstrap."""

from __future__ import annotations

import numpy as np

from rebal_tui.lab.history import Ints


def stationary_order(length: int, block: int, seed: int, number: int) -> Ints:
    """Draw `length` session indexes from 0 to `length - 1` with replacement, in blocks of consecutive sessions.

    A block that reaches the last session continues with the first. Block lengths are geometrically distributed with
    mean `block`. The result depends only on `length`, `block`, `seed` and `number`, the number of the resampled
    history, so it is the same for every policy.
    """
    draw = np.random.default_rng([seed, number])
    fresh = draw.random(length) < 1 / block
    fresh[0] = True
    starts = draw.integers(0, length, length)
    at = np.arange(length)
    since = np.maximum.accumulate(np.where(fresh, at, 0))
    return np.asarray((starts[since] + at - since) % length)


def stationary_orders(length: int, numbers: range, block: int, seed: int) -> Ints:
    """The session indexes drawn for several resampled histories, one column each, by `stationary_order`.

    `numbers` are the numbers of the resampled histories.
    """
    return np.stack([stationary_order(length, block, seed, number) for number in numbers], axis=1)
