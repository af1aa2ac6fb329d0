"""Bounds, reachable target and band usage of accounts with trading rules, by floats with a margin (R-60, R-61).

If floats cannot decide these with certainty for an account, the exact form does. `entries` are indexes of accounts in
`RuleColumns`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from rebal_tui.domain.trading_rules import RangeUnit
from rebal_tui.engine.arrays.band_usage import BandUsages, Rows
from rebal_tui.engine.arrays.cash_thresholds import MIN_INVEST_DOLLARS, CashThresholds
from rebal_tui.engine.arrays.frame import BookFrame
from rebal_tui.engine.arrays.kernels import dollars, inverse_limits, slot_prices
from rebal_tui.engine.arrays.memory_layout import Block, Flags, Floats, Indexes, Ints
from rebal_tui.engine.arrays.rule_columns import (
    OUTSIDE,
    PIECE_ACCOUNTS,
    UNITS,
    RestrictedLines,
    RuleColumns,
)

RELATIVE_MARGIN = 1e-9
"""Margin as a share of the amounts that an account adds up; the float error of n holdings is about n * 1.1e-16."""
_LEAST_MARGIN = 1e-6
_MIN_MANAGED_SHARE = 0.1
"""Below this share of all that it holds, managed equity is a difference that loses too many digits."""
_STEPS = 8
_SUM_ERROR = 2e-13
_CALM_USAGE = 0.999
_PERCENT, _SHARES = UNITS.index(RangeUnit.PERCENT), UNITS.index(RangeUnit.SHARES)


@dataclass(frozen=True, slots=True, eq=False)
class RuleTargets:
    """The reachable targets: one entry per account with trading rules, in the order of `columns`; amounts in dollars.

    `equity` is managed equity. The goal of an asset without restrictions is `factor` × its weight × `equity`; that of a
    restricted asset of an account (a restricted line) is in `line_target`. `cash` is the reachable cash. `usage` is the
    largest band usage of an account with restricted lines. `unsure` marks accounts that the exact form must decide.
    `others` are the holdings outside the portfolios, as indexes of `frame.others`; the goal of each is in
    `others_target`, if `others_managed` is set for it.
    """

    columns: RuleColumns
    equity: Floats
    cash: Floats
    factor: Floats
    usage: Floats
    unsure: Flags
    line_target: Floats
    others: Ints
    others_target: Floats
    others_managed: Flags

    def margin(self, entries: Rows, cash: Floats) -> Floats:
        """Upper bounds in dollars on the float errors of the accounts `entries`, which have `cash` dollars of cash."""
        return np.asarray(_LEAST_MARGIN + RELATIVE_MARGIN * (np.abs(self.equity[entries]) + 2 * np.abs(cash)))

    def goals(self, block: Block, entries: Rows, local: Indexes) -> tuple[Floats, Flags]:
        """The goals in dollars of the assets of some accounts of an array block, and whether each is unmanaged.

        Both have a row per asset slot and a column per account. `entries` are the indexes of the accounts in
        `RuleColumns`, `local` the columns of their portfolios in the tables of the block.
        """
        goal = block.target.take(local, axis=1) * (self.factor[entries] * self.equity[entries] / 10_000)
        unmanaged = np.zeros(goal.shape, np.bool_)
        lines, at = self.lines_of(entries)
        goal[self.columns.lines.slot[lines], at] = self.line_target[lines]
        unmanaged[self.columns.lines.slot[lines], at] = self.columns.lines.unmanaged[lines]
        return goal, unmanaged

    def lines_of(self, entries: Rows) -> tuple[Rows, Rows]:
        """The restricted lines in the portfolios of the accounts `entries`, and for each line the index of its account.

        The lines are indexes in `RestrictedLines`, the accounts indexes in `entries`.
        """
        position = np.full(len(self.columns), -1, np.intp)
        position[entries] = np.arange(len(entries))
        at = position[self.columns.lines.account]
        lines = np.flatnonzero((at >= 0) & (self.columns.lines.slot != OUTSIDE))
        return lines, at[lines]


def rule_targets(
    frame: BookFrame, usages: BandUsages, columns: RuleColumns, *, every_usage: bool = False
) -> RuleTargets:
    """The reachable targets of the accounts with trading rules; `usages` are the band usages without regard to rules.

    Without `every_usage`, the `usage` of an account that surely exceeds no band is an upper bound and not exact.
    """
    rows, lines, size = columns.rows, columns.lines, len(columns)
    follows, gross, cash = usages.follows[rows], usages.equity[rows], usages.cash[rows]
    cash_weight = frame.table.cash_weight[follows] / 10_000
    others, line_of_other = _others(frame, columns)
    if not columns.boxed.any():
        none = np.zeros(0)
        return RuleTargets(
            columns, gross, cash_weight * gross, np.ones(size), np.zeros(size), columns.exact.copy(), none, others,
            np.zeros(len(others)), np.ones(len(others), np.bool_),
        )  # fmt: skip
    value = np.multiply(_held(frame, columns), frame.assets.price[lines.asset] * 1e-18)
    matched = np.flatnonzero(line_of_other >= 0)
    value[line_of_other[matched]] = _worth(frame, others[matched])
    left_out = np.bincount(lines.account, np.where(lines.unmanaged, value, 0), size)
    equity = gross - left_out
    margin = _LEAST_MARGIN + RELATIVE_MARGIN * (np.abs(gross) + 2 * np.abs(cash))
    low, high, doubtful = _bounds(frame, lines, value, equity, margin)
    reach = _reach(frame, columns, follows, equity, low, high)
    unsure = (equity <= margin) | (reach.least >= equity - margin) | ~np.isfinite(reach.factor)
    # Where the minimums together exceed the equity, nothing is reachable.
    unsure |= (left_out > 0) & ((equity < gross * _MIN_MANAGED_SHARE) | (cash < 0))
    unsure |= (cash < 0) & (equity < (equity - 2 * cash) * _MIN_MANAGED_SHARE)
    if columns.keeps_others.any():
        has_others = np.zeros(size, np.bool_)
        has_others[columns.index[frame.others.account[others]]] = True
        unsure |= columns.keeps_others & has_others
    unsure &= columns.boxed
    unsure[lines.account[doubtful]] = True
    unsure |= columns.exact
    restricted = line_of_other >= 0
    made = RuleTargets(
        columns,
        equity,
        np.where(reach.solved, cash_weight * equity, equity - reach.sum),
        reach.factor,
        np.zeros(size),
        unsure,
        reach.target,
        others,
        np.where(restricted, np.append(reach.target, 0)[line_of_other], 0),
        np.asarray(~(restricted & np.append(lines.unmanaged, False)[line_of_other]), np.bool_),
    )
    asked = np.flatnonzero(columns.boxed)
    if not every_usage:
        with np.errstate(divide="ignore", invalid="ignore"):
            most = _most_usage(frame, usages, made, gross)
        above = np.zeros(size, np.bool_)
        above[lines.account[value < low]] = True
        calm = (most < _CALM_USAGE) & ~above
        made.usage[:] = most
        asked = np.flatnonzero(columns.boxed & ~calm)
    _fill_usage(frame, usages, made, asked)
    return made


def _most_usage(frame: BookFrame, usages: BandUsages, made: RuleTargets, gross: Floats) -> Floats:
    """An upper bound on the band usage of accounts with trading rules, valid where no line is below its minimum.

    Let c be a line's share of all that is held, w its weight, b its band, g = gross / managed equity. The line's share
    of managed equity is g * c, its target is λ * w or a bound between that and the line's value. So its usage is at
    most |g * c - λ * w| / b <= g * |c - w| / b + |g - λ| * w / b.
    """
    rows = made.columns.rows
    follows = usages.follows[rows]
    widest = np.zeros(len(frame.table.count))
    for block in frame.blocks:
        widest[block.members] = (block.target * inverse_limits(block) * frame.table.banded[block.members]).max(
            axis=0, initial=0
        )
    scale = gross / made.equity
    return np.asarray(scale * usages.usage[rows] + np.abs(scale - made.factor) * widest[follows])


def _held(frame: BookFrame, columns: RuleColumns) -> Ints:
    """The shares that are held of each restricted line, in billionths; 0 for a line outside the portfolio."""
    lines = columns.lines
    held = np.zeros(len(lines), np.int64)
    column = frame.column[columns.rows[lines.account]]
    inside = lines.slot != OUTSIDE
    for number, block in enumerate(frame.blocks):
        here = np.flatnonzero(inside & (lines.block == number))
        held[here] = block.qty[lines.slot[here], column[here]]
    return held


def _worth(frame: BookFrame, others: Ints) -> Floats:
    """The values in dollars of holdings outside the portfolios; `others` are indexes of `frame.others`."""
    return np.asarray(frame.others.qty[others] * (frame.assets.price[frame.others.asset[others]] * 1e-18))


def _others(frame: BookFrame, columns: RuleColumns) -> tuple[Ints, Ints]:
    """The holdings outside the portfolios of accounts with trading rules, as indexes of `frame.others`.

    The second result is the restricted line of each holding, -1 without one.
    """
    lines = columns.lines
    others = np.flatnonzero(columns.index[frame.others.account] >= 0)
    found = np.full(len(others), -1, np.int64)
    outside = np.flatnonzero(lines.slot == OUTSIDE)
    if len(outside) and len(others):
        key = columns.index[frame.others.account[others]] * len(frame.assets) + frame.others.asset[others]
        keys = lines.account[outside] * len(frame.assets) + lines.asset[outside]
        at = np.minimum(np.searchsorted(keys, key), len(keys) - 1)
        hit = keys[at] == key
        found[hit] = outside[at[hit]]
    return others, found


def _bounds(
    frame: BookFrame, lines: RestrictedLines, value: Floats, equity: Floats, margin: Floats
) -> tuple[Floats, Floats, Flags]:
    """The minimum and maximum in dollars of each restricted line (R-60).

    The third result flags the lines for which floats cannot decide them with certainty.
    """
    base, near = equity[lines.account], margin[lines.account]
    over = value - lines.weight / 10_000 * base
    scale = np.where(lines.unit == _PERCENT, base, 1.0)
    scale = np.where(lines.unit == _SHARES, frame.assets.price[lines.asset] * 1e-9, scale)
    least, most = lines.low * scale, lines.high * scale
    low = np.where(lines.keeps, value, 0)
    low = np.fmax(low, least)
    high = np.where(lines.caps | (lines.keeps & (over >= 0)), np.minimum(value, base), base)
    high = np.maximum(np.fmin(high, most), value)
    doubtful = lines.keeps & ~lines.caps & (np.abs(over) <= near) & (lines.weight > 0)
    # Below the value a maximum has no effect, so only a least can exclude a maximum.
    doubtful |= (least > 0) & (low >= high - near) & ~((low == value) & (high == value))
    doubtful &= ~lines.unmanaged
    return low, high, doubtful


@dataclass(frozen=True, slots=True, eq=False)
class _Reach:
    """The result of the search for λ: `factor` is λ of each account, NaN where it was not found.

    `target` is the target of each restricted line. By account, `least` is the sum of the minimums of all lines and
    `sum` the sum of all their targets; `solved` is whether `sum` equals what the cash weight leaves.
    """

    factor: Floats
    target: Floats
    least: Floats
    sum: Floats
    solved: Flags


def _reach(frame: BookFrame, columns: RuleColumns, follows: Rows, equity: Floats, low: Floats, high: Floats) -> _Reach:
    lines, size, account = columns.lines, len(columns), columns.lines.account
    moving = lines.share > 0
    wanted = (10_000 - frame.table.cash_weight[follows]) / 10_000 * equity
    ideal = lines.share * equity[account]
    lows, highs = np.where(moving, low, 0), np.where(moving, high, 0)
    fixed = np.bincount(account, np.where(moving | lines.unmanaged, 0, low), size)
    least = fixed + np.bincount(account, lows, size)
    short = least >= wanted
    full = columns.free_share == 0
    if full.any():
        full &= fixed + np.bincount(account, highs, size) <= wanted
    slope = columns.free_share * equity
    settled = np.zeros(size, np.bool_)
    below = above = lows == highs
    factor = np.zeros(size)
    with np.errstate(divide="ignore", invalid="ignore"):
        for _ in range(_STEPS):
            pinned = np.bincount(account, np.where(below, lows, np.where(above, highs, 0)), size)
            rising = slope + np.bincount(account, np.where(below | above, 0, ideal), size)
            after = np.where(rising > 0, (wanted - fixed - pinned) / rising, factor)
            settled = np.abs(after - factor) <= 1e-14 * np.abs(factor)
            factor = after
            if settled.all():
                break
            at = factor[account] * ideal
            below, above = at < lows, at > highs
    factor = np.where(short | full, 0, factor)
    target = np.clip(factor[account] * ideal, lows, highs)
    target = np.where(full[account] & moving, highs, target)
    target = np.where(moving | lines.unmanaged, target, low)
    reached = slope * factor + np.bincount(account, target, size)
    solved = ~short & ~full
    lost = solved & (~settled | (np.abs(reached - wanted) > _SUM_ERROR * np.abs(equity)))
    return _Reach(np.where(lost, np.nan, factor), target, np.asarray(least, np.float64), reached, solved)


def _fill_usage(frame: BookFrame, usages: BandUsages, made: RuleTargets, asked: Rows) -> None:
    """Compute `usage` for the accounts `asked`, which have restricted lines."""
    columns = made.columns
    made.usage[asked] = 0
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        for block, entries in pieces_of(frame, columns, asked):
            way, goal, unmanaged, _ = values_and_goals(frame, block, made, entries)
            local = block.local[frame.column[columns.rows[entries]]]
            inverse = inverse_limits(block) * frame.table.banded[block.members]
            way -= goal
            way[unmanaged] = 0
            np.abs(way, out=way)
            way *= inverse.take(local, axis=1)
            made.usage[entries] = way.max(axis=0, initial=0) * (10_000 / made.equity[entries])
        if len(made.others):
            row = frame.others.account[made.others]
            entry = columns.index[row]
            absolute = frame.table.absolute[usages.follows[row]]
            share = np.abs(_worth(frame, made.others) - made.others_target) * 10_000 / made.equity[entry]
            share = np.where(made.others_managed & (absolute > 0), share / np.maximum(absolute, 1), 0)
            np.maximum.at(made.usage, entry, share)


def pieces_of(frame: BookFrame, columns: RuleColumns, entries: Rows) -> Iterator[tuple[Block, Rows]]:
    """Split accounts with trading rules into groups that fit the CPU cache, each of accounts of one array block.

    `entries` are indexes of accounts in `RuleColumns`.
    """
    if not len(entries):
        return
    block_of = frame.table.block[frame.accounts.portfolio[columns.rows[entries]]]
    for number in range(len(frame.blocks)):
        found = entries[block_of == number]
        for start in range(0, len(found), PIECE_ACCOUNTS):
            yield frame.blocks[number], found[start : start + PIECE_ACCOUNTS]


def values_and_goals(
    frame: BookFrame, block: Block, made: RuleTargets, entries: Rows
) -> tuple[Floats, Floats, Flags, Floats]:
    """For each asset of each account: value and goal in dollars, whether unmanaged, price of a billionth of a share.

    All have a row per asset slot and a column per account of `entries`.
    """
    column = frame.column[made.columns.rows[entries]]
    local = block.local[column]
    price = slot_prices(frame, block).take(local, axis=1)
    value = block.qty.take(column, axis=1) * price
    goal, unmanaged = made.goals(block, entries, local)
    return value, goal, unmanaged, price


def free_cash(frame: BookFrame, rows: Rows | Indexes) -> Floats:
    """Cash less reservations of the accounts at `rows`, in dollars."""
    return dollars(frame.accounts.cash[rows] - frame.accounts.reserved[rows])


def use_reachable_targets(usages: BandUsages, made: RuleTargets) -> None:
    """In `usages`, replace equity by managed equity, and band usage by the usage measured from the reachable target."""
    boxed = np.flatnonzero(made.columns.boxed)
    rows = made.columns.rows[boxed]
    usages.equity[rows], usages.usage[rows] = made.equity[boxed], made.usage[boxed]


def check_reachable_cash(frame: BookFrame, usages: BandUsages, cash: CashThresholds, made: RuleTargets) -> None:
    """Check again whether excess cash is $10 or more, for accounts that are to keep their reachable cash (R-61).

    For these accounts, reachable cash replaces cash weight × equity. Changes `cash`.
    """
    boxed = np.flatnonzero(made.columns.boxed)
    rows = made.columns.rows[boxed]
    free, count = usages.cash[rows], frame.table.count[usages.follows[rows]]
    above = free - np.maximum(made.cash[boxed], dollars(frame.accounts.cash_floor[rows])) - MIN_INVEST_DOLLARS
    margin = made.margin(boxed, free)
    cash.has_investable_cash[rows] = above >= 0
    cash.near[rows] = (np.abs(above) <= margin) | (np.abs(made.equity[boxed] - count) <= margin) | (free < 0)
