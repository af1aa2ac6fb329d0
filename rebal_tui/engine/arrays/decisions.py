"""The decisions of a whole book, as one entry per account."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from rebal_tui.domain.decisions import REPORTED, Check, Outcome, Verdict
from rebal_tui.engine.arrays.band_usage import Rows
from rebal_tui.engine.arrays.day_context import DayContext
from rebal_tui.engine.arrays.decision_table import CHECKS, NOT_EVALUATED, OUTCOMES, Checks, Codes
from rebal_tui.engine.arrays.frame import BookFrame
from rebal_tui.engine.arrays.memory_layout import Flags, Floats
from rebal_tui.engine.evaluation import deciding_check

_FIRST_TRIGGER = CHECKS.index("unfinished")
_BEFORE_UPDATE = np.uint32(
    sum(1 << CHECKS.index(name) for name in ("first_rebalance", "in_cooldown", "portfolio_update", "minimum_equity"))
)
"""Reported checks after which a change of the portfolio is not asked, or is not on target."""
_FULL = OUTCOMES.index(Outcome.FULL_REBALANCE)


@dataclass(frozen=True, slots=True, eq=False)
class Decisions:
    """One entry per account of a frame, in its order.

    `outcome` is an index in `OUTCOMES` or `NOT_EVALUATED`. `check` is the index in `CHECKS` of the check that the
    decision's reason names, 0 for none. `reported` has a bit (1 << index) for every check that failed, that made a run,
    that delayed one (the cooldown), or that found a drift that no order can reduce. `equity` is managed equity (R-15)
    in floating dollars, accurate to about 15 digits. `confirmed` is the number of accounts that the exact form decided.
    `cannot` maps an account's row to the last check that found a drift that no order can reduce, as (check, detail).
    The detail is empty if floats decided it; `cannot_detail` then computes it.
    """

    outcome: Codes
    check: Codes
    reported: Checks
    equity: Floats
    confirmed: int
    cannot: dict[int, tuple[str, str]] = field(default_factory=dict)

    def asked(self, rows: Rows | slice = slice(None)) -> Flags:
        """Whether each account (or each of `rows`) met all prerequisites, so that its triggers were evaluated."""
        check = self.check[rows]
        return np.asarray(((check == 0) | (check >= _FIRST_TRIGGER)) & (self.outcome[rows] != NOT_EVALUATED))

    def where(self, outcome: Outcome) -> npt.NDArray[np.intp]:
        """The rows of the accounts with this outcome."""
        return np.flatnonzero(self.outcome == OUTCOMES.index(outcome))

    def updates_on_target(self, frame: BookFrame, day_context: DayContext) -> Rows:
        """The rows of accounts that a change of the portfolio would rebalance if they were not on target (R-14.6)."""
        due = (frame.accounts.update_until >= day_context.day) & (self.outcome != _FULL)
        return np.flatnonzero(due & self.asked() & (self.reported & _BEFORE_UPDATE == 0))

    def reported_checks(self, row: int) -> list[str]:
        """The names of the checks flagged in `reported` for the account at `row`, in order of evaluation."""
        return [name for code, name in enumerate(CHECKS) if code and self.reported[row] >> code & 1]

    def record(self, row: int, outcome: Outcome, trace: Sequence[Check]) -> None:
        """Replace the entries of the account at `row` by an outcome and trace of the exact form."""
        deciding = deciding_check(trace, outcome)
        self.outcome[row] = OUTCOMES.index(outcome)
        self.check[row] = CHECKS.index(deciding.check) if deciding else 0
        for check in trace:
            if check.verdict is Verdict.CANNOT:
                self.cannot[row] = (check.check, check.detail)
        self.reported[row] = sum(1 << CHECKS.index(check.check) for check in trace if check.verdict in REPORTED)
