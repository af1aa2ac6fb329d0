"""How a screen shows a list at present, so that the next version of the list can be sorted and filtered in advance."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Keep = Callable[[Any, Any], Any]
"""Returns the rows in the order in which they will be shown. Given are the indices of the rows in their current order,
and the integer ids of all rows of the source; any thread may call it."""


def in_their_order(positions: Any, ids: Any) -> Any:
    """A function for `ShownRows.keep` that keeps no earlier order: it returns the positions unchanged."""
    del ids
    return positions


@dataclass(frozen=True, slots=True)
class ShownRows:
    """Filter and order of a list, and its rows in view: `first` up to, not including, `stop`.

    `accept` and `text` filter the rows; `sort` is the column that they are sorted by, None for their own order. `keep`
    is a function of positions and row ids that returns the positions in the order to show: it leaves rows where they
    are for a while even if the order changes.
    """

    accept: Callable[[Any], bool] | None = None
    text: str = ""
    sort: str | None = None
    reverse: bool = False
    first: int = 0
    stop: int = 0
    keep: Keep = in_their_order
