"""A selection of rows in its own order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, TypeVar, overload

R = TypeVar("R")


class Source(Protocol):
    """Rows by position; a row may be built on access."""

    def __getitem__(self, position: int, /) -> Any: ...


class RowSelection(Sequence[R]):
    """The rows of a source at the given integer positions; each is built on access."""

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
