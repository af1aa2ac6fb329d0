"""The evaluation of a whole book: the outcome of every account and the check that decides it (R-10 to R-18)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rebal_tui.domain.decisions import Outcome
from rebal_tui.engine.arrays.cash import NEAR, screen_cash
from rebal_tui.engine.arrays.exact import exact_account
from rebal_tui.engine.arrays.frame import STOPS, UNSUBSCRIBED, BookFrame, Mark
from rebal_tui.engine.arrays.layout import Flags, Floats
from rebal_tui.engine.arrays.passes import any_other, any_weight, dollars, pieces, slot_prices, values_besides
from rebal_tui.engine.arrays.today import Today

Codes = npt.NDArray[np.uint8]

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
_BITS = (1 << np.arange(len(CHECKS))).astype(np.uint16)


@dataclass(frozen=True, slots=True, eq=False)
class Decisions:
    """One entry per account of a frame, in its order.

    `outcome` is a code of `OUTCOMES` or `NOT_EVALUATED`, `check` the code in `CHECKS` of the check that the decision's
    reason names. `told` has a bit (1 << code) for every check that failed, fired or held back. `equity` is in floating
    dollars, right to about 15 digits. `confirmed` counts accounts that the exact form was asked about.
    """

    outcome: Codes
    check: Codes
    told: npt.NDArray[np.uint16]
    equity: Floats
    confirmed: int

    def where(self, outcome: Outcome) -> npt.NDArray[np.intp]:
        """The places of the accounts with an outcome."""
        return np.flatnonzero(self.outcome == _OUTCOME[outcome])

    def told_checks(self, row: int) -> list[str]:
        """The checks of an account that failed, fired or held back, in order."""
        return [name for code, name in enumerate(CHECKS) if code and self.told[row] >> code & 1]


@dataclass(frozen=True, slots=True, eq=False)
class _Figures:
    """What the thresholds ask, by account. `margin` is the largest drift less its band, in hundredths of a point."""

    equity: Floats
    invested: Floats
    margin: Floats


def decide(frame: BookFrame, today: Today) -> Decisions:
    """Decide for every account what, if anything, is to be done: the outcomes of `evaluate`, account for account."""
    accounts, table = frame.accounts, frame.table
    follows = accounts.portfolio
    figures = _figures(frame)
    ratio, breach, enough, invests, confirmed = _thresholds(frame, figures)
    unpriced = frame.assets.price == 0
    if unpriced.any():
        ratio &= ~_holds_any(frame, unpriced)
    stale = ~today.fresh
    checks = (
        ("window", np.full(len(frame), not today.open_window)),
        ("portfolio_status", ~table.active[follows]),
        ("account", (accounts.marks & STOPS != 0) | ratio),
        ("reconciliation", accounts.marks & int(Mark.UNRECONCILED) != 0),
        ("open_orders", accounts.marks & int(Mark.OPEN_RUN | Mark.OUTSIDE_ORDERS) != 0),
        ("quota", accounts.system_run_on == today.day),
        ("prices", any_weight(frame, stale)[follows] | any_other(frame, stale)),
        ("assets", any_weight(frame, ~frame.assets.eligible)[follows]),
    )
    check = np.zeros(len(frame), np.uint8)
    for name, fails in reversed(checks):
        np.copyto(check, _CHECK[name], where=fails)
    passed = check == 0
    first = passed & (accounts.rebalanced_on < 0)
    again = passed & ~first
    cooling = again & (today.day < accounts.rebalanced_on + table.cooldown[follows])
    due = again & today.calendar[follows]
    by_calendar = due & ~cooling
    drifted = again & breach & ~by_calendar
    fires = first | by_calendar | (drifted & ~cooling)
    short = fires & ~enough
    full = fires & enough
    invest = passed & ~full & invests & (table.count[follows] > 0)
    told = np.where(passed, np.uint16(0), _BITS[check])
    for name, holds, tells in (
        ("in_cooldown", cooling, cooling & ~full),
        ("calendar", due, due),
        ("drift_band", drifted, drifted),
        ("first_rebalance", first, first),
        ("minimum_equity", short, short),
        ("invest_cash", invest, invest),
    ):
        told |= holds.astype(np.uint16) * _BITS[_CHECK[name]]
        np.copyto(check, _CHECK[name], where=tells)
    outcome = np.full(len(frame), _OUTCOME[Outcome.NONE], np.uint8)
    if today.open_window:
        np.copyto(outcome, _OUTCOME[Outcome.BLOCKED], where=~passed)
    np.copyto(outcome, _OUTCOME[Outcome.FULL_REBALANCE], where=full)
    np.copyto(outcome, _OUTCOME[Outcome.INVEST_CASH], where=invest)
    left_out = follows == UNSUBSCRIBED
    outcome[left_out], check[left_out], told[left_out] = NOT_EVALUATED, 0, 0
    return Decisions(outcome, check, told, figures.equity, confirmed)


def _figures(frame: BookFrame) -> _Figures:
    """Equity, what is invested, and the widest drift against its band, each account in floats."""
    cash = dollars(frame.accounts.cash)
    worth, besides = values_besides(frame)
    invested = np.empty(len(frame))
    margin = np.full(len(frame), -np.inf)
    with np.errstate(divide="ignore", invalid="ignore"):
        for block in frame.blocks:
            prices, target = slot_prices(frame, block), block.target.astype(np.float64)
            for piece in pieces(block):
                rows = piece.rows
                drift = piece.qty * piece.of(prices)
                held = drift.sum(axis=0)
                held += besides[rows]
                invested[rows] = held
                held += cash[rows]
                drift *= 10_000 / held
                drift -= piece.of(target)
                np.abs(drift, out=drift)
                drift -= piece.of(block.limit)
                margin[rows] = drift.max(axis=0)
        equity = cash + invested
        if len(worth):
            account = frame.others.account
            absolute = frame.table.absolute[frame.accounts.portfolio[account]]
            over = worth * 10_000 / equity[account] - np.where(absolute > 0, absolute, np.inf)
            np.maximum.at(margin, account, over)
    banded = (frame.table.absolute > 0) | (frame.table.relative > 0)
    margin[~banded[frame.accounts.portfolio]] = -np.inf
    return _Figures(equity, invested, margin)


def _thresholds(frame: BookFrame, figures: _Figures) -> tuple[Flags, Flags, Flags, Flags, int]:
    """Each account against 6:1, its bands, the minimum equity and $10: screened in floats, exact where it is near."""
    equity = figures.equity
    count = frame.table.count[frame.accounts.portfolio]
    cash = screen_cash(frame, equity, figures.invested)
    ratio, invests = cash.exceeds_ratio, cash.invests
    breach = (figures.margin > 0) & (equity > 0)
    enough = equity >= count
    near = np.abs(figures.margin) <= NEAR * 10_000
    near |= np.abs(equity - count) <= cash.gross * NEAR + NEAR
    near &= frame.accounts.portfolio != UNSUBSCRIBED
    near |= cash.near
    rows = np.flatnonzero(near)
    for row in rows:
        exact = exact_account(frame, int(row))
        ratio[row], breach[row] = exact.exceeds_ratio, exact.breached
        enough[row], invests[row] = exact.suffices, exact.invests
    return ratio, breach, enough, invests, len(rows)


def _holds_any(frame: BookFrame, assets: Flags) -> Flags:
    """By account, whether it holds any of some assets."""
    found = any_other(frame, assets)
    concerned = any_weight(frame, assets)
    padded = np.append(assets, False)
    for block in frame.blocks:
        for member in np.flatnonzero(concerned[block.members]):
            first, last = np.searchsorted(block.local, (member, member + 1))
            slots = np.flatnonzero(padded[block.asset[:, member]])
            found[block.rows[first:last]] |= (block.qty[slots, first:last] != 0).any(axis=0)
    return found
