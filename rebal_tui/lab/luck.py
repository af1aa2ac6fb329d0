"""Whether differences between policies are beyond luck: a paired block bootstrap of their daily results."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from rebal_tui.lab.backtest import Backtest
from rebal_tui.lab.history import Floats
from rebal_tui.lab.progress import Canceled, Cancelled
from rebal_tui.lab.selection import Selection, selection_of

RESAMPLES = 1_000
BLOCK_MONTHS = 24
LEAST_BLOCKS = 8
"""Blocks that a history has at least: of fewer, resamples hardly differ, and any difference looks beyond luck."""
_CONFIDENCE = 0.95
_BATCH = 250


@dataclass(frozen=True, slots=True)
class Measure:
    """One figure of all policies: `low` and `high` bound 95 % of the resampled differences to the first policy.

    `beyond_luck` is whether any difference is: the largest studentized difference exceeds 95 % of those of resamples,
    so that the number of policies is accounted for.
    """

    low: Floats
    high: Floats
    beyond_luck: bool


@dataclass(frozen=True, slots=True)
class Luck:
    """Differences of policies to the first one, all from the same resamples. `block` is the mean length in sessions."""

    annual_return: Measure
    turnover: Measure
    rms: Measure
    selection: Selection
    resamples: int
    block: int
    seed: int

    @property
    def sentence(self) -> str:
        """The first line of a result."""
        measures = (("Return", self.annual_return), ("Turnover", self.turnover), ("Tracking", self.rms))
        parts = [f"{name}: {'yes' if m.beyond_luck else 'no difference beyond luck'}." for name, m in measures]
        return " ".join(parts)

    @property
    def method(self) -> str:
        """How it was computed."""
        return (
            f"paired block bootstrap of daily results, {self.resamples:,} resamples, mean block {self.block} sessions, "
            f"seed {self.seed}"
        )


def luck_of(
    backtest: Backtest,
    *,
    resamples: int = RESAMPLES,
    block: int | None = None,
    seed: int = 1,
    canceled: Cancelled | None = None,
) -> Luck:
    """Resample the sessions of a backtest in blocks of a mean length (Politis and Romano's stationary bootstrap).

    `block` defaults to 24 months, in a short history to an eighth of it. Returns are compound returns a year, turnover
    is of average equity a year, rms is the root mean square of the largest deviation. Raises `Canceled`.
    """
    history = backtest.history
    per_year = history.sessions_per_year
    block = block or max(1, min(round(per_year * BLOCK_MONTHS / 12), history.length // LEAST_BLOCKS))
    logs, sold, squares = (np.empty((history.length - 1, len(backtest.outcomes))) for _ in range(3))
    for column, outcome in enumerate(backtest.outcomes):
        path = backtest.path(outcome)
        logs[:, column] = np.diff(np.log(path.equity))
        daily = np.zeros(history.length)
        daily[path.events] = path.sold / path.equity[path.events]
        sold[:, column] = daily[1:]
        squares[:, column] = path.absolute[1:] ** 2
    draw = np.random.default_rng(seed)
    means: list[list[Floats]] = [[], [], []]
    for start in range(0, resamples, _BATCH):
        if canceled is not None and canceled():
            raise Canceled
        counts = stationary_counts(history.length - 1, min(_BATCH, resamples - start), block, draw)
        for found, series in zip(means, (logs, sold, squares), strict=True):
            found.append(counts @ series / len(series))
    drawn = [np.concatenate(found) for found in means]
    actual = [series.mean(axis=0)[None] for series in (logs, sold, squares)]
    return Luck(
        replace(
            _measure(np.expm1(actual[0] * per_year), np.expm1(drawn[0] * per_year)),
            # Log returns are more symmetric than compound returns.
            beyond_luck=_measure(actual[0], drawn[0]).beyond_luck,
        ),
        _measure(actual[1] * per_year, drawn[1] * per_year),
        _measure(np.sqrt(actual[2]), np.sqrt(drawn[2])),
        selection_of(logs, drawn[0], per_year),
        resamples,
        block,
        seed,
    )


def stationary_counts(length: int, resamples: int, block: int, draw: np.random.Generator) -> Floats:
    """How often each of `length` sessions occurs in each resample of as many; rows are resamples.

    Blocks wrap around the end and have geometric lengths with mean `block`.
    """
    starts = draw.integers(0, length, (length, resamples))
    fresh = draw.random((length, resamples)) < 1 / block
    at = starts[0]
    counts = np.zeros((resamples, length))
    rows = np.arange(resamples)
    counts[rows, at] += 1
    for step in range(1, length):
        at = np.where(fresh[step], starts[step], at + 1)
        at[at == length] = 0
        counts[rows, at] += 1
    return counts


def _measure(actual: Floats, drawn: Floats) -> Measure:
    difference = (actual - actual[:, :1])[0]
    resampled = drawn - drawn[:, :1]
    low, high = np.quantile(resampled, [(1 - _CONFIDENCE) / 2, (1 + _CONFIDENCE) / 2], axis=0)
    spread = resampled.std(axis=0)
    used = spread > 1e-12
    beyond = False
    if used.any():
        largest = (np.abs(resampled - difference)[:, used] / spread[used]).max(axis=1)
        observed = (np.abs(difference)[used] / spread[used]).max()
        beyond = bool(observed > np.quantile(largest, _CONFIDENCE))
    return Measure(low, high, beyond)
