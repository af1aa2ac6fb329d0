"""Two thresholds that evaluation and sweep share: 6:1 and excess cash, screened in floats."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rebal_tui.engine.arrays.frame import BookFrame
from rebal_tui.engine.arrays.layout import Flags, Floats
from rebal_tui.engine.arrays.passes import dollars
from rebal_tui.engine.restrictions import MAX_POSITION_TO_EQUITY

NEAR = 1e-9
"""How near a threshold, as a share of what is compared, the exact form is asked. Floats here err by less than 1e-12."""
_THIN = 0.01
"""Equity below this share of what is held and owed loses too many digits to be compared in floats."""
_LEAST_INVESTED = 10.0


@dataclass(frozen=True, slots=True, eq=False)
class CashScreen:
    """By account, in floating dollars: `gross` is what is held and owed. `exceeds_ratio` is 6:1 (R-40), `invests` an
    excess cash of $10 or more (R-14.5); `near` marks the accounts where only the exact form can tell."""

    gross: Floats
    exceeds_ratio: Flags
    invests: Flags
    near: Flags


def screen_cash(frame: BookFrame, equity: Floats, invested: Floats) -> CashScreen:
    """Every account against 6:1 and $10."""
    accounts, table = frame.accounts, frame.table
    cash, reserved, floor = (dollars(a) for a in (accounts.cash, accounts.reserved, accounts.cash_floor))
    gross = np.abs(cash) + invested
    keep = np.maximum(np.maximum(equity, 0) * (table.cash_weight[accounts.portfolio] / 10_000), floor)
    above = cash - reserved - keep - _LEAST_INVESTED
    over = invested - MAX_POSITION_TO_EQUITY * equity
    near = (np.abs(over) <= gross * NEAR) | (equity < gross * _THIN)
    near &= gross > 0
    near |= np.abs(above) <= (gross + np.abs(reserved) + np.abs(floor)) * 1e-12 + NEAR
    near &= accounts.portfolio >= 0
    exceeds = (invested > 0) & ((equity <= 0) | (over > 0))
    return CashScreen(gross, exceeds, above >= 0, near)
