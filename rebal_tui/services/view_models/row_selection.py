"""Some rows of a list, in an order of their own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, TypeVar, overload, runtime_checkable

R = TypeVar("R")


class Source(Protocol):
    """A sequence of rows; a row may be built on access."""

    def __getitem__(self, position: int, /) -> Any: ...


@runtime_checkable
class FitsColumns(Protocol):
    """A list of rows that reports which of its columns are empty, and how wide others are."""

    def zero_columns(self) -> frozenset[str]:
        """The keys of the columns that are zero or empty in every row."""

    def widest(self) -> Mapping[str, int]:
        """By column of variable width, the number of characters of its longest text."""


@runtime_checkable
class CountsFound(Protocol):
    """A list of rows that counts how many of them a filter finds: of all, and of each group that has a tab."""

    def count_found(self, text: str) -> int:
        """The number of rows that the filter `text` finds; all of them if it is empty."""

    def counts(self, text: str = "", accept: Callable[[Any], bool] | None = None) -> tuple[tuple[Any, int], ...]:
        """Each group with the number of its rows that the filter `text` finds and `accept` accepts."""


class RowSelection(Sequence[R]):
    """The rows of a source at the given positions, in the order of the positions; each is built on access."""

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
