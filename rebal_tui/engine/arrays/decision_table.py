"""The inputs of a decision as bits, and a table with the decision for every combination (R-10 to R-18)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntFlag
from functools import cache

import numpy as np
import numpy.typing as npt

from rebal_tui.domain.decisions import Outcome

Codes = npt.NDArray[np.uint8]
DecisionInputs = npt.NDArray[np.uint16]
Checks = npt.NDArray[np.uint32]

OUTCOMES = tuple(Outcome)
"""Outcomes by code."""
CHECKS = (
    *(
        "",
        "window",
        "portfolio_status",
        "account",
        "reconciliation",
        "restrictions",
        "open_orders",
        "quota",
        "prices",
        "assets",
    ),
    *("unfinished", "first_rebalance", "in_cooldown", "calendar", "drift_band", "portfolio_update", "minimum_equity"),
    "invest_cash",
)
"""Checks by code, in order of evaluation; code 0 is none."""
NOT_EVALUATED = 255
"""Outcome code of an account without a subscription."""
_CHECK = {name: code for code, name in enumerate(CHECKS)}
_OUTCOME = {outcome: code for code, outcome in enumerate(OUTCOMES)}


class DecisionInput(IntFlag):
    """What determines the decision for an account, one bit each.

    The first seven are failures of the checks after the check of the window, in order of evaluation. `FIRST`: never
    rebalanced. `COOLING`: in the cooldown. `DUE`: the calendar condition fires. `DRIFTED`: drift exceeds a band.
    `MINIMUM_EQUITY`: equity is at least $1 × the number of assets. `INVESTABLE_CASH`: excess cash is $10 or more.
    `ASSETS`: the portfolio has assets. `UNSUBSCRIBED`: the account has no subscription. `UPDATED`: a rebalance after a
    change of the portfolio is due (R-14.6).
    """

    PORTFOLIO_INACTIVE = 1
    STOPPED = 2
    UNRECONCILED = 4
    OPEN_ORDERS = 8
    RAN_TODAY = 16
    PRICES_FAIL = 32
    INELIGIBLE = 64
    FIRST = 128
    COOLING = 256
    DUE = 512
    DRIFTED = 1024
    MINIMUM_EQUITY = 2048
    INVESTABLE_CASH = 4096
    ASSETS = 8192
    UNSUBSCRIBED = 16384
    UPDATED = 32768


_FAILING = ("portfolio_status", "account", "reconciliation", "open_orders", "quota", "prices", "assets")
"""The checks that the first bits of the inputs fail; restrictions are checked by the exact form (R-60)."""


@dataclass(frozen=True, slots=True, eq=False)
class DecisionTable:
    """The decision for every combination of `DecisionInput` bits, if each trigger's plan can correct the drift.

    The index is the sum of the bits. `outcome` is an index in `OUTCOMES`, `check` one in `CHECKS`. `reported` has a bit
    (1 << index) for every check that failed, fired, or delayed a run (the cooldown).
    """

    outcome: Codes
    check: Codes
    reported: Checks


@cache
def decision_table(open_window: bool) -> DecisionTable:
    """The decision for every combination of inputs; `open_window`: whether the time allows evaluations (R-10)."""
    inputs = np.arange(2 * int(DecisionInput.UPDATED))

    def has(decision_input: DecisionInput) -> npt.NDArray[np.bool_]:
        return np.asarray(inputs & int(decision_input) != 0)

    check = np.zeros(len(inputs), np.uint8)
    # In reverse order, so that the first failing check is the last one written.
    for bit, name in reversed(list(enumerate(_FAILING))):
        check[inputs >> bit & 1 != 0] = _CHECK[name]
    if not open_window:
        check[:] = _CHECK["window"]
    passed = check == 0
    first, meets_minimum_equity = passed & has(DecisionInput.FIRST), has(DecisionInput.MINIMUM_EQUITY)
    rebalanced_before = passed & ~first
    cooling, due = rebalanced_before & has(DecisionInput.COOLING), rebalanced_before & has(DecisionInput.DUE)
    by_calendar = due & ~cooling
    drifted = rebalanced_before & has(DecisionInput.DRIFTED) & ~by_calendar
    by_band = drifted & ~cooling
    updated = rebalanced_before & has(DecisionInput.UPDATED) & ~by_calendar & ~by_band
    fires = first | by_calendar | by_band | (updated & ~cooling)
    short, full = fires & ~meets_minimum_equity, fires & meets_minimum_equity
    invest = passed & ~full & has(DecisionInput.INVESTABLE_CASH) & has(DecisionInput.ASSETS)
    reported = np.where(passed, 0, 1 << check.astype(np.int64))
    for name, holds, decides in (
        ("in_cooldown", cooling, cooling & ~full),
        ("calendar", due, due),
        ("drift_band", drifted, drifted),
        ("portfolio_update", updated, updated),
        ("first_rebalance", first, first),
        ("minimum_equity", short, short),
        ("invest_cash", invest, invest),
    ):
        reported |= np.where(holds, 1 << _CHECK[name], 0)
        check[decides] = _CHECK[name]
    outcome = np.full(len(inputs), _OUTCOME[Outcome.NONE], np.uint8)
    if open_window:
        outcome[~passed] = _OUTCOME[Outcome.BLOCKED]
    outcome[full] = _OUTCOME[Outcome.FULL_REBALANCE]
    outcome[invest] = _OUTCOME[Outcome.INVEST_CASH]
    unsubscribed = has(DecisionInput.UNSUBSCRIBED)
    outcome[unsubscribed], check[unsubscribed], reported[unsubscribed] = NOT_EVALUATED, 0, 0
    return DecisionTable(outcome, check, reported.astype(np.uint32))
