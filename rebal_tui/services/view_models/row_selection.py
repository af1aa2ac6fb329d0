"""Some rows of many, in an order of their own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, TypeVar, overload

R = TypeVar("R")


class Source(Protocol):
    """Rows by their place; what a row is made of may be gathered when it is asked for."""

    def __getitem__(self, position: int, /) -> Any: ...


class RowSelection(Sequence[R]):
    """The rows of a source at some places, whole numbers of any kind; each is made when it is looked at."""

    def __init__(self, source: Source, positions: Any) -> None:
        self._source = source
        self._positions = positions

    @overload
    def __getitem__(self, index: int) -> R: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[R]: ...
    def __getitem__(self, index: int | slice) -> R | Sequence[R]:
        if isinstance(index, slice):
            return [self._source[int(position)] for position in self._positions[index]]
        row: R = self._source[int(self._positions[index])]
        return row

    def __len__(self) -> int:
        return len(self._positions)
