"""How a list is shown at present, so that its next version can be arranged before it is handed over."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class ShownRows:
    """Filter and order of a list, and its rows in view: `first` up to, not including, `stop`.

    `accept`, `text`, `sort` and `reverse` are those that the rows are arranged by. `keys` are those of the rows in view
    and on the pages before and after, which stay there for a while even if the order changes.
    """

    accept: Callable[[Any], bool] | None = None
    text: str = ""
    sort: str | None = None
    reverse: bool = False
    first: int = 0
    stop: int = 0
    keys: tuple[Hashable, ...] = ()
