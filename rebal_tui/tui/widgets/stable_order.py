"""Order of live rows: kept while keys are pressed, renewed on request or some time after the last key."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

R = TypeVar("R")
HOLD_SECONDS = 10.0
"""How long after a key, or after the last sort, the order of rows is kept."""


class StableOrder:
    """The order that is shown, as row ids.

    `waiting` says that the current order is another one. `moved` is how many rows are elsewhere in it while a key holds
    the order; without a key the current one is taken soon, and nobody has to ask for it.
    """

    def __init__(self) -> None:
        self.moved = 0
        self.waiting = False
        self._shown: Ints | None = None
        self._differs: NDArray[np.bool_] | None = None
        self._touched = self._sorted = float("-inf")
        self._numbers: dict[Hashable, int] = {}

    def forget(self) -> None:
        """Forget the order; the next rows are shown in the order in which they come."""
        self._shown = None

    def numbers(self, keys: Iterable[Hashable], now: float, *, keep: bool) -> Ints:
        """Return an integer row id for each key; ids stay the same as long as the order of the rows is kept."""
        import numpy as np

        if not keep or self._shown is None or self.seconds_left(now) <= 0:
            self._numbers = {}
        known = self._numbers
        return np.array([known.setdefault(key, len(known)) for key in keys], np.int64)

    def of_list(self, rows: list[R], key: Callable[[R], Hashable], now: float, *, keep: bool) -> list[R]:
        """Return the rows in the order in which they are shown."""
        if not rows:
            return rows
        ids = self.numbers(map(key, rows), now, keep=keep)
        put = self.keep if keep else self.renew
        return [rows[at] for at in put(range(len(rows)), ids, now).tolist()]

    def touch(self, now: float) -> None:
        """Note that a key was pressed; `now` is monotonic time in seconds."""
        self._touched = now

    def seconds_left(self, now: float) -> float:
        """Seconds for which the order is still kept; 0 when it may change."""
        return max(0.0, HOLD_SECONDS - (now - max(self._touched, self._sorted)))

    def renew(self, positions: Any, ids: Ints, now: float) -> Ints:
        """Adopt the order of `positions`, indices of rows in the source; `ids` has the id of each source row."""
        import numpy as np

        found: Ints = np.asarray(positions, np.int64)
        self._shown, self._sorted, self.moved, self._differs, self.waiting = ids[found], now, 0, None, False
        return found

    def keep(self, positions: Any, ids: Ints, now: float) -> Ints:
        """The rows at `positions` in the order that is shown; rows that were not shown come last.

        After a key, a row counts as moved as `_moved` says.
        """
        import numpy as np

        if self._shown is None or self.seconds_left(now) <= 0:
            return self.renew(positions, ids, now)
        fresh: Ints = np.asarray(positions, np.int64)
        size = int(max(ids.max(initial=-1), self._shown.max(initial=-1))) + 1
        position_of = np.full(size, -1, np.int64)
        position_of[ids[fresh]] = fresh
        old = position_of[self._shown]
        if len(old) == len(fresh) and old.min(initial=0) >= 0:
            return self._note(old, fresh, now)
        old = old[old >= 0]
        added = np.zeros(len(ids), np.bool_)
        added[fresh] = True
        added[old] = False
        is_new = added[fresh]
        shown = np.concatenate((old, fresh[is_new]))
        self._shown = ids[shown]
        return self._note(shown, fresh, now)

    def _note(self, shown: Ints, fresh: Ints, now: float) -> Ints:
        """Note which of the rows shown belong elsewhere in the order `fresh`, and return the rows."""
        import numpy as np

        self.waiting = bool((shown != fresh).any())
        self._differs = _moved(shown, fresh) if now - self._touched < HOLD_SECONDS else None
        self.moved = 0 if self._differs is None else int(np.count_nonzero(self._differs))
        return shown

    def has_moved(self, index: int) -> bool:
        """Whether the row at this index of the shown rows belongs elsewhere in the current sort order."""
        return self._differs is not None and index < len(self._differs) and bool(self._differs[index])


def _moved(shown: Ints, fresh: Ints) -> NDArray[np.bool_]:
    """Return which of the rows shown have moved: those that neither follow nor precede the row beside them in the order
    `fresh`, so that one row that goes to the top is one, not all that it passes.

    Where only groups of rows have changed places, the first row of each group is marked.
    """
    import numpy as np

    rank = np.empty(int(fresh.max(initial=-1)) + 1, np.int64)
    rank[fresh] = np.arange(len(fresh))
    at = rank[shown]
    follows = np.diff(at, prepend=-1) == 1
    precedes = np.diff(at, append=len(at)) == 1
    alone: NDArray[np.bool_] = ~(follows | precedes)
    return alone if alone.any() else ~follows
