"""Worst asset, drift and band usage of accounts with restrictions, by floats with a margin (R-61)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rebal_tui.engine.arrays.band_usage import DRIFT_ERROR_BPS, BandUsages, Rows, usage_errors
from rebal_tui.engine.arrays.frame import BookFrame
from rebal_tui.engine.arrays.kernels import inverse_limits
from rebal_tui.engine.arrays.memory_layout import Block, Flags, Floats, Ints
from rebal_tui.engine.arrays.rule_targets import RuleTargets, pieces_of, values_and_goals


@dataclass(frozen=True, slots=True, eq=False)
class BoxedWorst:
    """The worst asset of each requested account, its drift and band usage; valid only where `sure` is set.

    The fields other than `sure` are as in `WorstDrifts`.
    """

    asset: Ints
    drift: Ints
    band_used: Ints
    outside: Flags
    sure: Flags


def boxed_worst(frame: BookFrame, usages: BandUsages, made: RuleTargets, entries: Rows, no_band: int) -> BoxedWorst:
    """The worst drifts of the accounts `entries`, indexes in `RuleColumns` of accounts with restrictions.

    `no_band` is the value of `band_used` for an account to which no band applies.
    """
    size = len(made.columns)
    numbers, flags = np.zeros((3, size), np.int64), np.zeros((2, size), np.bool_)
    found = BoxedWorst(numbers[0], numbers[1], numbers[2], flags[0], flags[1])
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        others = _usage_of_others(frame, usages, made)
        for block, some in pieces_of(frame, made.columns, entries):
            _of_block(frame, block, made, some, others, found, no_band)
    found.sure[made.unsure] = False
    return found


def _of_block(
    frame: BookFrame, block: Block, made: RuleTargets, entries: Rows, others: Floats, found: BoxedWorst, no_band: int
) -> None:
    value, goal, unmanaged, _ = values_and_goals(frame, block, made, entries)
    local = block.local[frame.column[made.columns.rows[entries]]]
    inverse = inverse_limits(block)
    error = usage_errors(inverse)[local]
    gap = np.where(unmanaged, 0, value - goal) * (10_000 / made.equity[entries])
    usage = np.abs(gap) * inverse.take(local, axis=1)
    at = np.arange(len(entries))
    slot = usage.argmax(axis=0)
    most, drift = usage[slot, at], gap[slot, at]
    usage[slot, at] = -np.inf
    rival = np.maximum(usage.max(axis=0, initial=-np.inf), others[entries])
    permille = most * 1_000
    banded = frame.table.banded[block.members][local]
    sure = (most > rival + 2 * error) & (made.equity[entries] > 0)
    sure &= np.abs(drift - np.floor(drift) - 0.5) > DRIFT_ERROR_BPS
    sure &= np.abs(permille - np.rint(permille)) > error * 1_000
    sure &= (frame.table.count[block.members] > 0)[local]
    found.sure[entries] = sure
    found.asset[entries] = block.asset[slot, local]
    found.drift[entries] = np.where(sure, np.rint(drift), 0)
    found.band_used[entries] = np.where(banded, np.floor(np.where(sure, permille, 0)), no_band)
    found.outside[entries] = banded & (most > 1)


def _usage_of_others(frame: BookFrame, usages: BandUsages, made: RuleTargets) -> Floats:
    """By account with rules, the largest band usage of a holding outside its portfolio."""
    most = np.full(len(made.columns), -np.inf)
    row, asset = frame.others.account[made.others], frame.others.asset[made.others]
    entry, follows = made.columns.index[row], usages.follows[row]
    worth = frame.others.qty[made.others] * (frame.assets.price[asset] * 1e-18)
    drift = np.abs(worth - made.others_target) * 10_000 / made.equity[entry]
    absolute, relative = frame.table.absolute[follows], frame.table.relative[follows]
    usage = drift / np.where(absolute > 0, absolute, np.where(relative > 0, np.inf, 1.0))
    np.maximum.at(most, entry, np.where(made.others_managed, usage, -np.inf))
    return most
