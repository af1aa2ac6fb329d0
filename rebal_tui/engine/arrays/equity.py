"""Exact equity of every account, in billionths of a dollar."""

from __future__ import annotations

import numpy as np

from rebal_tui.domain.quantities import NANO, Money, floor_money
from rebal_tui.engine.arrays.frame import BookFrame
from rebal_tui.engine.arrays.int128 import MAX_EXACT_DOLLARS, Int128
from rebal_tui.engine.arrays.kernels import (
    dollars,
    other_holding_values,
    pieces,
    row_wise_iteration,
    slot_prices,
)
from rebal_tui.engine.arrays.memory_layout import Ints
from rebal_tui.engine.drift import value_account


def exact_equity(frame: BookFrame) -> Ints:
    """Every account's equity in billionths of a dollar, exact, rounded down, and capped at 2**63 - 1."""
    total = np.zeros(len(frame), np.int64)
    cash = dollars(frame.accounts.cash)
    invested = other_holding_values(frame)[1]
    price = np.append(frame.assets.price, 0)
    with np.errstate(over="ignore"), row_wise_iteration():
        # The 64-bit sums wrap, which keeps them exact modulo 2**64; the float sums identify the value.
        np.add.at(total, frame.others.account, frame.others.qty * price[frame.others.asset])
        total += frame.accounts.cash * NANO
        for block in frame.blocks:
            exact, floating = price[block.asset], slot_prices(frame, block)
            for piece in pieces(block):
                total[block.rows[piece.part]] += (piece.qty * piece.of(exact)).sum(axis=0)
                invested[block.rows[piece.part]] += np.einsum("sa,sa->a", piece.qty, piece.of(floating))
        floored = Int128.of(total, cash + invested).nano
    # The sum of absolute amounts, not equity, because cash owed can cancel the holdings.
    for row in np.flatnonzero(np.abs(cash) + invested > MAX_EXACT_DOLLARS):
        valuation = value_account(Money(int(frame.accounts.cash[row])), *frame.priced_holdings(int(row)))
        floored[row] = min(floor_money(valuation.equity), 2**63 - 1)
    return floored
