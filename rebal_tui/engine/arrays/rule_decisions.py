"""Decisions of accounts with trading rules, by floats with a margin (R-60).

Where floats cannot decide with certainty, the account is left to the exact form.
"""

from __future__ import annotations

from datetime import date

import numpy as np

from rebal_tui.domain.decisions import Outcome
from rebal_tui.engine.arrays.band_usage import Rows
from rebal_tui.engine.arrays.day_context import DayContext
from rebal_tui.engine.arrays.decision_table import (
    CHECKS,
    NOT_EVALUATED,
    OUTCOMES,
    DecisionInput,
    DecisionInputs,
    DecisionTable,
)
from rebal_tui.engine.arrays.decisions import Decisions
from rebal_tui.engine.arrays.frame import BookFrame
from rebal_tui.engine.arrays.memory_layout import Flags
from rebal_tui.engine.arrays.rule_columns import RuleColumns
from rebal_tui.engine.arrays.rule_serving import sure_of_full_rebalances, sure_of_invest_cash
from rebal_tui.engine.arrays.rule_targets import RuleTargets
from rebal_tui.engine.calendar import fires_on

_RESTRICTIONS, _PRICES = CHECKS.index("restrictions"), CHECKS.index("prices")
_DRIFT_BAND = np.uint32(1 << CHECKS.index("drift_band"))
_FULL, _INVEST = OUTCOMES.index(Outcome.FULL_REBALANCE), OUTCOMES.index(Outcome.INVEST_CASH)
_NONE = OUTCOMES.index(Outcome.NONE)
_FIRST, _CALENDAR, _BAND, _UPDATE = (
    CHECKS.index(name) for name in ("first_rebalance", "calendar", "drift_band", "portfolio_update")
)
_AFTER_FIRST = (DecisionInput.COOLING, DecisionInput.DUE, DecisionInput.DRIFTED, DecisionInput.UPDATED)
"""Triggers that are not evaluated after a first rebalance, whether or not it fires."""


def stagger_due_days(frame: BookFrame, day_context: DayContext, columns: RuleColumns, inputs: DecisionInputs) -> None:
    """Set or clear the bit `DUE` in `inputs` (a calendar rebalance is due) for accounts with a turn (R-66).

    These are the accounts that trade some sessions after their calendar condition fires.
    """
    if not len(columns.stagger):
        return
    rows = columns.rows[columns.stagger]
    follows = frame.accounts.portfolio[rows].astype(np.int64)
    asked = np.stack((follows, columns.stagger_day, columns.stagger_next_day))
    unique, entry = np.unique(asked, axis=1, return_inverse=True)
    due = np.array([_due(frame, day_context, *one) for one in unique.T.tolist()], np.bool_)[entry.reshape(-1)]
    due |= frame.accounts.propose_on[rows] == day_context.day
    bit = np.uint16(DecisionInput.DUE)
    inputs[rows] = np.where(due, inputs[rows] | bit, inputs[rows] & ~bit)


def _due(frame: BookFrame, day_context: DayContext, portfolio: int, day: int, next_day: int) -> bool:
    condition, session = frame.portfolios[portfolio].calendar, day_context.session
    if condition is None or session is None or session.next_day is None:
        return False
    asked, following = date.fromordinal(day), date.fromordinal(next_day)
    return fires_on(condition, asked, following, day_context.quarterly_months) is not None


def decide_rules(
    frame: BookFrame, targets: RuleTargets, inputs: DecisionInputs, table: DecisionTable, made: Decisions
) -> Rows:
    """Correct in `made` the decisions of accounts with trading rules, where floats decide with certainty.

    Returns the rows of the accounts with rules that the exact form must decide.
    """
    columns, rows = targets.columns, targets.columns.rows
    _hold(made, rows[columns.hold])
    by_exact = targets.unsure & ~columns.hold
    left_out = np.zeros(len(columns), np.bool_)
    left_out[columns.lines.account[columns.lines.unmanaged]] = True
    # Unmanaged holdings need no price.
    by_exact |= left_out & (made.check[rows] == _PRICES)
    asked = made.asked(rows) & ~by_exact
    undone = np.array([row for row in frame.accounts.unfinished if columns.index[row] >= 0], np.intp)
    by_exact[columns.index[undone]] |= asked[columns.index[undone]]
    asked &= ~by_exact
    fires = np.flatnonzero(asked & ((made.outcome[rows] == _FULL) | (made.reported[rows] & _DRIFT_BAND != 0)))
    doubtful, cannot = _full_rebalances(frame, targets, fires, inputs)
    by_exact[fires[doubtful]] = True
    _look_up(table, inputs, made, rows[fires[~doubtful]])
    invests = np.flatnonzero(asked & ~by_exact & (made.outcome[rows] == _INVEST))
    buys, keeps = sure_of_invest_cash(frame, targets, invests)
    by_exact[invests[~buys & ~keeps]] = True
    idle = rows[invests[keeps]]
    inputs[idle] &= ~np.uint16(DecisionInput.INVESTABLE_CASH)
    _look_up(table, inputs, made, idle)
    for check, stuck in cannot:
        _cannot(made, rows[fires[stuck & ~doubtful]], check)
    return rows[by_exact]


def _full_rebalances(
    frame: BookFrame, targets: RuleTargets, entries: Rows, inputs: DecisionInputs
) -> tuple[Flags, list[tuple[int, Flags]]]:
    """Clear the triggers in `inputs` that surely do not fire.

    Returns a flag per requested account, whether a trigger of it is not sure; and by check, in order, a flag per
    account, whether the drift of its trigger surely cannot be corrected.
    """
    columns, rows = targets.columns, targets.columns.rows[entries]
    sure = sure_of_full_rebalances(frame, targets, entries)
    held = {one: np.asarray(inputs[rows] & np.uint16(one) != 0) for one in DecisionInput}

    def clear(one: DecisionInput, holds: Flags) -> None:
        inputs[rows[holds]] &= ~np.uint16(one)

    cooling, enough = held[DecisionInput.COOLING], held[DecisionInput.MINIMUM_EQUITY]
    none, to_target = sure.kept_back | sure.stuck, sure.orders & sure.off
    first = held[DecisionInput.FIRST]
    first_ends = first & enough & none & ~sure.first
    doubtful = first & enough & ~sure.first & ~none
    for one in (DecisionInput.FIRST, *_AFTER_FIRST):
        clear(one, first_ends)
    due = held[DecisionInput.DUE] & ~first & ~cooling
    due_ends = due & enough & (sure.on | none)
    clear(DecisionInput.DUE, due_ends)
    doubtful |= due & enough & ~sure.on & ~none & ~to_target
    by_calendar = due & ~due_ends
    drifted = held[DecisionInput.DRIFTED] & ~first & ~by_calendar
    doubtful |= drifted & (columns.early[entries] | (~sure.idle & ~sure.worth))
    band_asked = drifted & ~sure.idle & ~cooling & enough
    band_ends = band_asked & none
    clear(DecisionInput.DRIFTED, (drifted & sure.idle) | band_ends)
    doubtful |= band_asked & ~none & ~sure.served
    by_band = drifted & ~sure.idle & ~cooling & ~band_ends
    updated = held[DecisionInput.UPDATED] & ~first & ~cooling & ~by_calendar & ~by_band & enough
    clear(DecisionInput.UPDATED, updated & (sure.on | none))
    doubtful |= updated & ~sure.on & ~none & ~to_target
    return doubtful, [
        (_FIRST, first_ends & sure.stuck),
        (_CALENDAR, due_ends & ~sure.on & sure.stuck),
        (_BAND, band_ends & sure.stuck),
        (_UPDATE, updated & ~sure.on & sure.stuck),
    ]


def _cannot(made: Decisions, rows: Rows, check: int) -> None:
    """Report a trigger whose drift no order can correct; it is the deciding check where no later check is (R-14)."""
    made.reported[rows] |= np.uint32(1 << check)
    nothing = made.outcome[rows] == _NONE
    made.check[rows] = np.where(nothing, np.maximum(made.check[rows], check), made.check[rows])
    made.cannot.update(dict.fromkeys(rows.tolist(), (CHECKS[check], "")))


def _hold(made: Decisions, rows: Rows) -> None:
    """Block accounts that a hold restriction stops, unless an earlier check stops them (R-60)."""
    check = made.check[rows]
    held = rows[((check == 0) | (check > _RESTRICTIONS)) & (made.outcome[rows] != NOT_EVALUATED)]
    made.outcome[held] = OUTCOMES.index(Outcome.BLOCKED)
    made.check[held], made.reported[held] = _RESTRICTIONS, 1 << _RESTRICTIONS


def _look_up(table: DecisionTable, inputs: DecisionInputs, made: Decisions, rows: Rows) -> None:
    found = inputs[rows].astype(np.intp)
    made.outcome[rows], made.check[rows] = table.outcome[found], table.check[found]
    made.reported[rows] = table.reported[found]
