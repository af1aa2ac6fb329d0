"""Iteration over a book's matrices in pieces that fit the CPU cache, and float functions that several modules use."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from rebal_tui.engine.arrays.frame import BookFrame
from rebal_tui.engine.arrays.memory_layout import Block, Flags, Floats, Ints

Number = TypeVar("Number", bound=np.generic)

_PIECE_MAX_CELLS = 65_536
"""Maximum slots × accounts of a piece: 512 KiB of 64-bit numbers."""
_SINGLE_PORTFOLIO_MIN_CELLS = 10_240
"""Minimum cells of one portfolio for a piece of its own, in which its tables broadcast instead of being repeated."""
_NUMPY_BUFFER_ELEMENTS = 256
"""NumPy's buffer size in elements. With a larger buffer it copies operands that broadcast, at two to three times the
cost."""


@contextmanager
def row_wise_iteration() -> Iterator[None]:
    """Make NumPy iterate row by row inside the `with` block, without copies of operands that broadcast."""
    before = np.setbufsize(_NUMPY_BUFFER_ELEMENTS)
    try:
        yield
    finally:
        np.setbufsize(before)


@dataclass(frozen=True, eq=False)
class Piece:
    """Adjacent columns of an array block, from `start` to `stop` - 1, few enough for the CPU cache."""

    block: Block
    start: int
    stop: int

    @property
    def part(self) -> slice:
        return slice(self.start, self.stop)

    @property
    def qty(self) -> Ints:
        return self.block.qty[:, self.part]

    @cached_property
    def _owners(self) -> tuple[slice, Ints | None]:
        """The piece's portfolios as a range of table columns, and the number of accounts of each.

        The numbers are None for a single portfolio.
        """
        # A block's accounts are sorted by portfolio, so the piece needs one contiguous range of table columns.
        local = self.block.local[self.part]
        first, last = int(local[0]), int(local[-1])
        counts = np.bincount(local - first) if last > first else None
        return slice(first, last + 1), counts

    def of(self, table: npt.NDArray[Number]) -> npt.NDArray[Number]:
        """Expand a table with a column per portfolio of the array block to a column per account of this piece.

        When all accounts of the piece have one portfolio, the result has a single column.
        """
        columns, counts = self._owners
        return table[:, columns] if counts is None else np.repeat(table[:, columns], counts, axis=1)


def max_piece_cells(block: Block) -> int:
    """Asset slots × accounts in the largest piece of an array block, one that fits the CPU cache."""
    slots, accounts = block.qty.shape
    return int(slots * min(accounts, max(1, _PIECE_MAX_CELLS // slots)))


def pieces(block: Block) -> Iterator[Piece]:
    """Split an array block into pieces, groups of adjacent columns that fit the CPU cache, in column order."""
    slots, total = block.qty.shape
    max_accounts, single_portfolio_min = max(1, _PIECE_MAX_CELLS // slots), max(1, _SINGLE_PORTFOLIO_MIN_CELLS // slots)
    start = 0
    while start < total:
        stop = min(start + max_accounts, total)
        run = int(block.local[start:stop].searchsorted(block.local[start], "right"))
        if run >= single_portfolio_min:
            stop = start + run
        yield Piece(block, start, stop)
        start = stop


def dollars(amounts: Ints) -> Floats:
    """Billionths of a dollar as floating dollars; relative error below 4e-16."""
    return np.multiply(amounts, 1e-9, dtype=np.float64)


def inverse_limits(block: Block) -> Floats:
    """1 ÷ the tightest band of each asset slot, the band in hundredths of a percentage point.

    There is a row per slot and a column per portfolio. It is 0 in an unused slot, and 1 in a portfolio without bands.
    """
    return np.where(np.isfinite(block.limit), 1 / block.limit, 0.0)


def slot_prices(frame: BookFrame, block: Block) -> Floats:
    """The price of each slot's asset, in dollars per billionth of a share, 0 without a price.

    It has a row per asset slot and a column per portfolio.
    """
    # The appended 0 is the price of unused slots, whose asset index is one past the last asset.
    priced = np.append(frame.assets.price, 0) * 1e-18
    return np.asarray(priced[block.asset])


def other_holding_values(frame: BookFrame) -> tuple[Floats, Floats]:
    """The dollar value of each holding in `frame.others`, and the sum of these values by account."""
    others = frame.others
    worth = np.multiply(others.qty, frame.assets.price[others.asset] * 1e-18, dtype=np.float64)
    total = np.bincount(others.account, weights=worth, minlength=len(frame))
    return worth, total.astype(np.float64, copy=False)


def owners(frame: BookFrame) -> npt.NDArray[np.intp]:
    """For each entry of `frame.table.percent`, the index of the portfolio that has this weight."""
    return np.repeat(np.arange(len(frame.table.count)), frame.table.count)


def any_weight(frame: BookFrame, assets: Flags) -> Flags:
    """For every portfolio, whether any of its assets is flagged in `assets`."""
    if not assets.any():
        return np.zeros(len(frame.table.count), np.bool_)
    hits = np.bincount(owners(frame), weights=assets[frame.table.asset], minlength=len(frame.table.count))
    return hits > 0


def any_other(frame: BookFrame, assets: Flags) -> Flags:
    """For every account, whether it holds an asset that is flagged in `assets` and is not in its portfolio."""
    found: Flags = np.zeros(len(frame), np.bool_)
    if assets.any():
        found[frame.others.account[assets[frame.others.asset]]] = True
    return found
