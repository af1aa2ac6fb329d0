"""Evaluation of a whole book: every account's outcome and the check that decides it (R-10 to R-18)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from rebal_tui.domain.decisions import REPORTED, Check, Outcome, Verdict
from rebal_tui.engine.arrays.band_usage import BandUsages, Rows, band_usages
from rebal_tui.engine.arrays.cash_thresholds import CashThresholds, check_cash_thresholds
from rebal_tui.engine.arrays.day_context import DayContext
from rebal_tui.engine.arrays.decision_table import (
    CHECKS,
    NOT_EVALUATED,
    OUTCOMES,
    Checks,
    Codes,
    DecisionInput,
    DecisionInputs,
    decision_table,
)
from rebal_tui.engine.arrays.exact import exact_account
from rebal_tui.engine.arrays.exact_triggers import conflicting, decide_with_rules, exact_triggers
from rebal_tui.engine.arrays.frame import BLOCKING_MARKS, PAUSING_MARKS, UNSUBSCRIBED, BookFrame, Mark
from rebal_tui.engine.arrays.kernels import any_other, any_weight
from rebal_tui.engine.arrays.memory_layout import Flags, Floats
from rebal_tui.engine.arrays.serving import sure_serving
from rebal_tui.engine.evaluation import deciding_check

_RESTRICTIONS, _PRICES = CHECKS.index("restrictions"), CHECKS.index("prices")
_FIRST_TRIGGER = CHECKS.index("unfinished")
_CHECK_OF_BAND = CHECKS.index("drift_band")
_DRIFT_BAND = np.uint32(1 << _CHECK_OF_BAND)
_BEFORE_UPDATE = np.uint32(
    sum(1 << CHECKS.index(name) for name in ("first_rebalance", "in_cooldown", "portfolio_update", "minimum_equity"))
)
"""Reported checks after which a change of the portfolio is not asked, or is not on target."""
_FULL = OUTCOMES.index(Outcome.FULL_REBALANCE)

__all__ = ["CHECKS", "NOT_EVALUATED", "OUTCOMES", "Decisions", "decide"]


@dataclass(frozen=True, slots=True, eq=False)
class Decisions:
    """One entry per account of a frame, in its order.

    `outcome` is an index in `OUTCOMES` or `NOT_EVALUATED`, `check` the index in `CHECKS` of the check that the
    decision's reason names. `reported` has a bit (1 << index) for every check that failed, fired, held back
    or cannot be corrected. `equity`
    is managed equity in floating dollars, right to about 15 digits. `confirmed` counts accounts decided by the exact
    form. `cannot` has the last trigger that no order can correct by row, as (check, detail).
    """

    outcome: Codes
    check: Codes
    reported: Checks
    equity: Floats
    confirmed: int
    cannot: dict[int, tuple[str, str]] = field(default_factory=dict)

    def asked(self) -> Flags:
        """The accounts whose triggers were evaluated: those that meet all prerequisites."""
        return np.asarray(((self.check == 0) | (self.check >= _FIRST_TRIGGER)) & (self.outcome != NOT_EVALUATED))

    def where(self, outcome: Outcome) -> npt.NDArray[np.intp]:
        """The rows of the accounts with an outcome."""
        return np.flatnonzero(self.outcome == OUTCOMES.index(outcome))

    def updates_on_target(self, frame: BookFrame, day_context: DayContext) -> Rows:
        """The rows of accounts whose changed portfolio is due, but finds every asset on its target (R-14.6)."""
        due = (frame.accounts.update_until >= day_context.day) & (self.outcome != _FULL)
        return np.flatnonzero(due & self.asked() & (self.reported & _BEFORE_UPDATE == 0))

    def reported_checks(self, row: int) -> list[str]:
        """Names of the account's reported checks, in order."""
        return [name for code, name in enumerate(CHECKS) if code and self.reported[row] >> code & 1]


def decide(frame: BookFrame, day_context: DayContext) -> Decisions:
    """Decide for every account whether it needs a run, and which, with the outcomes of `evaluate`."""
    usages = band_usages(frame)
    cash, breach, confirmed = _thresholds(frame, usages)
    inputs = _of_portfolios(frame, day_context)[usages.follows]
    for decision_input, holds in _of_accounts(frame, day_context, usages, cash):
        inputs |= holds * np.uint16(decision_input)
    inputs |= breach * np.uint16(DecisionInput.DRIFTED)
    table, row = decision_table(day_context.open_window), inputs.astype(np.intp)
    made = Decisions(table.outcome[row], table.check[row], table.reported[row], usages.equity, confirmed)
    ruled = frame.accounts.ruled
    rows = np.setdiff1d(_unsure(frame, usages, made), ruled)
    for one in rows.tolist():
        _record(made, one, *exact_triggers(frame, one, day_context))
    for one in ruled.tolist():
        _decide_with_rules(frame, one, day_context, made)
    return replace(made, confirmed=confirmed + len(rows) + len(ruled))


def _unsure(frame: BookFrame, usages: BandUsages, made: Decisions) -> Rows:
    """The accounts whose triggers the exact form must decide, because it is not sure that their plans serve them."""
    evaluated = made.asked()
    full = evaluated & (made.outcome == _FULL)
    drifted = evaluated & (made.reported & _DRIFT_BAND != 0)
    rows = np.flatnonzero(full | drifted)
    by_band = drifted[rows]
    sure = sure_serving(frame, usages, rows, by_band)
    served = np.where(by_band, sure.band, sure.any_order)
    unsure = rows[np.where(full[rows], ~served, ~sure.worth)]
    undone = [row for row in frame.accounts.unfinished if evaluated[row]]
    return np.union1d(unsure, np.array(undone, np.intp))


def _decide_with_rules(frame: BookFrame, row: int, day_context: DayContext, made: Decisions) -> None:
    """Replace the entries of an account with rules, from the check of restrictions on (R-60)."""
    check = int(made.check[row])
    if made.outcome[row] == NOT_EVALUATED or 0 < check < _RESTRICTIONS:
        return
    if _RESTRICTIONS < check < _PRICES:
        # An open run or a used quota stops the account, unless its restrictions stop it before.
        if conflicting(frame, row, day_context):
            made.check[row], made.reported[row] = _RESTRICTIONS, 1 << _RESTRICTIONS
        return
    _record(made, row, *decide_with_rules(frame, row, day_context))


def _record(made: Decisions, row: int, outcome: Outcome, trace: tuple[Check, ...]) -> None:
    """Replace the entries of one account."""
    deciding = deciding_check(trace, outcome)
    made.outcome[row] = OUTCOMES.index(outcome)
    made.check[row] = CHECKS.index(deciding.check) if deciding else 0
    for check in trace:
        if check.verdict is Verdict.CANNOT:
            made.cannot[row] = (check.check, check.detail)
    made.reported[row] = sum(1 << CHECKS.index(check.check) for check in trace if check.verdict in REPORTED)


def _of_portfolios(frame: BookFrame, day_context: DayContext) -> DecisionInputs:
    """By portfolio, the inputs that all its accounts share."""
    table = frame.table
    inputs = np.zeros(len(table.count), np.uint16)
    for decision_input, holds in (
        (DecisionInput.PORTFOLIO_INACTIVE, ~table.active),
        (DecisionInput.PRICES_FAIL, any_weight(frame, ~day_context.fresh)),
        (DecisionInput.INELIGIBLE, any_weight(frame, ~frame.assets.eligible)),
        (DecisionInput.DUE, day_context.calendar),
        (DecisionInput.ASSETS, table.count > 0),
    ):
        inputs |= holds * np.uint16(decision_input)
    inputs[UNSUBSCRIBED] = DecisionInput.UNSUBSCRIBED
    return inputs


def _of_accounts(
    frame: BookFrame, day_context: DayContext, usages: BandUsages, cash: CashThresholds
) -> Iterator[tuple[DecisionInput, Flags]]:
    """The inputs of each account."""
    accounts = frame.accounts
    stopped = accounts.marks & BLOCKING_MARKS != 0
    # With a holding without a price, `evaluate` has no valuation and does not check the ratio.
    if cash.exceeds_ratio.any():
        stopped |= cash.exceeds_ratio & ~_holds_any(frame, frame.assets.price == 0)
    yield DecisionInput.STOPPED, stopped
    yield DecisionInput.UNRECONCILED, accounts.marks & PAUSING_MARKS != 0
    yield DecisionInput.OPEN_ORDERS, accounts.marks & int(Mark.OPEN_RUN | Mark.EXTERNAL_ORDERS) != 0
    yield DecisionInput.RAN_TODAY, accounts.system_run_on == day_context.day
    yield DecisionInput.FIRST, accounts.rebalanced_on < 0
    yield DecisionInput.COOLING, accounts.rebalanced_on > (day_context.day - frame.table.cooldown)[usages.follows]
    yield DecisionInput.MINIMUM_EQUITY, cash.meets_minimum_equity
    again = accounts.propose_on == day_context.day
    if again.any():
        has_calendar = np.array([*(p.calendar is not None for p in frame.portfolios), False], np.bool_)
        yield DecisionInput.DUE, again & has_calendar[usages.follows]
    yield DecisionInput.UPDATED, accounts.update_until >= day_context.day
    yield DecisionInput.INVESTABLE_CASH, cash.has_investable_cash
    yield DecisionInput.PRICES_FAIL, any_other(frame, ~day_context.fresh)


def _thresholds(frame: BookFrame, usages: BandUsages) -> tuple[CashThresholds, Flags, int]:
    """Cash thresholds, band breaches and the number of accounts decided by the exact form, which are those near one."""
    cash, breach = check_cash_thresholds(frame, usages), usages.usage > 1
    # Farther from a threshold than the error, float and exact value are on the same side of it.
    near = cash.near
    near[usages.near(np.abs(usages.usage - 1))] = True
    near &= frame.accounts.portfolio != UNSUBSCRIBED
    rows = np.flatnonzero(near)
    for row in rows:
        exact = exact_account(frame, int(row))
        breach[row], cash.exceeds_ratio[row] = exact.breached, exact.exceeds_ratio
        cash.meets_minimum_equity[row], cash.has_investable_cash[row] = (
            exact.meets_minimum_equity,
            exact.has_investable_cash,
        )
    return cash, breach, len(rows)


def _holds_any(frame: BookFrame, assets: Flags) -> Flags:
    """By account, whether it holds any asset flagged in `assets`."""
    found = any_other(frame, assets)
    concerned = any_weight(frame, assets)
    padded = np.append(assets, False)
    for block in frame.blocks:
        for member in np.flatnonzero(concerned[block.members]):
            first, last = np.searchsorted(block.local, (member, member + 1))
            slots = np.flatnonzero(padded[block.asset[:, member]])
            found[block.rows[first:last]] |= (block.qty[slots, first:last] != 0).any(axis=0)
    return found
