"""What planned runs buy and sell, in dollars, for limits on trading (R-57)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rebal_tui.domain.quantities import NANO
from rebal_tui.engine.arrays.frame import BookFrame
from rebal_tui.engine.arrays.memory_layout import Ints
from rebal_tui.engine.arrays.plans import Plans, plan_full_rebalances, plan_invest_cashes

MAX_AMOUNT = 2**62
"""The cap of the amounts, in billionths: $4.6 billion for one account."""


@dataclass(frozen=True, slots=True, eq=False)
class PlannedAmounts:
    """One entry per account, in billionths of a dollar, at most `MAX_AMOUNT`; 0 for accounts without a plan.

    `total` is the sum of the buys and sells of the account's plan, `largest` the amount of its largest order.
    """

    total: Ints
    largest: Ints


def planned_amounts(frame: BookFrame, full: Ints, invest: Ints) -> PlannedAmounts:
    """The amounts that full rebalances and invest_cash runs would trade.

    `full` are the account rows for which a full rebalance is planned, `invest` those for which an invest_cash run is,
    both ascending. The accounts must be subscribed.
    """
    dollars, rest, largest = (np.zeros(len(frame), np.int64) for _ in range(3))
    for plans in _plans(frame, full, invest):
        orders = plans.orders
        amount = orders.amounts(frame.assets.price)
        np.add.at(dollars, orders.account, amount // NANO)
        np.add.at(rest, orders.account, amount % NANO)
        np.maximum.at(largest, orders.account, amount)
        for row in plans.too_large:
            dollars[row], largest[row] = MAX_AMOUNT // NANO, MAX_AMOUNT
    # `rest` is below a billion dollars for any number of orders, so the sum stays within 64 bits.
    total = np.minimum(dollars, MAX_AMOUNT // NANO) * NANO + rest
    return PlannedAmounts(np.minimum(total, MAX_AMOUNT), np.minimum(largest, MAX_AMOUNT))


def _plans(frame: BookFrame, full: Ints, invest: Ints) -> list[Plans]:
    made = []
    if len(full):
        made.append(plan_full_rebalances(frame, full))
    if len(invest):
        made.append(plan_invest_cashes(frame, invest))
    return made
