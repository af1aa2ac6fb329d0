"""How much of its bands every account uses, in floats: the pass over a book's matrices that all else starts from."""

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

DRIFT_ERROR_BPS = 1e-8
"""More than a drift in floats can err by, in hundredths of a point, where equity is not far below what is held."""


@dataclass(frozen=True, slots=True, eq=False)
class BandUsages:
    """By account, in the frame's order and in floats.

    `follows` is the portfolio's place. `equity` is in dollars, right to about 15 digits, `cash` the account's cash in
    the same. `usage` is the largest share of a band that the drift of a holding takes, above 1 for a breach, 0 without
    bands; it means nothing where equity is not above 0. `error` is more than it errs by, by portfolio.
    """

    follows: Rows
    equity: Floats
    cash: Floats
    usage: Floats
    error: Floats

    def near(self, distance: Floats, factor: float = 1) -> Rows:
        """The accounts whose distance from a threshold of their use, times a factor, is within what it errs by."""
        rows = np.flatnonzero(distance <= self.error.max() * factor)
        return rows[distance[rows] <= self.error[self.follows[rows]] * factor]


def band_usages(frame: BookFrame) -> BandUsages:
    """Every account under the frame's prices."""
    cash = dollars(frame.accounts.cash)
    follows = frame.accounts.portfolio.astype(np.intp)
    worth, owned = other_holding_values(frame)
    owned += cash
    equity, usage = np.empty(len(frame)), np.empty(len(frame))
    error = np.full(len(frame.table.count), DRIFT_ERROR_BPS)
    banded = frame.table.banded
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"), row_wise_iteration():
        for block in (block for block in frame.blocks if len(block.rows)):
            inverse = inverse_limits(block) * banded[block.members]
            error[block.members] = usage_errors(inverse)
            equity[block.rows], usage[block.rows] = _of_block(block, slot_prices(frame, block), inverse, owned)
        if len(worth):
            account = frame.others.account
            absolute = frame.table.absolute[follows[account]]
            share = worth * 10_000 / equity[account]
            np.maximum.at(usage, account, share / np.where(absolute > 0, absolute, np.inf))
    return BandUsages(follows, equity, cash, usage, error)


def usage_errors(inverse: Floats) -> Floats:
    """More than a share of a band errs by, by portfolio, whichever of its holdings uses most of one."""
    largest = inverse.max(axis=0)
    return np.where(largest > 0, DRIFT_ERROR_BPS * largest, DRIFT_ERROR_BPS)


def _of_block(block: Block, prices: Floats, inverse: Floats, owned: Floats) -> tuple[Floats, Floats]:
    """The equity and the use of a block's accounts, in its order; `owned` is what each has besides, in the book's."""
    equity = owned[block.rows]
    usage = np.empty(len(equity))
    scale, target = prices * inverse, block.target * inverse
    scratch = np.empty(max_piece_cells(block))
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
    return equity, usage
