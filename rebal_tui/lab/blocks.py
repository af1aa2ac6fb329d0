"""Resampled orders of sessions: Politis and Romano's stationary bootstrap."""

from __future__ import annotations

import numpy as np

from rebal_tui.lab.history import Ints


def stationary_order(length: int, block: int, seed: int, number: int) -> Ints:
    """Resample `number` of `length` sessions: as many, in blocks that wrap around the end.

    Blocks have geometric lengths with mean `block`. A resample depends on the seed and its number alone, so that it is
    the same for every policy and in every batch.
    """
    draw = np.random.default_rng([seed, number])
    fresh = draw.random(length) < 1 / block
    fresh[0] = True
    starts = draw.integers(0, length, length)
    at = np.arange(length)
    since = np.maximum.accumulate(np.where(fresh, at, 0))
    return np.asarray((starts[since] + at - since) % length)


def stationary_orders(length: int, numbers: range, block: int, seed: int) -> Ints:
    """Some resamples, one column each."""
    return np.stack([stationary_order(length, block, seed, number) for number in numbers], axis=1)
