"""What a decision about an account depends on, as bits, and the decision for every combination of them (R-10)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntFlag
from functools import cache

import numpy as np
import numpy.typing as npt

from rebal_tui.domain.decisions import Outcome

Codes = npt.NDArray[np.uint8]
Facts = npt.NDArray[np.uint16]

OUTCOMES = tuple(Outcome)
"""An account's outcome code is a place in this."""
CHECKS = (
    *("", "window", "portfolio_status", "account", "reconciliation", "open_orders", "quota", "prices", "assets"),
    *("first_rebalance", "in_cooldown", "calendar", "drift_band", "minimum_equity", "invest_cash"),
)
"""A check's code is its place in this, in the order they are asked; 0 is none."""
NOT_EVALUATED = 255
"""The outcome code of an account that follows no portfolio."""
_CHECK = {name: code for code, name in enumerate(CHECKS)}
_OUTCOME = {outcome: code for code, outcome in enumerate(OUTCOMES)}


class Fact(IntFlag):
    """The first seven fail the checks after the window, in the order these are asked. `DUE` is a calendar day,
    `DRIFTED` a breached band, `SUFFICES` the minimum equity, `INVESTS` enough excess cash, `ASSETS` a portfolio that
    has any."""

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
    SUFFICES = 2048
    INVESTS = 4096
    ASSETS = 8192
    UNSUBSCRIBED = 16384


_FIRST_FAILING = _CHECK["portfolio_status"]
_FAILING = 7


@dataclass(frozen=True, slots=True, eq=False)
class Ruling:
    """One entry for every combination of facts: the outcome, the check that decides it, and a bit (1 << code) for every
    check that failed, fired or held back."""

    outcome: Codes
    check: Codes
    told: Facts


@cache
def ruling(open_window: bool) -> Ruling:
    """The decision by facts, inside the window of evaluations or outside of it."""
    facts = np.arange(2 * int(Fact.UNSUBSCRIBED))

    def has(fact: Fact) -> npt.NDArray[np.bool_]:
        return np.asarray(facts & int(fact) != 0)

    check = np.zeros(len(facts), np.uint8)
    for place in reversed(range(_FAILING)):
        check[facts >> place & 1 != 0] = _FIRST_FAILING + place
    if not open_window:
        check[:] = _CHECK["window"]
    passed = check == 0
    first, suffices = passed & has(Fact.FIRST), has(Fact.SUFFICES)
    again = passed & ~first
    cooling, due = again & has(Fact.COOLING), again & has(Fact.DUE)
    by_calendar = due & ~cooling
    drifted = again & has(Fact.DRIFTED) & ~by_calendar
    fires = first | by_calendar | (drifted & ~cooling)
    short, full = fires & ~suffices, fires & suffices
    invest = passed & ~full & has(Fact.INVESTS) & has(Fact.ASSETS)
    told = np.where(passed, 0, 1 << check.astype(np.int64))
    for name, holds, tells in (
        ("in_cooldown", cooling, cooling & ~full),
        ("calendar", due, due),
        ("drift_band", drifted, drifted),
        ("first_rebalance", first, first),
        ("minimum_equity", short, short),
        ("invest_cash", invest, invest),
    ):
        told |= np.where(holds, 1 << _CHECK[name], 0)
        check[tells] = _CHECK[name]
    outcome = np.full(len(facts), _OUTCOME[Outcome.NONE], np.uint8)
    if open_window:
        outcome[~passed] = _OUTCOME[Outcome.BLOCKED]
    outcome[full] = _OUTCOME[Outcome.FULL_REBALANCE]
    outcome[invest] = _OUTCOME[Outcome.INVEST_CASH]
    left_out = has(Fact.UNSUBSCRIBED)
    outcome[left_out], check[left_out], told[left_out] = NOT_EVALUATED, 0, 0
    return Ruling(outcome, check, told.astype(np.uint16))
