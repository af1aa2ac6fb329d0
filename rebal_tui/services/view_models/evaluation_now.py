"""What an evaluation of every account would do now."""

from __future__ import annotations

from dataclasses import dataclass

from rebal_tui.domain.quantities import Money
from rebal_tui.domain.runs import RunType


@dataclass(frozen=True, slots=True)
class DueRun:
    """A run that an evaluation would create now. `reason` is the one of its decision, as text.

    `orders` counts the orders of its plan; `turnover` is dollars bought plus dollars sold.
    """

    account_id: str
    client: str
    type: RunType
    reason: str
    orders: int
    turnover: Money


@dataclass(frozen=True, slots=True)
class EvaluationNow:
    """The runs that an evaluation of every account would create now.

    `rebalances` and `investments` count the runs of type full_rebalance and invest_cash. `runs` are some of them, or
    all, in the order of the accounts. `mode` is the mode of the book as in `StatusLine`; `reviewed` is whether the book
    requires review of every automatic run, which an account's own setting may except (R-67).
    """

    rebalances: int
    investments: int
    runs: tuple[DueRun, ...]
    mode: str
    reviewed: bool

    @property
    def total(self) -> int:
        """How many runs would be created."""
        return self.rebalances + self.investments
