"""Passes over a book's matrices in pieces that stay in the processor's cache, in floating dollars."""

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
"""At most so many slots × accounts make a piece."""
_SINGLE_PORTFOLIO_MIN_CELLS = 10_240
"""Cells of one portfolio in a row from which on a piece ends with them, so that its tables need no repeating."""
_NUMPY_BUFFER_ELEMENTS = 256
"""Elements NumPy buffers at a time in a pass over rows: more, and it copies what broadcasts, at two to three times the
cost."""


@contextmanager
def row_wise_iteration() -> Iterator[None]:
    """Have NumPy go over matrices row by row, without copying operands that broadcast."""
    before = np.setbufsize(_NUMPY_BUFFER_ELEMENTS)
    try:
        yield
    finally:
        np.setbufsize(before)


@dataclass(frozen=True, eq=False)
class Piece:
    """Some neighbouring columns of a block, those from `start` up to `stop`."""

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
        """The columns of the block's tables that the accounts need, and how many accounts need each if not all one."""
        local = self.block.local[self.part]
        first, last = int(local[0]), int(local[-1])
        counts = np.bincount(local - first) if last > first else None
        return slice(first, last + 1), counts

    def of(self, table: npt.NDArray[Number]) -> npt.NDArray[Number]:
        """A table of slots by portfolios as slots by accounts; one column for all where they follow the same."""
        columns, counts = self._owners
        return table[:, columns] if counts is None else np.repeat(table[:, columns], counts, axis=1)


def max_piece_cells(block: Block) -> int:
    """The cells of a block's largest piece."""
    slots, accounts = block.qty.shape
    return int(slots * min(accounts, max(1, _PIECE_MAX_CELLS // slots)))


def pieces(block: Block) -> Iterator[Piece]:
    """A block's columns, piece by piece."""
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
    """Billionths as floating dollars."""
    return np.multiply(amounts, 1e-9, dtype=np.float64)


def inverse_limits(block: Block) -> Floats:
    """One over the tightest band, by slot and portfolio; 0 in an empty slot."""
    return np.where(np.isfinite(block.limit), 1 / block.limit, 0.0)


def slot_prices(frame: BookFrame, block: Block) -> Floats:
    """What a billionth of a share costs, in dollars, by slot and portfolio; 0 without a price."""
    priced = np.append(frame.assets.price, 0) * 1e-18
    return np.asarray(priced[block.asset])


def other_holding_values(frame: BookFrame) -> tuple[Floats, Floats]:
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
    if not assets.any():
        return np.zeros(len(frame.table.count), np.bool_)
    hits = np.bincount(owners(frame), weights=assets[frame.table.asset], minlength=len(frame.table.count))
    return hits > 0


def any_other(frame: BookFrame, assets: Flags) -> Flags:
    """By account, whether any holding outside its portfolio is among some assets."""
    found: Flags = np.zeros(len(frame), np.bool_)
    if assets.any():
        found[frame.others.account[assets[frame.others.asset]]] = True
    return found
