"""The amounts of plans as they are printed: whole cents, so that a plan's lines add up to its totals and its cash."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rebal_tui.domain.quantities import Money, nearest_cents, value_cents

if TYPE_CHECKING:
    from rebal_tui.domain.decisions import Plan, PlanLine


def line_amount(line: PlanLine) -> Money:
    """What a line's order trades at the plan's price, to the nearest cent, as its executions are printed."""
    return nearest_cents(line.order_amount)


def lines_total(lines: Iterable[PlanLine]) -> Money:
    """The total of the lines' orders as they are printed."""
    return Money(sum(map(line_amount, lines)))


def line_value(line: PlanLine) -> Money:
    """What a line's position is worth at the plan's price, to the nearest cent, as printed if all of it is sold."""
    return value_cents(line.value)


@dataclass(frozen=True, slots=True)
class PlanFigures:
    """The printed totals of a plan. `cash` is what the plan starts from.

    `cash_after` is computed from the printed `cash`, `sold` and `bought`, so it may differ by some cents from
    `Plan.cash_after`, which is computed from exact amounts.
    """

    sold: Money
    bought: Money
    cash: Money

    @property
    def turnover(self) -> Money:
        return Money(self.sold + self.bought)

    @property
    def cash_after(self) -> Money:
        return Money(self.cash + self.sold - self.bought)


def plan_figures(plan: Plan) -> PlanFigures:
    """The printed totals of a plan."""
    return PlanFigures(lines_total(plan.sells), lines_total(plan.buys), nearest_cents(plan.cash))
