"""Thresholds of an account's cash and equity, screened in floats: 6:1, excess cash and the minimum equity."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rebal_tui.engine.arrays.frame import BookFrame
from rebal_tui.engine.arrays.layout import Flags
from rebal_tui.engine.arrays.passes import dollars
from rebal_tui.engine.arrays.uses import Uses
from rebal_tui.engine.restrictions import MAX_POSITION_TO_EQUITY

NEAR = 1e-9
"""How near a threshold, as a share of what is compared, the exact form is asked. Floats here err by less than 1e-12."""
_THIN = 0.1
"""Equity below this share of what is held and owed loses too many digits to be compared in floats."""
_LEAST_INVESTED = 10.0


@dataclass(frozen=True, slots=True, eq=False)
class CashScreen:
    """By account: `exceeds_ratio` is 6:1 (R-40), `invests` an excess cash of $10 or more (R-14.5), `suffices` an equity
    of $1 or more for each asset of the portfolio (R-14). Where `near`, only the exact form can tell."""

    exceeds_ratio: Flags
    invests: Flags
    suffices: Flags
    near: Flags


def screen_cash(frame: BookFrame, uses: Uses) -> CashScreen:
    """Every account against 6:1, $10 and $1 an asset."""
    near = np.zeros(len(frame), np.bool_)
    exceeds, invests = _exceeds_ratio(uses, near), _invests(frame, uses, near)
    return CashScreen(exceeds, invests, _suffices(frame, uses, near), near)


def _exceeds_ratio(uses: Uses, near: Flags) -> Flags:
    exceeds = np.zeros(len(near), np.bool_)
    rows = np.flatnonzero(uses.cash < 0)  # only with cash owed can holdings exceed equity
    equity, owed = uses.equity[rows], -uses.cash[rows]
    held = equity + owed
    over = held - MAX_POSITION_TO_EQUITY * equity
    exceeds[rows] = (equity <= 0) | (over > 0)
    near[rows] |= (np.abs(over) <= (held + owed) * NEAR) | (equity < (held + owed) * _THIN)
    return exceeds


def _invests(frame: BookFrame, uses: Uses, near: Flags) -> Flags:
    reserved, floor = dollars(frame.accounts.reserved), dollars(frame.accounts.cash_floor)
    keep = uses.equity * (frame.table.cash_weight / 10_000)[uses.follows]
    np.maximum(keep, floor, out=keep)
    above = uses.cash - reserved
    above -= keep
    above -= _LEAST_INVESTED
    # Where that is about 0, no amount in it is larger than equity.
    near |= np.abs(above) <= float(uses.equity.max(initial=0)) * 4e-12 + NEAR
    return np.asarray(above >= 0)


def _suffices(frame: BookFrame, uses: Uses, near: Flags) -> Flags:
    count = frame.table.count
    rows = np.flatnonzero(uses.equity < count.max() + 1)
    least = count[uses.follows[rows]]
    spare = uses.equity[rows] - least
    suffices = np.ones(len(near), np.bool_)
    suffices[rows] = spare >= 0
    near[rows] |= np.abs(spare) <= (1 + least) * 10 * NEAR
    return suffices
