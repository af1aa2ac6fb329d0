"""The accounts whose restrictions exclude each other (R-60)."""

from __future__ import annotations

import numpy as np

from rebal_tui.domain.quantities import Money
from rebal_tui.engine.arrays.band_usage import band_usages
from rebal_tui.engine.arrays.exact_triggers import assets_of_frame
from rebal_tui.engine.arrays.frame import BookFrame
from rebal_tui.engine.arrays.rule_columns import rule_columns
from rebal_tui.engine.arrays.rule_targets import rule_targets
from rebal_tui.engine.bounds import RestrictionsConflict
from rebal_tui.engine.plan_lines import Holdings
from rebal_tui.engine.planning import plan_goals


def conflicts(frame: BookFrame) -> dict[int, str]:
    """By account row, why restrictions exclude each other, as display text. Other accounts are left out."""
    if not frame.accounts.rules:
        return {}
    columns = rule_columns(frame)
    if not columns.boxed.any():
        return {}
    targets = rule_targets(frame, band_usages(frame), columns)
    found = {}
    for row in columns.rows[np.flatnonzero(columns.boxed & targets.unsure)].tolist():
        text = _conflict(frame, row)
        if text:
            found[row] = text
    return found


def _conflict(frame: BookFrame, row: int) -> str:
    weights, held = frame.followed(row).weights, frame.holdings(row)
    cash = Money(int(frame.accounts.cash[row]) - int(frame.accounts.reserved[row]))
    assets = assets_of_frame(frame, {*held, *weights.symbols})
    start = Holdings(cash, held, assets, frame.rules_of(row))
    unmanaged = start.rules.unmanaged
    if any(assets[symbol].price is None for symbol in {*held, *weights.symbols} - unmanaged):
        return ""
    try:
        plan_goals(start, weights, start.equity)
    except RestrictionsConflict as conflict:
        return str(conflict)
    return ""
