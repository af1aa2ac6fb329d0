"""Evaluation of a whole book: every account's outcome, and the check that decides it (R-10 to R-18)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from rebal_tui.domain.decisions import Outcome
from rebal_tui.engine.arrays.band_usage import BandUsages, Rows, band_usages
from rebal_tui.engine.arrays.cash_thresholds import CashThresholds, check_cash_thresholds
from rebal_tui.engine.arrays.day_context import DayContext
from rebal_tui.engine.arrays.decision_table import (
    CHECKS,
    NOT_EVALUATED,
    OUTCOMES,
    DecisionInput,
    DecisionInputs,
    decision_table,
)
from rebal_tui.engine.arrays.decisions import Decisions
from rebal_tui.engine.arrays.exact import exact_account
from rebal_tui.engine.arrays.exact_triggers import conflicting, decide_with_rules, exact_triggers
from rebal_tui.engine.arrays.frame import BLOCKING_MARKS, PAUSING_MARKS, UNSUBSCRIBED, BookFrame, Mark
from rebal_tui.engine.arrays.kernels import any_other, any_weight
from rebal_tui.engine.arrays.memory_layout import Flags
from rebal_tui.engine.arrays.rule_columns import rule_columns
from rebal_tui.engine.arrays.rule_decisions import decide_rules, stagger_due_days
from rebal_tui.engine.arrays.rule_targets import (
    RuleTargets,
    check_reachable_cash,
    rule_targets,
    use_reachable_targets,
)
from rebal_tui.engine.arrays.serving import sure_serving

_RESTRICTIONS, _PRICES = CHECKS.index("restrictions"), CHECKS.index("prices")
_DRIFT_BAND = np.uint32(1 << CHECKS.index("drift_band"))
_FULL = OUTCOMES.index(Outcome.FULL_REBALANCE)

__all__ = ["CHECKS", "NOT_EVALUATED", "OUTCOMES", "Decisions", "decide"]


def decide(frame: BookFrame, day_context: DayContext) -> Decisions:
    """Decide for every account whether it needs a run, and of which type, with the same outcomes as `evaluate`."""
    usages = band_usages(frame)
    targets = None
    if frame.accounts.rules:
        targets = rule_targets(frame, usages, rule_columns(frame))
        use_reachable_targets(usages, targets)
    cash, breach, confirmed = _thresholds(frame, usages, targets)
    inputs = _of_portfolios(frame, day_context)[usages.follows]
    for decision_input, holds in _of_accounts(frame, day_context, usages, cash):
        _set(inputs, decision_input, holds)
    _set(inputs, DecisionInput.DRIFTED, breach)
    if targets is not None:
        stagger_due_days(frame, day_context, targets.columns, inputs)
    table, row = decision_table(day_context.open_window), inputs.astype(np.intp)
    made = Decisions(table.outcome[row], table.check[row], table.reported[row], usages.equity, confirmed)
    rows = _unsure(frame, usages, made, breach, None if targets is None else targets.columns.rows)
    for one in rows.tolist():
        made.record(one, *exact_triggers(frame, one, day_context))
    by_exact: Rows = np.zeros(0, np.intp)
    if targets is not None:
        by_exact = decide_rules(frame, targets, inputs, table, made)
        for one in by_exact.tolist():
            _decide_with_rules(frame, one, day_context, made)
    return replace(made, confirmed=confirmed + len(rows) + len(by_exact))


def _set(inputs: DecisionInputs, decision_input: DecisionInput, holds: Flags) -> None:
    """Set one bit of `inputs` for the accounts flagged in `holds`."""
    # Most bits hold for no account of a book, and to see that is much cheaper than to write.
    if holds.any():
        inputs |= holds * np.uint16(decision_input)


def _unsure(frame: BookFrame, usages: BandUsages, made: Decisions, breach: Flags, ruled: Rows | None) -> Rows:
    """The rows of accounts without trading rules whose triggers the exact form must decide.

    These are the accounts for which floats cannot show whether the plan has the orders that its trigger needs.
    `breach`: whether the account exceeds a band. `ruled` are the rows of accounts with rules.
    """
    # Only an account in breach reports its band, so that few accounts are read.
    rows = np.flatnonzero((made.outcome == _FULL) | breach)
    by_band = made.reported[rows] & _DRIFT_BAND != 0
    concerned = made.asked(rows) & ((made.outcome[rows] == _FULL) | by_band)
    if ruled is not None:
        concerned &= ~np.isin(rows, ruled)
    rows, by_band = rows[concerned], by_band[concerned]
    full = made.outcome[rows] == _FULL
    sure = sure_serving(frame, usages, rows, by_band)
    served = np.where(by_band, sure.band, sure.any_order)
    unsure: Rows = rows[np.where(full, ~served, ~sure.worth)]
    if not frame.accounts.unfinished:
        return unsure
    undone = np.array([*frame.accounts.unfinished], np.intp)
    undone = undone[made.asked(undone)]
    return np.union1d(unsure, undone if ruled is None else np.setdiff1d(undone, ruled))


def _decide_with_rules(frame: BookFrame, row: int, day_context: DayContext, made: Decisions) -> None:
    """Replace the entries of the account at `row`, which has trading rules, by the decision of the exact form.

    The checks before the check of restrictions (R-60) are kept.
    """
    check = int(made.check[row])
    if made.outcome[row] == NOT_EVALUATED or 0 < check < _RESTRICTIONS:
        return
    if _RESTRICTIONS < check < _PRICES:
        # An open run or a used quota stops the account, unless its restrictions stop it before.
        if conflicting(frame, row, day_context):
            made.check[row], made.reported[row] = _RESTRICTIONS, 1 << _RESTRICTIONS
        return
    made.record(row, *decide_with_rules(frame, row, day_context))


def _of_portfolios(frame: BookFrame, day_context: DayContext) -> DecisionInputs:
    """By portfolio, the bits of the decision inputs that all its accounts share."""
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
    """The bits that depend on the account, each with a flag per account."""
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
    since = (day_context.day - frame.table.cooldown).astype(accounts.rebalanced_on.dtype)
    yield DecisionInput.COOLING, accounts.rebalanced_on > since[usages.follows]
    yield DecisionInput.MINIMUM_EQUITY, cash.meets_minimum_equity
    again = accounts.propose_on == day_context.day
    if again.any():
        has_calendar = np.array([*(p.calendar is not None for p in frame.portfolios), False], np.bool_)
        yield DecisionInput.DUE, again & has_calendar[usages.follows]
    yield DecisionInput.UPDATED, accounts.update_until >= day_context.day
    yield DecisionInput.INVESTABLE_CASH, cash.has_investable_cash
    yield DecisionInput.PRICES_FAIL, any_other(frame, ~day_context.fresh)


def _thresholds(frame: BookFrame, usages: BandUsages, targets: RuleTargets | None) -> tuple[CashThresholds, Flags, int]:
    """Cash thresholds, band breaches, and how many accounts the exact form decided.

    The exact form decides the accounts that are near one of these thresholds.
    """
    cash, breach = check_cash_thresholds(frame, usages), usages.usage > 1
    if targets is not None:
        check_reachable_cash(frame, usages, cash, targets)
    # Farther from a threshold than the error, float and exact value are on the same side of it.
    near = cash.near
    near[usages.near_the_band()] = True
    near &= frame.accounts.portfolio != UNSUBSCRIBED
    if targets is not None:
        # The exact form decides these, but for the ratio, which only cash owed exceeds.
        rows = targets.columns.rows[targets.unsure]
        near[rows] &= usages.cash[rows] < 0
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
