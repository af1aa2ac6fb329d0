"""Passes over a book's matrices in pieces that stay in the processor's cache, in floating dollars."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rebal_tui.engine.arrays.frame import BookFrame
from rebal_tui.engine.arrays.layout import Block, Flags, Floats, Ints

_PIECE = 2_048
_RUN = 512
"""Accounts of one portfolio in a row from which on a piece ends with them, so that its tables need no gathering."""


@dataclass(frozen=True, slots=True, eq=False)
class Piece:
    """Some neighbouring columns of a block. `rows` are places in the book, `take` the columns of the block's tables:
    one for all accounts, or one for each."""

    block: Block
    start: int
    stop: int
    take: slice | npt.NDArray[np.int32]

    @property
    def rows(self) -> npt.NDArray[np.intp]:
        return self.block.rows[self.start : self.stop]

    @property
    def qty(self) -> Ints:
        return self.block.qty[:, self.start : self.stop]

    def of(self, table: Floats) -> Floats:
        """A table of slots by portfolios, as slots by one or by the piece's accounts."""
        return table[:, self.take]


def pieces(block: Block) -> Iterator[Piece]:
    """A block's columns, piece by piece."""
    start, total = 0, len(block.rows)
    local = block.local
    while start < total:
        stop = min(start + _PIECE, total)
        run = start + int(np.searchsorted(local[start:stop], local[start], "right"))
        if run - start >= _RUN:
            stop = run
        first = int(local[start])
        alike = stop <= run
        yield Piece(block, start, stop, slice(first, first + 1) if alike else local[start:stop])
        start = stop


def dollars(amounts: Ints) -> Floats:
    """Billionths as floating dollars."""
    return np.multiply(amounts, 1e-9, dtype=np.float64)


def slot_prices(frame: BookFrame, block: Block) -> Floats:
    """What a billionth of a share costs, in dollars, by slot and portfolio; 0 without a price."""
    priced = np.append(frame.assets.price, 0) * 1e-18
    return np.asarray(priced[block.asset])


def values_besides(frame: BookFrame) -> tuple[Floats, Floats]:
    """In dollars: each holding that is no part of its account's portfolio, and their sum by account."""
    others = frame.others
    worth = np.multiply(others.qty, frame.assets.price[others.asset] * 1e-18, dtype=np.float64)
    total = np.bincount(others.account, weights=worth, minlength=len(frame))
    return worth, total.astype(np.float64, copy=False)


def owners(frame: BookFrame) -> npt.NDArray[np.intp]:
    """For every weight in the frame's table, the portfolio it belongs to."""
    return np.repeat(np.arange(len(frame.table.count)), frame.table.count)


def any_weight(frame: BookFrame, assets: Flags) -> Flags:
    """By portfolio, whether any of its assets is among some."""
    hits = np.bincount(owners(frame), weights=assets[frame.table.asset], minlength=len(frame.table.count))
    return hits > 0


def any_other(frame: BookFrame, assets: Flags) -> Flags:
    """By account, whether any holding outside its portfolio is among some assets."""
    found: Flags = np.zeros(len(frame), np.bool_)
    found[frame.others.account[assets[frame.others.asset]]] = True
    return found
