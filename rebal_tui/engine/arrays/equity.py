"""Every account's equity to the billionth of a dollar."""

from __future__ import annotations

import numpy as np

from rebal_tui.domain.quantities import NANO, Money, floor_money
from rebal_tui.engine.arrays.frame import BookFrame
from rebal_tui.engine.arrays.layout import Ints
from rebal_tui.engine.arrays.passes import dollars, passing_over_rows, pieces, slot_prices, values_besides
from rebal_tui.engine.arrays.wide import MOST, Wide
from rebal_tui.engine.drift import value_account


def exact_equity(frame: BookFrame) -> Ints:
    """Every account's equity in billionths of a dollar, rounded down, exact; the largest 64-bit number above it."""
    total = np.zeros(len(frame), np.int64)
    cash = dollars(frame.accounts.cash)
    invested = values_besides(frame)[1]
    price = np.append(frame.assets.price, 0)
    with np.errstate(over="ignore"), passing_over_rows():
        np.add.at(total, frame.others.account, frame.others.qty * price[frame.others.asset])
        total += frame.accounts.cash * NANO
        for block in frame.blocks:
            exact, floating = price[block.asset], slot_prices(frame, block)
            for piece in pieces(block):
                total[block.rows[piece.part]] += (piece.qty * piece.of(exact)).sum(axis=0)
                invested[block.rows[piece.part]] += np.einsum("sa,sa->a", piece.qty, piece.of(floating))
        floored = Wide.of(total, cash + invested).nano
    for row in np.flatnonzero(np.abs(cash) + invested > MOST):
        valuation = value_account(Money(int(frame.accounts.cash[row])), *frame.priced_holdings(int(row)))
        floored[row] = min(floor_money(valuation.equity), 2**63 - 1)
    return floored
