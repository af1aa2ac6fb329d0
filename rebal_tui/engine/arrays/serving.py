"""Which accounts' plans surely correct what their triggers found, in floats (R-14, R-15).

A statement is sure if the figure is beyond the threshold by more than the float error. If it is not sure for an account
that its plan corrects the drift, the exact form plans the account.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from rebal_tui.engine.arrays.band_usage import DRIFT_ERROR_BPS, BandUsages, Rows
from rebal_tui.engine.arrays.frame import BookFrame
from rebal_tui.engine.arrays.kernels import inverse_limits, slot_prices
from rebal_tui.engine.arrays.memory_layout import Block, Flags, Floats

_MIN_DOLLARS = 1.01
"""The minimum order, and the shortest way of a breach that fires, of $1 with a margin for floats."""
_RELATIVE_MARGIN = 1e-9
"""Margin as a share of the amounts that an account adds up; the float error of n holdings is about n * 1.1e-16."""
_SURE_USAGE = 1 + 1e-6
_PIECE_ACCOUNTS = 4_096
_SLOTS_AT_ONCE = 4


@dataclass(frozen=True, slots=True, eq=False)
class _Accounts:
    """The requested accounts: their rows, and the entries of `BandUsages` for them; `margin` bounds their float errors.

    They are copied once, because they are far apart in the arrays of a large book.
    """

    rows: Rows
    follows: Rows
    equity: Floats
    cash: Floats
    usage: Floats
    margin: Floats

    @classmethod
    def of(cls, usages: BandUsages, rows: Rows) -> _Accounts:
        """The requested accounts: those at `rows`."""
        equity, cash = usages.equity[rows], usages.cash[rows]
        # In dollars: holdings are at most equity plus cash owed.
        margin = 0.01 + _RELATIVE_MARGIN * (np.abs(equity) + 2 * np.abs(cash))
        return cls(rows, usages.follows[rows], equity, cash, usages.usage[rows], margin)

    def at(self, indexes: Rows) -> _Accounts:
        """Some of the requested accounts, selected by `indexes`."""
        return _Accounts(
            self.rows[indexes],
            self.follows[indexes],
            self.equity[indexes],
            self.cash[indexes],
            self.usage[indexes],
            self.margin[indexes],
        )


@dataclass(frozen=True, slots=True, eq=False)
class SureServing:
    """What is sure about the plan of each requested account. A flag is set only where floats leave no doubt.

    `any_order`: the full_rebalance has an order, and an asset is more than $1 from its target. `band`: the
    full_rebalance has an order that corrects an asset outside its band. `worth`: an asset outside its band is $1 or
    more from its target and can be traded.
    """

    any_order: Flags
    band: Flags
    worth: Flags


def sure_serving(frame: BookFrame, usages: BandUsages, rows: Rows, by_band: Flags) -> SureServing:
    """What is sure about the plans of the accounts at `rows`, whose portfolio assets must all be eligible and priced.

    The accounts must be subscribed. `by_band` flags those for which `band` and `worth` are computed.
    """
    made = SureServing(*(np.zeros(len(rows), np.bool_) for _ in range(3)))
    accounts = _Accounts.of(usages, rows)
    closing = _Closing.of(frame, accounts)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        far = ~closing.held_back & _far_from_target(frame, accounts, usages.error, closing)
        made.any_order[:] = far
        made.band[:] = made.worth[:] = far & (accounts.usage > _SURE_USAGE)
        for block, indexes in _pieces(frame, accounts, np.flatnonzero(~(by_band | far))):
            closes = closing.dollars[indexes] > 0
            made.any_order[indexes] = _surely_sells(frame, block, accounts.at(indexes), closes)
        for block, indexes in _pieces(frame, accounts, np.flatnonzero(np.where(by_band, ~made.band, ~made.any_order))):
            _of_block(frame, block, accounts.at(indexes), indexes, closing, made)
    return made


def _far_from_target(frame: BookFrame, accounts: _Accounts, errors: Floats, closing: _Closing) -> Flags:
    """Whether the asset with the largest band usage is so far from its target that the plan surely has an order for it.

    This holds for accounts whose holdings outside the portfolio can all be sold. Let W be the asset's distance from its
    target in dollars. Outside the portfolio the asset is sold entirely; above its target it is sold. Below its target,
    let S be the sum of all shortfalls, W among them: the excess of the other assets, the holdings outside and excess
    cash add up to S. The plan raises all of S except U, the part that is too small to sell. At most a dollar is needed
    for each of n portions that are raised to $1. So the asset's portion is at least W * (1 - (U + n) / S), which is W -
    U - n or more. `errors` are the error bounds of band usages, by portfolio.
    """
    table, follows, equity = frame.table, accounts.follows, accounts.equity
    # An error is that of a drift in hundredths of a point divided by the tightest band.
    tightest = np.where(table.banded, DRIFT_ERROR_BPS / 10_000 / errors, 0)
    way = accounts.usage * tightest[follows] * equity
    line = accounts.margin + (1 + 2e-18 * float(frame.assets.price.max(initial=0)))
    least = 10 * _MIN_DOLLARS + (3 * (table.count + 1))[follows] * line + closing.unsold
    return np.asarray((way > least) & (equity > accounts.margin))


def _pieces(frame: BookFrame, accounts: _Accounts, indexes: Rows) -> Iterator[tuple[Block, Rows]]:
    """Split the accounts at `indexes` into pieces, each with accounts of one block."""
    block_of = frame.table.block[accounts.follows[indexes]]
    for number, block in enumerate(frame.blocks):
        found = indexes[block_of == number]
        for start in range(0, len(found), _PIECE_ACCOUNTS):
            yield block, found[start : start + _PIECE_ACCOUNTS]


def _surely_sells(frame: BookFrame, block: Block, accounts: _Accounts, closes: Flags) -> Flags:
    """Whether the plan surely sells an asset that is more than $1 above its target.

    It decides most accounts and is fast: it reads a few slots at a time, because in nearly every account one of the
    first slots sells, and reading takes the most time.
    """
    column = frame.column[accounts.rows]
    local = block.local[column]
    # An asset that cannot be sold has price 0 here, so that it is never above its target.
    prices = np.where(_sellable_slots(frame, block), slot_prices(frame, block), 0)
    hundredth = accounts.equity / 10_000
    least = accounts.margin + (1 + 2 * prices.max(axis=0))[local]
    solvent = accounts.equity > accounts.margin
    sells = solvent & closes
    left = np.flatnonzero(solvent & ~sells)
    for start in range(0, len(prices), _SLOTS_AT_ONCE):
        if not len(left):
            break
        slots, of = slice(start, start + _SLOTS_AT_ONCE), local[left]
        value = block.qty[slots].take(column[left], axis=1) * prices[slots].take(of, axis=1)
        way = value - block.target[slots].take(of, axis=1) * hundredth[left]
        found = way.max(axis=0) > least[left]
        sells[left[found]] = True
        left = left[~found]
    return sells


def _sellable_slots(frame: BookFrame, block: Block) -> Flags:
    """By slot and portfolio, whether any part of the asset can be sold."""
    return np.append(_sellable_assets(frame), False)[block.asset]


def _sellable_assets(frame: BookFrame) -> Flags:
    """By asset, whether any part of it can be sold."""
    assets = frame.assets
    return np.asarray(assets.sellable & assets.fractionable & (assets.price > 0))


@dataclass(frozen=True, slots=True, eq=False)
class _Closing:
    """The sells of holdings outside the portfolio; one entry per requested account.

    `dollars`: the value of the holdings that surely can be sold for more than $1 each. `breached`: one of these is
    outside a band. `unsold`: the value of the other holdings, in dollars. `held_back`: a holding cannot be sold
    entirely.
    """

    dollars: Floats
    unsold: Floats
    breached: Flags
    held_back: Flags

    @classmethod
    def of(cls, frame: BookFrame, accounts: _Accounts) -> _Closing:
        """What is sure about the sells of holdings outside the portfolios of the requested `accounts`.

        The accounts' rows must ascend.
        """
        others, rows = frame.others, accounts.rows
        index = np.minimum(rows.searchsorted(others.account), max(len(rows) - 1, 0))
        wanted = np.flatnonzero(rows[index] == others.account) if len(rows) else np.zeros(0, np.intp)
        index, asset = index[wanted], others.asset[wanted]
        sellable = _sellable_assets(frame)[asset]
        held_back = np.zeros(len(rows), np.bool_)
        held_back[index[~sellable]] = True
        worth = np.multiply(others.qty[wanted], frame.assets.price[asset] * 1e-18, dtype=np.float64)
        sure = sellable & (worth > _MIN_DOLLARS)
        unsold = np.bincount(index[~sure], weights=worth[~sure], minlength=len(rows)).astype(np.float64, copy=False)
        index, worth = index[sure], worth[sure]
        dollars = np.bincount(index, weights=worth, minlength=len(rows)).astype(np.float64, copy=False)
        absolute = frame.table.absolute[accounts.follows[index]]
        with np.errstate(divide="ignore", invalid="ignore"):
            share = worth * 10_000 / accounts.equity[index]
        breached = np.zeros(len(rows), np.bool_)
        breached[index[(absolute > 0) & (share > absolute * _SURE_USAGE)]] = True
        return cls(dollars, unsold, breached, held_back)


def _of_block(
    frame: BookFrame, block: Block, accounts: _Accounts, indexes: Rows, closing: _Closing, made: SureServing
) -> None:
    """Fill in `made` at `indexes`; `accounts` are the accounts at these indexes, all in `block`."""
    column = frame.column[accounts.rows]
    local = block.local[column]
    price = slot_prices(frame, block).take(local, axis=1)
    equity, cash, margin = accounts.equity, accounts.cash, accounts.margin
    way = block.qty.take(column, axis=1) * price - block.target.take(local, axis=1) * (equity / 10_000)
    inverse = (inverse_limits(block) * frame.table.banded[block.members]).take(local, axis=1)
    breached = np.abs(way) * inverse > equity * (_SURE_USAGE / 10_000)
    # A sale is rounded down to a billionth of a share, whose price is `price`.
    sells = _sellable_slots(frame, block).take(local, axis=1) & (way - price > 1 + margin) & (way > 2 * price)
    proceeds = np.where(sells, way - price, 0).sum(axis=0) + closing.dollars[indexes]
    cash_target = equity * (frame.table.cash_weight[block.members] / 10_000)[local]
    budget = cash + proceeds - cash_target - margin
    short = np.where(way < 0, -way, 0)
    lines = (short > 0).sum(axis=0)
    # Each raised portion takes at most a dollar from the budget; drops only enlarge the other portions.
    portions = short * np.clip((budget - lines) / (short.sum(axis=0) + margin), 0, 1)
    buys = (short > 1 + margin) & (portions > _MIN_DOLLARS)
    serves = buys & ((portions > 10 * _MIN_DOLLARS) | (portions * 10 > short * _MIN_DOLLARS))
    closes = closing.dollars[indexes] > 0
    some_buy = (short.max(axis=0, initial=0) > 1 + margin) & (budget > _MIN_DOLLARS)
    solvent = equity > margin
    made.any_order[indexes] = solvent & (closes | sells.any(axis=0) | some_buy)
    made.band[indexes] = solvent & (closing.breached[indexes] | (breached & (sells | serves)).any(axis=0))
    far = breached & (np.abs(way) > 1 + margin)
    made.worth[indexes] = solvent & (closing.breached[indexes] | far.any(axis=0))
