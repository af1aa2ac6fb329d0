"""Order of rows whose figures change: kept for some time after a key, so that rows do not move while a person works.

The rows are sorted again on request, or `HOLD_SECONDS` after the last key. The source is the full list of rows,
replaced when new data is loaded; positions are indices of rows in the source. A row keeps its id when the source is
replaced.
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
        """The ids of the rows, in order; computed when first needed, which is when the source is replaced."""
        return self._source_ids[self._positions]


@dataclass(frozen=True)
class Kept:
    """The result of keeping the order `before` when the source is replaced.

    `fresh` has the positions of the rows to show, in their current sort order. `positions` has those of the same rows
    in the order `before`, followed by those of rows that were not in `before`; `order` is `positions` as an `Order`.
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
        """For each row of `positions`, whether it is out of the current sort order (see `StableOrder`)."""
        return _moved(self.positions, self.fresh)


class StableOrder:
    """The order in which rows are shown, as row ids.

    `waiting`: whether the current sort order differs from the order shown. `moved` is the number of rows that are out
    of the sort order: in that order, both their neighbors would be other rows. It is 0 unless a key was pressed in the
    last `HOLD_SECONDS`, because otherwise the rows are soon sorted without a request.
    """

    def __init__(self, *, after_sort: bool = True) -> None:
        """`after_sort` is whether a sort keeps the order, too, not only a key."""
        self._after_sort = after_sort
        self.moved = 0
        self.waiting = False
        self._shown: Order | None = None
        self._foreseen: Kept | None = None
        self._differs: NDArray[np.bool_] | None = None
        self._touched = self._sorted = float("-inf")
        self._numbers: dict[Hashable, int] = {}

    @property
    def forgotten(self) -> bool:
        """Whether no order is kept, so that the next rows are shown in their current sort order."""
        return self._shown is None

    def kept_since(self, now: float) -> float | None:
        """When the order shown was adopted, in monotonic seconds; None if it is no longer kept, so that the next rows
        are sorted.
        """
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
        """Return the rows in the order in which to show them.

        With `keep`, this is the order shown so far if it is still kept; else the order of `rows`.
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
        """For how many more seconds the order is kept; 0 if it may change."""
        since = max(self._touched, self._sorted) if self._after_sort else self._touched
        return max(0.0, HOLD_SECONDS - (now - since))

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
        """Whether the row at this index of the rows shown is out of the current sort order (see `StableOrder`)."""
        return self._differs is not None and index < len(self._differs) and bool(self._differs[index])


def _keep(before: Order, fresh: Ints, ids: Ints) -> Kept:
    """Return the rows at the positions `fresh` in the order `before`; rows that are not in `before` come last."""
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
    """For each row shown, whether it is out of the sort order `fresh` (has moved).

    A row has moved if both its neighbors differ from those that it has in the order `fresh`. So if one row belongs at
    the top, only this row has moved, not all rows above it. If no row has moved by this rule, because whole groups of
    rows have been exchanged, the first row of each group counts as moved.
    """
    import numpy as np

    rank = np.empty(int(fresh.max(initial=-1)) + 1, np.int64)
    rank[fresh] = np.arange(len(fresh))
    at = rank[shown]
    follows = np.diff(at, prepend=-1) == 1
    precedes = np.diff(at, append=len(at)) == 1
    alone: NDArray[np.bool_] = ~(follows | precedes)
    return alone if alone.any() else ~follows
