"""Limits of an account's cash and equity, compared in floats.

They are: positions worth at most 6 × equity (R-40), excess cash of at least $10 (R-14.7), and equity of at least $1
for each asset of the portfolio (R-14).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rebal_tui.engine.arrays.band_usage import BandUsages
from rebal_tui.engine.arrays.frame import BookFrame
from rebal_tui.engine.arrays.kernels import dollars
from rebal_tui.engine.arrays.memory_layout import Flags
from rebal_tui.engine.restrictions import MAX_POSITION_TO_EQUITY

RELATIVE_TOLERANCE = 1e-9
"""Distance to a threshold, as a share of the compared amounts, within which the exact form decides.

The float error is about n * 1.1e-16 of these amounts for n holdings, so it is far below.
"""
_MIN_EQUITY_SHARE = 0.1
"""Below this share of holdings plus cash owed, equity is a difference that loses too many digits."""
MIN_INVEST_DOLLARS = 10.0


@dataclass(frozen=True, slots=True, eq=False)
class CashThresholds:
    """One entry per account. `near` marks accounts too close to a threshold for floats: the exact form must decide.

    `exceeds_ratio`: positions are worth more than 6 times equity (R-40). `has_investable_cash`: excess cash is $10 or
    more (R-14.7). `meets_minimum_equity`: managed equity is at least $1 × the number of assets of the portfolio (R-14).
    """

    exceeds_ratio: Flags
    has_investable_cash: Flags
    meets_minimum_equity: Flags
    near: Flags


def check_cash_thresholds(frame: BookFrame, usages: BandUsages) -> CashThresholds:
    """Compare every account with the limits of `CashThresholds`.

    They are: positions of at most 6 × equity, excess cash of $10, and equity of $1 for each asset of the portfolio.
    """
    near = np.zeros(len(frame), np.bool_)
    exceeds, has_investable_cash = _exceeds_ratio(frame, usages, near), _has_investable_cash(frame, usages, near)
    return CashThresholds(exceeds, has_investable_cash, _meets_minimum_equity(frame, usages, near), near)


def _exceeds_ratio(frame: BookFrame, usages: BandUsages, near: Flags) -> Flags:
    exceeds = np.zeros(len(near), np.bool_)
    # Without booked cash owed, holdings never exceed booked equity. Reservations only make `usages.cash` smaller.
    rows = np.flatnonzero(usages.cash < 0)
    reserved = dollars(frame.accounts.reserved[rows])
    managed, owed = usages.equity[rows], -usages.cash[rows]
    held, equity = managed + owed, managed + reserved
    over = held - MAX_POSITION_TO_EQUITY * equity
    exceeds[rows] = ((equity <= 0) | (over > 0)) & (owed > reserved)
    near[rows] |= (np.abs(over) <= (held + owed) * RELATIVE_TOLERANCE) | (managed < (held + owed) * _MIN_EQUITY_SHARE)
    return exceeds


def _has_investable_cash(frame: BookFrame, usages: BandUsages, near: Flags) -> Flags:
    # All steps write into one array: at 100,000 accounts, fresh memory costs more than the arithmetic.
    above = (frame.table.cash_weight / 10_000)[usages.follows]
    above *= usages.equity
    np.maximum(above, dollars(frame.accounts.cash_floor), out=above)
    np.subtract(usages.cash, above, out=above)
    above -= MIN_INVEST_DOLLARS
    reaches = np.asarray(above >= 0)
    # Near 0, cash is the sum of the other amounts, and cash above 0 is at most equity. So no amount exceeds equity, and
    # the error is at most about n * 1.1e-16 of the largest equity. With cash owed, `above` is -10 or less.
    np.abs(above, out=above)
    near |= above <= float(usages.equity.max(initial=0)) * 4e-12 + RELATIVE_TOLERANCE
    return reaches


def _meets_minimum_equity(frame: BookFrame, usages: BandUsages, near: Flags) -> Flags:
    count = frame.table.count
    # All other accounts exceed the largest minimum of any portfolio by at least $1.
    rows = np.flatnonzero(usages.equity < count.max() + 1)
    least = count[usages.follows[rows]]
    spare = usages.equity[rows] - least
    meets_minimum_equity = np.ones(len(near), np.bool_)
    meets_minimum_equity[rows] = spare >= 0
    near[rows] |= np.abs(spare) <= (1 + least) * 10 * RELATIVE_TOLERANCE
    return meets_minimum_equity
