"""The policy of a book and its limits. Imports few modules, because every form of the screens loads it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import time

from rebal_tui.domain.errors import Fault, Invalid

MAX_EVALUATE_MINUTES = 390
MAX_FRESH_SECONDS = 86_400
MAX_ORDERS_PER_MINUTE = 100_000


@dataclass(frozen=True, slots=True)
class BookPolicy:
    """The policy that an advisor sets for a whole book: review, evaluation times and limits.

    `review` makes every automatic run wait for approval (R-27). `evaluate_at`, when not empty, are New York times that
    replace the interval of `evaluate_minutes` (R-10). `quarterly_months` are those of quarterly calendar conditions, 1
    to 12. `fresh_seconds` is the greatest age of a price, 0 for any age (R-12.5). `orders_per_minute` 0 sets no limit.
    """

    review: bool = False
    evaluate_minutes: int = 15
    evaluate_at: tuple[time, ...] = ()
    quarterly_months: tuple[int, ...] = (3, 6, 9, 12)
    fresh_seconds: int = 60
    orders_per_minute: int = 0

    def check(self) -> None:
        """Check that the values are in range. Raises `Invalid` with every fault."""
        faults = []
        if not 1 <= self.evaluate_minutes <= MAX_EVALUATE_MINUTES:
            faults.append(Fault("evaluate_minutes", f"expected whole minutes from 1 to {MAX_EVALUATE_MINUTES}"))
        if not self.quarterly_months or not all(1 <= month <= 12 for month in self.quarterly_months):
            faults.append(Fault("quarterly_months", "expected months from 1 to 12, at least one"))
        if not 0 <= self.fresh_seconds <= MAX_FRESH_SECONDS:
            faults.append(Fault("fresh_seconds", f"expected whole seconds from 0 (any age) to {MAX_FRESH_SECONDS}"))
        if not 0 <= self.orders_per_minute <= MAX_ORDERS_PER_MINUTE:
            faults.append(
                Fault("orders_per_minute", f"expected a whole number from 0 (no limit) to {MAX_ORDERS_PER_MINUTE:,}")
            )
        if faults:
            raise Invalid(faults)
