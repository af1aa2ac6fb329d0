"""Thresholds of an account's cash and equity, screened in floats: 6:1, excess cash and the minimum equity."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rebal_tui.engine.arrays.band_usage import BandUsages
from rebal_tui.engine.arrays.frame import BookFrame
from rebal_tui.engine.arrays.kernels import dollars
from rebal_tui.engine.arrays.memory_layout import Flags
from rebal_tui.engine.restrictions import MAX_POSITION_TO_EQUITY

RELATIVE_TOLERANCE = 1e-9
"""How near a threshold, as a share of what is compared, the exact form is asked. Floats here err by less than 1e-12."""
_MIN_EQUITY_SHARE = 0.1
"""Equity below this share of what is held and owed loses too many digits to be compared in floats."""
_MIN_INVEST_DOLLARS = 10.0


@dataclass(frozen=True, slots=True, eq=False)
class CashThresholds:
    """By account: `exceeds_ratio` is 6:1 (R-40), `has_investable_cash` an excess cash of $10 or more (R-14.5),
    `meets_minimum_equity` an equity of $1 or more for each asset of the portfolio (R-14). Where `near`, only the exact
    form can tell."""

    exceeds_ratio: Flags
    has_investable_cash: Flags
    meets_minimum_equity: Flags
    near: Flags


def check_cash_thresholds(frame: BookFrame, usages: BandUsages) -> CashThresholds:
    """Every account against 6:1, $10 and $1 an asset."""
    near = np.zeros(len(frame), np.bool_)
    exceeds, has_investable_cash = _exceeds_ratio(usages, near), _has_investable_cash(frame, usages, near)
    return CashThresholds(exceeds, has_investable_cash, _meets_minimum_equity(frame, usages, near), near)


def _exceeds_ratio(usages: BandUsages, near: Flags) -> Flags:
    exceeds = np.zeros(len(near), np.bool_)
    rows = np.flatnonzero(usages.cash < 0)  # only with cash owed can holdings exceed equity
    equity, owed = usages.equity[rows], -usages.cash[rows]
    held = equity + owed
    over = held - MAX_POSITION_TO_EQUITY * equity
    exceeds[rows] = (equity <= 0) | (over > 0)
    near[rows] |= (np.abs(over) <= (held + owed) * RELATIVE_TOLERANCE) | (equity < (held + owed) * _MIN_EQUITY_SHARE)
    return exceeds


def _has_investable_cash(frame: BookFrame, usages: BandUsages, near: Flags) -> Flags:
    reserved, floor = dollars(frame.accounts.reserved), dollars(frame.accounts.cash_floor)
    cash_target = usages.equity * (frame.table.cash_weight / 10_000)[usages.follows]
    np.maximum(cash_target, floor, out=cash_target)
    above = usages.cash - reserved
    above -= cash_target
    above -= _MIN_INVEST_DOLLARS
    # Where that is about 0, no amount in it is larger than equity.
    near |= np.abs(above) <= float(usages.equity.max(initial=0)) * 4e-12 + RELATIVE_TOLERANCE
    return np.asarray(above >= 0)


def _meets_minimum_equity(frame: BookFrame, usages: BandUsages, near: Flags) -> Flags:
    count = frame.table.count
    rows = np.flatnonzero(usages.equity < count.max() + 1)
    least = count[usages.follows[rows]]
    spare = usages.equity[rows] - least
    meets_minimum_equity = np.ones(len(near), np.bool_)
    meets_minimum_equity[rows] = spare >= 0
    near[rows] |= np.abs(spare) <= (1 + least) * 10 * RELATIVE_TOLERANCE
    return meets_minimum_equity
