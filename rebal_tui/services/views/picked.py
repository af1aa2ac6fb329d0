"""Some rows of many, in an order of their own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, TypeVar, overload

R = TypeVar("R")


class Source(Protocol):
    """Rows by their place; what a row is made of may be gathered when it is asked for."""

    def __getitem__(self, place: int, /) -> Any: ...


class Picked(Sequence[R]):
    """The rows of a source at some places, whole numbers of any kind; each is made when it is looked at."""

    def __init__(self, source: Source, places: Any) -> None:
        self._source = source
        self._places = places

    @overload
    def __getitem__(self, index: int) -> R: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[R]: ...
    def __getitem__(self, index: int | slice) -> R | Sequence[R]:
        if isinstance(index, slice):
            return [self._source[int(place)] for place in self._places[index]]
        row: R = self._source[int(self._places[index])]
        return row

    def __len__(self) -> int:
        return len(self._places)
