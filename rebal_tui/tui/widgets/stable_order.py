"""Order of rows whose figures change: kept for some time after a key, so that rows do not move while a person works.

The order is renewed on request, or `HOLD_SECONDS` after the last key. A source is the full list of rows; positions
are indices of rows in it, and an id identifies a row in later versions of it.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

R = TypeVar("R")
HOLD_SECONDS = 10.0
"""How long after the last key or the last sort the order of rows is kept."""


class Order:
    """An order of rows, given by their ids."""

    def __init__(self, positions: Ints, ids: Ints) -> None:
        """`positions` has the indices of the rows in the source, in order; `ids` has the id
        of each row of the source.
        """
        self._positions, self._source_ids = positions, ids

    @cached_property
    def ids(self) -> Ints:
        """The ids of the rows, in order; computed when needed, which is only with the next version of the source."""
        return self._source_ids[self._positions]


@dataclass(frozen=True)
class Kept:
    """The result of keeping an order when a new version of the source comes.

    `fresh` are the positions of the rows to show, in their current sort order. `positions` are the same rows in the
    order `before`, followed by rows that were not in it; `order` is that order.
    """

    before: Order
    fresh: Ints
    positions: Ints
    order: Order

    @cached_property
    def waiting(self) -> bool:
        """Whether the current sort order differs from the order shown."""
        return bool((self.positions != self.fresh).any())

    @cached_property
    def moved(self) -> NDArray[np.bool_]:
        """For each row of `positions`, whether it has moved as `_moved` defines it."""
        return _moved(self.positions, self.fresh)


class StableOrder:
    """The order in which rows are shown, as row ids.

    `waiting`: whether the current sort order differs from it. `moved` is the number of rows that have moved; it is 0
    unless a key was pressed in the last `HOLD_SECONDS`, because otherwise the rows are soon sorted without a request.
    """

    def __init__(self) -> None:
        self.moved = 0
        self.waiting = False
        self._shown: Order | None = None
        self._foreseen: Kept | None = None
        self._differs: NDArray[np.bool_] | None = None
        self._touched = self._sorted = float("-inf")
        self._numbers: dict[Hashable, int] = {}

    @property
    def forgotten(self) -> bool:
        """Whether the next rows are shown in the order in which they come."""
        return self._shown is None

    def kept_since(self, now: float) -> float | None:
        """When the order shown was adopted; None if it is not kept any longer, so that the next rows are sorted."""
        return None if self.forgotten or self.seconds_left(now) <= 0 else self._sorted

    def forget(self) -> None:
        """Forget the order; the next rows are shown in their current sort order."""
        self._shown = None

    def numbers(self, keys: Iterable[Hashable], now: float, *, keep: bool) -> Ints:
        """Return an integer row id for each key; ids stay the same as long as the order of the rows is kept."""
        import numpy as np

        if not keep or self._shown is None or self.seconds_left(now) <= 0:
            self._numbers = {}
        known = self._numbers
        return np.array([known.setdefault(key, len(known)) for key in keys], np.int64)

    def of_list(self, rows: list[R], key: Callable[[R], Hashable], now: float, *, keep: bool) -> list[R]:
        """Return the rows in the order to show: with `keep`, the previous order if it is
        still kept, else that of `rows`.
        """
        if not rows:
            return rows
        ids = self.numbers(map(key, rows), now, keep=keep)
        put = self.keep if keep else self.renew
        return [rows[at] for at in put(range(len(rows)), ids, now).tolist()]

    def touch(self, now: float) -> None:
        """Note that a key was pressed; `now` is monotonic time in seconds."""
        self._touched = now

    def seconds_left(self, now: float) -> float:
        """Seconds for which the order will still be kept; 0 when it may change."""
        return max(0.0, HOLD_SECONDS - (now - max(self._touched, self._sorted)))

    def renew(self, positions: Any, ids: Ints, now: float) -> Ints:
        """Adopt the order of `positions`, indices of rows in the source; `ids` has the id of each row of the source.

        Returns `positions` as an array.
        """
        import numpy as np

        found: Ints = np.asarray(positions, np.int64)
        self._shown, self._sorted = Order(found, ids), now
        self.moved, self._differs, self._foreseen, self.waiting = 0, None, None, False
        return found

    def foresee(self, positions: Ints, ids: Ints, now: float) -> Ints:
        """Compute and return what `keep` will return, so that `keep` has little left to do. May run on any thread."""
        before = self._shown
        if before is None or self.seconds_left(now) <= 0:
            return positions
        kept = _keep(before, positions, ids)
        if kept.waiting and self._is_held(now):
            _ = kept.moved
        self._foreseen = kept
        return kept.positions

    def keep(self, positions: Any, ids: Ints, now: float) -> Ints:
        """Return the rows at `positions` in the order shown so far; rows that were not shown come last.

        If the order is no longer kept, it is renewed. Updates `waiting` and `moved`.
        """
        import numpy as np

        before = self._shown
        if before is None or self.seconds_left(now) <= 0:
            return self.renew(positions, ids, now)
        kept, self._foreseen = self._foreseen, None
        if kept is None or kept.before is not before or kept.fresh is not positions:
            kept = _keep(before, np.asarray(positions, np.int64), ids)
        self._shown, self.waiting = kept.order, kept.waiting
        self._differs = kept.moved if kept.waiting and self._is_held(now) else None
        self.moved = 0 if self._differs is None else int(np.count_nonzero(self._differs))
        return kept.positions

    def _is_held(self, now: float) -> bool:
        """Whether a key was pressed in the last `HOLD_SECONDS`."""
        return now - self._touched < HOLD_SECONDS

    def has_moved(self, index: int) -> bool:
        """Whether the row at this index among the rows shown belongs elsewhere in the current sort order."""
        return self._differs is not None and index < len(self._differs) and bool(self._differs[index])


def _keep(before: Order, fresh: Ints, ids: Ints) -> Kept:
    """Return the rows at `fresh` in the order `before`; rows that are not in it come last."""
    import numpy as np

    shown = before.ids
    size = int(max(ids.max(initial=-1), shown.max(initial=-1))) + 1
    position_of = np.full(size, -1, np.int64)
    position_of[ids[fresh]] = fresh
    old = position_of[shown]
    order = before
    if len(old) != len(fresh) or old.min(initial=0) < 0:
        old = old[old >= 0]
        added = np.zeros(len(ids), np.bool_)
        added[fresh] = True
        added[old] = False
        old = np.concatenate((old, fresh[added[fresh]]))
        order = Order(old, ids)
    return Kept(before, fresh, old, order)


def _moved(shown: Ints, fresh: Ints) -> NDArray[np.bool_]:
    """For each row shown, whether it has moved: whether both its neighbors differ from those in the order `fresh`.

    So one row that goes to the top counts as one, not with all rows that it passes. If no row has moved by this rule,
    but groups of rows have been exchanged, the first row of each group counts as moved.
    """
    import numpy as np

    rank = np.empty(int(fresh.max(initial=-1)) + 1, np.int64)
    rank[fresh] = np.arange(len(fresh))
    at = rank[shown]
    follows = np.diff(at, prepend=-1) == 1
    precedes = np.diff(at, append=len(at)) == 1
    alone: NDArray[np.bool_] = ~(follows | precedes)
    return alone if alone.any() else ~follows
