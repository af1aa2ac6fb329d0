"""What orders have executed, as it is printed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from rebal_tui.domain.orders import Fill
from rebal_tui.domain.quantities import Money, nearest_cents


def executed_amounts(fills: Iterable[Fill]) -> dict[str, Money]:
    """The dollars that each order has executed, to the nearest cent, by client order id.

    An order is rounded once, not each of its fills: those of an order for $10.00 sum to some billionths less, and their
    printed amounts may sum to $9.99 or $10.01.
    """
    exact: defaultdict[str, int] = defaultdict(int)
    for fill in fills:
        exact[fill.client_order_id] += fill.amount
    return {order: nearest_cents(Money(amount)) for order, amount in exact.items()}


def executed_total(fills: Iterable[Fill]) -> Money:
    """The total of `executed_amounts`."""
    return Money(sum(executed_amounts(fills).values()))
