"""Band usage of every account, and the tabs of the Desk that list it, recalculated when prices change (R-15)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntFlag
from functools import cached_property

import numpy as np
import numpy.typing as npt

from rebal_tui.engine.arrays.band_usage import BandUsages, band_usages
from rebal_tui.engine.arrays.cash_thresholds import CashThresholds, check_cash_thresholds
from rebal_tui.engine.arrays.day_context import DayContext
from rebal_tui.engine.arrays.exact import exact_account
from rebal_tui.engine.arrays.exact_triggers import lacks_fresh_price
from rebal_tui.engine.arrays.frame import BLOCKING_MARKS, PAUSING_MARKS, UNSUBSCRIBED, BookFrame
from rebal_tui.engine.arrays.kernels import any_other, any_weight, dollars
from rebal_tui.engine.arrays.memory_layout import Flags, Floats, Indexes, Ints
from rebal_tui.engine.arrays.rule_columns import rule_columns
from rebal_tui.engine.arrays.rule_targets import RuleTargets, check_reachable_cash, rule_targets, use_reachable_targets
from rebal_tui.engine.arrays.worst_drift import NO_ASSET, NO_BAND, WorstDrifts, permille_of, worst_drifts

__all__ = ["NEAR_PERMILLE", "NO_ASSET", "NO_BAND", "Group", "Sweep", "sweep"]

Groups = npt.NDArray[np.uint8]

NEAR_PERMILLE = 800
"""Band usage, in tenths of a percent, at or above which an account is near its band."""


class Group(IntFlag):
    """The tabs of the Desk in which an account is listed, one bit each in `Sweep.groups`.

    `CALENDAR`: a calendar rebalance is due today, and the account is neither in a cooldown nor was it traded today by
    an automatic run (R-16).
    """

    OUTSIDE = 1
    NEAR = 2
    CALENDAR = 4
    CASH = 8
    FIRST = 16
    COOLDOWN = 32
    BLOCKED = 64
    UNABLE = 128


@dataclass(frozen=True, eq=False)
class Sweep:
    """One entry per account of a frame, in its order. All figures except `equity` are exact.

    `equity` includes reservations; it is in floating dollars, accurate to about 15 digits, for sorting and totals.
    `band_used` is the largest band usage in tenths of a percent, rounded down, or `NO_BAND`. `groups` has the bits of
    `Group`; an unsubscribed account has none. `confirmed` counts accounts decided by the exact form.
    """

    frame: BookFrame
    equity: Floats
    band_used: Ints
    groups: Groups
    confirmed: int

    @property
    def worst(self) -> Indexes:
        """The index of the account's asset with the largest band usage, or `NO_ASSET`.

        One entry per account. Without bands, it is the asset farthest from its target. Computed on first access, which
        takes longer than the sweep itself.
        """
        return self._worst.asset

    @property
    def drift(self) -> Ints:
        """The drift of each account's asset in `worst`, in hundredths of a percentage point, rounded half to even.

        Computed together with `worst`.
        """
        return self._worst.drift

    @cached_property
    def _worst(self) -> WorstDrifts:
        return worst_drifts(self.frame, np.arange(len(self.frame)))

    def count(self, group: Group) -> int:
        """The number of accounts that a tab of the Desk lists."""
        return int(np.count_nonzero(self.groups & np.uint8(group)))


def sweep(frame: BookFrame, day_context: DayContext) -> Sweep:
    """The band usage of every account at the frame's prices, and the tabs of the Desk that list the account."""
    usages, targets = band_usages(frame), None
    equity = usages.equity + dollars(frame.accounts.reserved)
    if frame.accounts.rules:
        targets = rule_targets(frame, usages, rule_columns(frame), every_usage=True)
        use_reachable_targets(usages, targets)
    cash = check_cash_thresholds(frame, usages)
    if targets is not None:
        check_reachable_cash(frame, usages, cash, targets)
        cash.near[targets.columns.rows[targets.unsure]] = True
    band_used, outside, confirmed = _confirmed(frame, usages, cash)
    groups = _of_portfolios(frame, day_context)[usages.follows]
    for group, holds in _of_accounts(frame, day_context, usages, cash):
        groups |= holds * np.uint8(group)
    served = (groups & np.uint8(Group.COOLDOWN) != 0) | (frame.accounts.system_run_on == day_context.day)
    groups[served] &= ~np.uint8(Group.CALENDAR)
    groups |= outside * np.uint8(Group.OUTSIDE)
    groups |= (~outside & (band_used >= NEAR_PERMILLE)) * np.uint8(Group.NEAR)
    if targets is not None:
        _clear_unable_by_unmanaged(frame, day_context, targets, groups)
    # Blocked accounts are not checked for prices; `UNABLE` is the bit after `BLOCKED`.
    groups &= ~((groups & np.uint8(Group.BLOCKED)) << 1)
    groups[frame.accounts.portfolio == UNSUBSCRIBED] = 0
    return Sweep(frame, equity, band_used, groups, confirmed)


def _clear_unable_by_unmanaged(frame: BookFrame, day_context: DayContext, targets: RuleTargets, groups: Groups) -> None:
    """Clear the bit `UNABLE` of accounts for which only unmanaged assets lack a fresh price (R-60)."""
    columns = targets.columns
    rows = np.unique(columns.rows[columns.lines.account[columns.lines.unmanaged]])
    for row in rows[groups[rows] & np.uint8(Group.UNABLE) != 0].tolist():
        if not lacks_fresh_price(frame, row, day_context):
            groups[row] &= ~np.uint8(Group.UNABLE)


def _confirmed(frame: BookFrame, usages: BandUsages, cash: CashThresholds) -> tuple[Ints, Flags, int]:
    """Each account's band usage, whether it is outside a band, and how many accounts the exact form decided.

    Entries of `cash` that are near a threshold are replaced by exact ones.
    """
    table, other_accounts = frame.table, frame.others.account
    subscribed = frame.accounts.portfolio != UNSUBSCRIBED
    permille = usages.usage * 1_000
    permille[~(table.banded & (table.count > 0))[usages.follows] | (usages.equity <= 0)] = NO_BAND
    used, outside = np.floor(permille).astype(np.int64), permille > 1_000
    # Rounding down is certain unless the float is within its error of a whole permille; 1,000, the breach, is one too.
    # Near 0, both sides round down to 0. Holdings under a portfolio without assets are always confirmed.
    uncertain = np.zeros(len(frame), np.bool_)
    uncertain[usages.near(np.abs(permille - np.rint(permille)), 1_000)] = True
    uncertain &= permille > 0.5
    uncertain[other_accounts[(table.count == 0)[usages.follows[other_accounts]]]] = True
    rows = np.flatnonzero(uncertain & ~cash.near & subscribed)
    exact_drifts = worst_drifts(frame, rows)
    used[rows], outside[rows] = exact_drifts.band_used, exact_drifts.outside
    rows = np.flatnonzero(cash.near & subscribed)
    for row in rows:
        exact = exact_account(frame, int(row))
        cash.exceeds_ratio[row], cash.has_investable_cash[row] = exact.exceeds_ratio, exact.has_investable_cash
        used[row], outside[row] = permille_of(exact), exact.breached
    return used, outside, exact_drifts.confirmed + len(rows)


def _of_portfolios(frame: BookFrame, day_context: DayContext) -> Groups:
    """By portfolio, the bits of `Group` that all its accounts share."""
    groups = day_context.calendar * np.uint8(Group.CALENDAR)
    groups |= ~frame.table.active * np.uint8(Group.BLOCKED)
    if day_context.open_market:
        groups |= any_weight(frame, ~day_context.fresh) * np.uint8(Group.UNABLE)
    return np.asarray(groups)


def _of_accounts(
    frame: BookFrame, day_context: DayContext, usages: BandUsages, cash: CashThresholds
) -> Iterator[tuple[Group, Flags]]:
    """The bits of `Group` with the accounts that have them, without `OUTSIDE` and `NEAR`."""
    accounts = frame.accounts
    yield Group.CASH, cash.has_investable_cash
    yield Group.FIRST, accounts.rebalanced_on < 0
    yield Group.COOLDOWN, accounts.rebalanced_on > (day_context.day - frame.table.cooldown)[usages.follows]
    yield Group.BLOCKED, (accounts.marks & (BLOCKING_MARKS | PAUSING_MARKS) != 0) | cash.exceeds_ratio
    if day_context.open_market:
        yield Group.UNABLE, any_other(frame, ~day_context.fresh)
