"""How much of its bands every account uses, in floats: the pass over a book's matrices that all else starts from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rebal_tui.engine.arrays.frame import BookFrame
from rebal_tui.engine.arrays.layout import Block, Floats
from rebal_tui.engine.arrays.passes import (
    dollars,
    inverse_limits,
    most_cells,
    passing_over_rows,
    pieces,
    slot_prices,
    values_besides,
)

Rows = npt.NDArray[np.intp]

ERROR = 1e-8
"""More than a drift in floats can err by, in hundredths of a point, where equity is not far below what is held."""


@dataclass(frozen=True, slots=True, eq=False)
class Uses:
    """By account, in the frame's order and in floats.

    `follows` is the portfolio's place. `equity` is in dollars, right to about 15 digits, `cash` the account's cash in
    the same. `use` is the largest share of a band that the drift of a holding takes, above 1 for a breach, 0 without
    bands; it means nothing where equity is not above 0. `error` is more than it errs by, by portfolio.
    """

    follows: Rows
    equity: Floats
    cash: Floats
    use: Floats
    error: Floats

    def near(self, distance: Floats, factor: float = 1) -> Rows:
        """The accounts whose distance from a threshold of their use, times a factor, is within what it errs by."""
        rows = np.flatnonzero(distance <= self.error.max() * factor)
        return rows[distance[rows] <= self.error[self.follows[rows]] * factor]


def band_uses(frame: BookFrame) -> Uses:
    """Every account under the frame's prices."""
    cash = dollars(frame.accounts.cash)
    follows = frame.accounts.portfolio.astype(np.intp)
    worth, owned = values_besides(frame)
    owned += cash
    equity, use = np.empty(len(frame)), np.empty(len(frame))
    error = np.full(len(frame.table.count), ERROR)
    banded = frame.table.banded
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"), passing_over_rows():
        for block in (block for block in frame.blocks if len(block.rows)):
            inverse = inverse_limits(block) * banded[block.members]
            error[block.members] = errors(inverse)
            equity[block.rows], use[block.rows] = _of_block(block, slot_prices(frame, block), inverse, owned)
        if len(worth):
            account = frame.others.account
            absolute = frame.table.absolute[follows[account]]
            share = worth * 10_000 / equity[account]
            np.maximum.at(use, account, share / np.where(absolute > 0, absolute, np.inf))
    return Uses(follows, equity, cash, use, error)


def errors(inverse: Floats) -> Floats:
    """More than a share of a band errs by, by portfolio, whichever of its holdings uses most of one."""
    widest = inverse.max(axis=0)
    return np.where(widest > 0, ERROR * widest, ERROR)


def _of_block(block: Block, prices: Floats, inverse: Floats, owned: Floats) -> tuple[Floats, Floats]:
    """The equity and the use of a block's accounts, in its order; `owned` is what each has besides, in the book's."""
    equity = owned[block.rows]
    use = np.empty(len(equity))
    scale, target = prices * inverse, block.target * inverse
    scratch = np.empty(most_cells(block))
    for piece in pieces(block):
        cells = scratch[: piece.qty.size].reshape(piece.qty.shape)
        np.copyto(cells, piece.qty)
        mine = equity[piece.part]
        mine += np.einsum("sa,sa->a", cells, piece.of(prices))
        cells *= piece.of(scale)
        cells *= 10_000 / mine
        cells -= piece.of(target)
        np.abs(cells, out=cells)
        np.maximum.reduce(cells, axis=0, out=use[piece.part])
    return equity, use
