"""Band usage and equity of every account in floats, the input of `decide` and `sweep`."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rebal_tui.engine.arrays.frame import BookFrame
from rebal_tui.engine.arrays.kernels import (
    dollars,
    inverse_limits,
    max_piece_cells,
    other_holding_values,
    pieces,
    row_wise_iteration,
    slot_prices,
)
from rebal_tui.engine.arrays.memory_layout import Block, Floats

Rows = npt.NDArray[np.intp]

# Each value has a relative error of a few 2**-53; equity, a sequential sum of n holdings, of about n * 2**-53. Without
# cash owed, a drift is at most 10_000 hundredths, so its error is about (n + 15) * 1.1e-12: below the bound up to about
# 9,000 holdings. Cash owed cancels digits: callers use the exact form if equity is below 10 % of holdings + cash owed.
DRIFT_ERROR_BPS = 1e-8
"""Upper bound on the float error of a drift, in hundredths of a percentage point; DESIGN.md has its range."""


@dataclass(frozen=True, slots=True, eq=False)
class BandUsages:
    """One entry per account, in the frame's order; all figures are floats.

    `follows` is the index of the account's portfolio in the frame, -1 for an unsubscribed account. `equity` and `cash`
    are in dollars, both less reservations, accurate to about 15 digits. `usage` is the largest drift ÷ band of the
    account: above 1 for a drift beyond its band, 0 without bands, undefined unless equity is above 0. `error` has one
    entry per portfolio: an upper bound on the error of `usage`.
    """

    follows: Rows
    equity: Floats
    cash: Floats
    usage: Floats
    error: Floats

    def near_the_band(self) -> Rows:
        """The rows of accounts with a band usage so close to 1 that floats cannot determine if a band is exceeded."""
        # Few accounts use their whole band: one comparison leaves these, then each row uses its own error.
        rows = np.flatnonzero(self.usage >= 1 - self.error.max())
        return rows[np.abs(self.usage[rows] - 1) <= self.error[self.follows[rows]]]

    def near(self, distance: Floats, factor: float = 1) -> Rows:
        """The rows of accounts so close to a threshold that rounding in floats may decide.

        That is at a `distance` of at most `factor` × the bound of the rounding error of their band usage. `distance`
        has one entry per account: how far its band usage × `factor` is from the threshold.
        """
        # The largest error of all selects the candidates in one comparison; then each row uses its own.
        rows = np.flatnonzero(distance <= self.error.max() * factor)
        return rows[distance[rows] <= self.error[self.follows[rows]] * factor]


def band_usages(frame: BookFrame) -> BandUsages:
    """The band usage of every account at the frame's prices."""
    cash = dollars(frame.accounts.cash - frame.accounts.reserved)
    follows = frame.accounts.portfolio
    worth, owned = other_holding_values(frame)
    owned += cash
    # In the order of the blocks first: gathering by column is cheaper than scattering by account row.
    equity, usage, start = np.empty(len(frame)), np.empty(len(frame)), 0
    error = np.full(len(frame.table.count), DRIFT_ERROR_BPS)
    banded = frame.table.banded
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"), row_wise_iteration():
        for block in (block for block in frame.blocks if len(block.rows)):
            inverse = inverse_limits(block) * banded[block.members]
            error[block.members] = usage_errors(inverse)
            part, start = slice(start, start + len(block.rows)), start + len(block.rows)
            _of_block(block, slot_prices(frame, block), inverse, owned, equity[part], usage[part])
        equity, usage = equity.take(frame.column_overall), usage.take(frame.column_overall)
        if len(worth):
            account = frame.others.account
            absolute = frame.table.absolute[follows[account]]
            share = worth * 10_000 / equity[account]
            np.maximum.at(usage, account, share / np.where(absolute > 0, absolute, np.inf))
    return BandUsages(follows, equity, cash, usage, error)


def usage_errors(inverse: Floats) -> Floats:
    """Upper bound on the float error of the band usages in a portfolio, one entry per portfolio.

    `inverse` is 1 ÷ the tightest band in hundredths of a percentage point, with a row per asset slot and a column per
    portfolio.
    """
    # Usage is drift / band, so its error is the drift's divided by the tightest band. Without slots there is at most an
    # absolute band, which is at least one hundredth of a point and does not enlarge the error.
    largest = inverse.max(axis=0)
    return np.where(largest > 0, DRIFT_ERROR_BPS * largest, DRIFT_ERROR_BPS)


def _of_block(block: Block, prices: Floats, inverse: Floats, owned: Floats, equity: Floats, usage: Floats) -> None:
    """Fill in `equity` and `usage` for the accounts of a block, in the order of the block.

    `owned` is cash plus the holdings outside of portfolios, in dollars, in the order of the book. `inverse` is 1 /
    band.
    """
    np.take(owned, block.rows, out=equity, mode="clip")
    scale, target = prices * inverse, block.target * inverse
    scratch = np.empty(max_piece_cells(block))
    # All steps write into one scratch array, so a piece and its intermediate results stay in the cache.
    for piece in pieces(block):
        cells = scratch[: piece.qty.size].reshape(piece.qty.shape)
        np.copyto(cells, piece.qty)
        mine = equity[piece.part]
        mine += np.einsum("sa,sa->a", cells, piece.of(prices))
        cells *= piece.of(scale)
        cells *= 10_000 / mine
        cells -= piece.of(target)
        np.abs(cells, out=cells)
        np.maximum.reduce(cells, axis=0, out=usage[piece.part])
