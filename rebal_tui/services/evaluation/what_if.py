"""Order count and turnover of a hypothetical full_rebalance of many accounts (R-20 to R-22)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from rebal_tui.domain.errors import Conflict
from rebal_tui.domain.quantities import CENT, Money
from rebal_tui.domain.runs import RunType
from rebal_tui.engine.arrays.frame import BookFrame
from rebal_tui.services.book.book import Book
from rebal_tui.services.evaluation.planning import holdings, plan_start
from rebal_tui.services.view_models.plan_figures import plan_figures


@dataclass(frozen=True, slots=True)
class WhatIfPlans:
    """The number of orders and the turnover of each account, in the order of the requested rows.

    `turnover` is dollars bought plus dollars sold, each order rounded to the nearest cent as previews print it, in
    billionths of a dollar. `unable` has, by row of the frame, the reason why an account cannot be planned.
    """

    orders: Sequence[int]
    turnover: Sequence[Money]
    unable: Mapping[int, str]


def plan_what_if(
    book: Book, frame: BookFrame, rows: npt.NDArray[np.int64], by_band: npt.NDArray[np.bool_] | None = None
) -> WhatIfPlans:
    """Plan a full_rebalance of the accounts of `rows` (ascending) with their portfolios and rules in `frame`.

    Stores nothing. `by_band` marks the rows whose run a drift band would cause, so that it may stop before the target
    (R-62). Accounts with a missing price, or with amounts too large for the arrays, are planned one by one.
    """
    from rebal_tui.engine.arrays.kernels import any_other, any_weight
    from rebal_tui.engine.arrays.plans import plan_full_rebalances

    unpriced = frame.assets.price == 0
    apart = any_weight(frame, unpriced)[frame.accounts.portfolio[rows]] | any_other(frame, unpriced)[rows]
    banded = frozenset() if by_band is None else frozenset(rows[by_band].tolist())
    plans = plan_full_rebalances(frame, rows[~apart], banded)
    lines = plans.orders
    owners = np.searchsorted(rows, lines.account)
    orders = np.bincount(owners, minlength=len(rows)).tolist()
    turnover = [0] * len(rows)
    printed = (lines.amounts(frame.assets.price) + CENT // 2) // CENT * CENT
    for index, amount in zip(owners.tolist(), printed.tolist(), strict=True):
        turnover[index] += amount
    unable: dict[int, str] = {}
    for row in [*rows[apart].tolist(), *plans.too_large]:
        account_id, portfolio = book.account_table.ids[row], frame.followed(row)
        index = int(np.searchsorted(rows, row))
        rules = frame.rules_of(row).of_run(portfolio.bands if row in banded else ())
        start = replace(holdings(book, account_id), rules=rules)
        try:
            plan = plan_start(book, account_id, start, RunType.FULL_REBALANCE, portfolio.weights)
        except Conflict as refusal:
            unable[row] = str(refusal)
        else:
            orders[index], turnover[index] = len(plan.sells) + len(plan.buys), plan_figures(plan).turnover
    return WhatIfPlans(orders, [Money(amount) for amount in turnover], unable)
