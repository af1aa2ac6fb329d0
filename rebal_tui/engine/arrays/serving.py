"""Which accounts' plans surely serve their triggers, by floats with a margin (R-14, R-15).

An account for which this cannot be said is planned by the exact form.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rebal_tui.engine.arrays.band_usage import BandUsages, Rows
from rebal_tui.engine.arrays.frame import BookFrame
from rebal_tui.engine.arrays.kernels import inverse_limits, other_holding_values, slot_prices
from rebal_tui.engine.arrays.memory_layout import Block, Flags, Floats

_MIN_DOLLARS = 1.01
"""The minimum order, and the shortest way of a breach that fires, of $1 with a margin for floats."""
_RELATIVE_MARGIN = 1e-9
"""Margin as a share of the amounts that an account adds up; the float error of n holdings is about n * 1.1e-16."""
_SURE_USAGE = 1 + 1e-6
_PIECE_ACCOUNTS = 4_096


@dataclass(frozen=True, slots=True, eq=False)
class SureServing:
    """One entry per requested account.

    `any_order`: the full_rebalance has an order, and an asset is more than $1 from its target. `band`: it has an order
    that serves a breached asset. `worth`: a breached asset is $1 or more from its target and can be traded.
    """

    any_order: Flags
    band: Flags
    worth: Flags


def sure_serving(frame: BookFrame, usages: BandUsages, rows: Rows) -> SureServing:
    """What is sure of the plans of subscribed accounts whose portfolio assets are all eligible and priced."""
    made = SureServing(*(np.zeros(len(rows), np.bool_) for _ in range(3)))
    closing = _Closing.of(frame, usages)
    block_of = frame.table.block[frame.accounts.portfolio[rows]]
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        for number in np.unique(block_of):
            indexes = np.flatnonzero(block_of == number)
            for start in range(0, len(indexes), _PIECE_ACCOUNTS):
                part = indexes[start : start + _PIECE_ACCOUNTS]
                _of_block(frame, frame.blocks[number], rows, part, usages, closing, made)
    return made


@dataclass(frozen=True, slots=True, eq=False)
class _Closing:
    """By account, holdings outside the portfolio that surely can be sold for more than $1: dollars, and breaches."""

    dollars: Floats
    breached: Flags

    @classmethod
    def of(cls, frame: BookFrame, usages: BandUsages) -> _Closing:
        others, assets = frame.others, frame.assets
        worth = other_holding_values(frame)[0]
        sure = (assets.sellable & assets.fractionable & (assets.price > 0))[others.asset] & (worth > _MIN_DOLLARS)
        account = others.account[sure]
        dollars = np.bincount(account, weights=worth[sure], minlength=len(frame)).astype(np.float64, copy=False)
        absolute = frame.table.absolute[usages.follows[account]]
        with np.errstate(divide="ignore", invalid="ignore"):
            share = worth[sure] * 10_000 / usages.equity[account]
        breached = np.zeros(len(frame), np.bool_)
        breached[account[(absolute > 0) & (share > absolute * _SURE_USAGE)]] = True
        return cls(dollars, breached)


def _of_block(
    frame: BookFrame, block: Block, rows: Rows, indexes: Rows, usages: BandUsages, closing: _Closing, made: SureServing
) -> None:
    """Fill in `made` at `indexes`, whose accounts are all in `block`."""
    here = rows[indexes]
    column = frame.column[here]
    local = block.local[column]
    asset, price = block.asset[:, local], slot_prices(frame, block)[:, local]
    equity, cash = usages.equity[here], usages.cash[here]
    value = block.qty[:, column] * price
    goal = block.target[:, local] * (equity / 10_000)
    way = value - goal
    gross = value.sum(axis=0) + closing.dollars[here] + np.abs(cash)
    margin = 0.01 + _RELATIVE_MARGIN * gross
    inverse = inverse_limits(block)[:, local] * frame.table.banded[block.members][local]
    breached = np.abs(way) * inverse > equity * (_SURE_USAGE / 10_000)
    sure_sale = np.append(frame.assets.sellable & frame.assets.fractionable, False)[asset] & (price > 0)
    # A sale is rounded down to a billionth of a share, whose price is `price`.
    sells = sure_sale & (way - price > 1 + margin) & (way > 2 * price)
    proceeds = np.where(sells, way - price, 0).sum(axis=0) + closing.dollars[here]
    cash_target = equity * (frame.table.cash_weight[block.members] / 10_000)[local]
    budget = cash + proceeds - cash_target - margin
    short = np.where(way < 0, -way, 0)
    lines = (short > 0).sum(axis=0)
    # Each raised slice takes at most a dollar from the budget; drops only enlarge the other slices.
    slices = short * np.clip((budget - lines) / (short.sum(axis=0) + margin), 0, 1)
    buys = (short > 1 + margin) & (slices > _MIN_DOLLARS)
    serves = buys & ((slices > 10 * _MIN_DOLLARS) | (slices * 10 > short * _MIN_DOLLARS))
    closes = closing.dollars[here] > 0
    some_buy = (short.max(axis=0, initial=0) > 1 + margin) & (budget > _MIN_DOLLARS)
    solvent = equity > margin
    made.any_order[indexes] = solvent & (closes | sells.any(axis=0) | some_buy)
    made.band[indexes] = solvent & (closing.breached[here] | (breached & (sells | serves)).any(axis=0))
    far = breached & (np.abs(way) > 1 + margin)
    made.worth[indexes] = solvent & (closing.breached[here] | far.any(axis=0))
