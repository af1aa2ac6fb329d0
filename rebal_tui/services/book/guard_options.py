"""Guards of a book against wrong prices and unusual trading (R-55, R-57)."""

from __future__ import annotations

from dataclasses import dataclass

from rebal_tui.domain.errors import Fault, Invalid
from rebal_tui.domain.quantities import HUNDRED_PERCENT, MAX_NANO, Money, Percent
from rebal_tui.engine.price_jumps import DEFAULT_JUMP_LIMIT

DEFAULT_SURGE_LIMIT = Percent(2000)
"""20 % of the subscribed accounts' equity."""


@dataclass(frozen=True, slots=True)
class Guards:
    """Which guards are on, and their limits.

    `jump_guard` puts an asset on hold when its price moves by more than `jump_limit` (above 0 and below 100 %) or by
    the ratio of a likely split (R-55). `surge_guard` makes automatic runs wait for review when they trade unusually
    much (R-57). There are three limits: `surge_limit` for all automatic runs of a session together, in percent of the
    subscribed accounts' equity, `surge_run_limit` for one run and `surge_order_limit` for one order, in dollars. A
    limit of 0 is not checked.
    """

    jump_guard: bool = False
    jump_limit: Percent = DEFAULT_JUMP_LIMIT
    surge_guard: bool = False
    surge_limit: Percent = DEFAULT_SURGE_LIMIT
    surge_order_limit: Money = Money(0)
    surge_run_limit: Money = Money(0)

    def check(self) -> None:
        """Check that the limits are in range. Raises `Invalid` with every fault."""
        faults = []
        if not 0 < self.jump_limit < HUNDRED_PERCENT:
            faults.append(Fault("jump_limit", "expected a percent above 0 and below 100"))
        if not 0 <= self.surge_limit <= 100 * HUNDRED_PERCENT:
            faults.append(Fault("surge_limit", "expected a percent from 0 (not checked) to 10000"))
        for name in ("surge_order_limit", "surge_run_limit"):
            if not 0 <= getattr(self, name) <= MAX_NANO:
                faults.append(Fault(name, "expected dollars from 0 (not checked) to 9,000,000,000"))
        if faults:
            raise Invalid(faults)
