"""How a screen shows a list at present, so that the next version of the list can be sorted and filtered in advance."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class ShownRows:
    """Filter and order of a list, and its rows in view: `first` up to, not including, `stop`.

    `accept` and `text` filter the rows; `sort` is the column that they are sorted by, None for their own order. `keys`
    are the keys of the rows in view and on the pages before and after, which stay there for a while even if the order
    changes.
    """

    accept: Callable[[Any], bool] | None = None
    text: str = ""
    sort: str | None = None
    reverse: bool = False
    first: int = 0
    stop: int = 0
    keys: tuple[Hashable, ...] = ()
