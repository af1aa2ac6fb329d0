"""The evaluation of a whole book: the outcome of every account and the check that decides it (R-10 to R-18)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rebal_tui.domain.decisions import Outcome
from rebal_tui.engine.arrays.cash import CashScreen, screen_cash
from rebal_tui.engine.arrays.exact import exact_account
from rebal_tui.engine.arrays.facts import CHECKS, NOT_EVALUATED, OUTCOMES, Codes, Fact, Facts, ruling
from rebal_tui.engine.arrays.frame import STOPS, UNSUBSCRIBED, BookFrame, Mark
from rebal_tui.engine.arrays.layout import Flags, Floats
from rebal_tui.engine.arrays.passes import any_other, any_weight
from rebal_tui.engine.arrays.today import Today
from rebal_tui.engine.arrays.uses import Uses, band_uses

__all__ = ["CHECKS", "NOT_EVALUATED", "OUTCOMES", "Decisions", "decide"]


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
        return np.flatnonzero(self.outcome == OUTCOMES.index(outcome))

    def told_checks(self, row: int) -> list[str]:
        """The checks of an account that failed, fired or held back, in order."""
        return [name for code, name in enumerate(CHECKS) if code and self.told[row] >> code & 1]


def decide(frame: BookFrame, today: Today) -> Decisions:
    """Decide for every account what, if anything, is to be done: the outcomes of `evaluate`, account for account."""
    uses = band_uses(frame)
    cash, breach, confirmed = _thresholds(frame, uses)
    facts = _of_portfolios(frame, today)[uses.follows]
    for fact, holds in _of_accounts(frame, today, uses, cash):
        facts |= holds * np.uint16(fact)
    facts |= breach * np.uint16(Fact.DRIFTED)
    rule, place = ruling(today.open_window), facts.astype(np.intp)
    return Decisions(rule.outcome[place], rule.check[place], rule.told[place], uses.equity, confirmed)


def _of_portfolios(frame: BookFrame, today: Today) -> Facts:
    """The facts that all accounts of a portfolio share, by portfolio."""
    table = frame.table
    facts = np.zeros(len(table.count), np.uint16)
    for fact, holds in (
        (Fact.PORTFOLIO_INACTIVE, ~table.active),
        (Fact.PRICES_FAIL, any_weight(frame, ~today.fresh)),
        (Fact.INELIGIBLE, any_weight(frame, ~frame.assets.eligible)),
        (Fact.DUE, today.calendar),
        (Fact.ASSETS, table.count > 0),
    ):
        facts |= holds * np.uint16(fact)
    facts[UNSUBSCRIBED] = Fact.UNSUBSCRIBED
    return facts


def _of_accounts(frame: BookFrame, today: Today, uses: Uses, cash: CashScreen) -> Iterator[tuple[Fact, Flags]]:
    """The facts of each account by itself."""
    accounts = frame.accounts
    stopped = accounts.marks & STOPS != 0
    if cash.exceeds_ratio.any():
        stopped |= cash.exceeds_ratio & ~_holds_any(frame, frame.assets.price == 0)
    yield Fact.STOPPED, stopped
    yield Fact.UNRECONCILED, accounts.marks & int(Mark.UNRECONCILED) != 0
    yield Fact.OPEN_ORDERS, accounts.marks & int(Mark.OPEN_RUN | Mark.OUTSIDE_ORDERS) != 0
    yield Fact.RAN_TODAY, accounts.system_run_on == today.day
    yield Fact.FIRST, accounts.rebalanced_on < 0
    yield Fact.COOLING, accounts.rebalanced_on > (today.day - frame.table.cooldown)[uses.follows]
    yield Fact.SUFFICES, cash.suffices
    yield Fact.INVESTS, cash.invests
    yield Fact.PRICES_FAIL, any_other(frame, ~today.fresh)


def _thresholds(frame: BookFrame, uses: Uses) -> tuple[CashScreen, Flags, int]:
    """Each account's cash and whether it breaches a band: screened in floats, exact where it is near a threshold."""
    cash, breach = screen_cash(frame, uses), uses.use > 1
    near = cash.near
    near[uses.near(np.abs(uses.use - 1))] = True
    near &= frame.accounts.portfolio != UNSUBSCRIBED
    rows = np.flatnonzero(near)
    for row in rows:
        exact = exact_account(frame, int(row))
        breach[row], cash.exceeds_ratio[row] = exact.breached, exact.exceeds_ratio
        cash.suffices[row], cash.invests[row] = exact.suffices, exact.invests
    return cash, breach, len(rows)


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
