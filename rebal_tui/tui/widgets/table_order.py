"""Filtering and sorting of table rows."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Protocol, TypeAlias, TypeVar, overload, runtime_checkable

from rebal_tui.domain.text import searchable
from rebal_tui.services.view_models.filter_days import is_day, names_day, with_days
from rebal_tui.services.view_models.filter_terms import filter_words, is_of_id
from rebal_tui.services.view_models.row_selection import RowSelection
from rebal_tui.services.view_models.shown_rows import ShownRows
from rebal_tui.tui.widgets.table_layout import Column

R = TypeVar("R")
NO_MATCH = "No row matches the filter; escape clears it."
"""Shown instead of the rows of a table when its filter accepts none."""


@dataclass(frozen=True, slots=True)
class View:
    """Sort order and filter text of a table. `sort` is the key of a column; None means the natural order of the table,
    its order while no column is chosen.
    """

    sort: str | None = None
    reverse: bool = False
    text: str = ""


def next_sort(view: View, columns: Sequence[Column[Any]]) -> View:
    """Return the view sorted by the next sortable column; after the last one, by the natural order."""
    sortable = {column.key: column for column in columns if column.sort is not None}
    keys: list[str | None] = [None, *sortable]
    at = keys.index(view.sort) if view.sort in sortable else 0
    following = keys[(at + 1) % len(keys)]
    return View(following, following is not None and sortable[following].descending, view.text)


@runtime_checkable
class Columnar(Protocol):
    """Rows stored by column (NumPy arrays), with methods that filter and sort them; row objects are built on access."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int) -> Any: ...

    def arrange(
        self, accept: Callable[[Any], bool] | None, text: str, sort: str | None, reverse: bool
    ) -> Sequence[int]:
        """Return the indices of the rows to show, in order. Any thread may call it.

        `accept` filters rows, `text` is the text filter, `sort` is a column key or None for the natural order.
        """

    def several(self, positions: Any, around: Any) -> Sequence[Any]:
        """Return the rows at the indices `positions`; rows at the indices `around` are likely to be requested next."""

    def key_at(self, row_index: int) -> Hashable:
        """Return the key of the row at an index."""

    def row_ids(self) -> Any:
        """Return one integer for each row, in the order in which the rows are stored.

        When new data is loaded, the same row has the same integer again.
        """

    def find(self, key: Hashable) -> int | None:
        """Return the index of the row with this key; None if there is none."""


@runtime_checkable
class Preparable(Columnar, Protocol):
    """Rows stored by column. There are many, so another thread filters and sorts them before they are shown."""

    def has_arranged(self, accept: Callable[[Any], bool] | None, text: str, sort: str | None, reverse: bool) -> bool:
        """Return whether `arrange` has nothing left to compute for these arguments."""

    def prepare(self, shown: ShownRows) -> None:
        """Filter and sort rows before a table shows them, and build those in view. Any thread may call it."""


class Listed(Sequence[R]):
    """Filtered and sorted rows, from a list of objects."""

    def __init__(self, rows: list[R], key: Callable[[R], Hashable]) -> None:
        self._rows = rows
        self._key = key

    @overload
    def __getitem__(self, index: int) -> R: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[R]: ...
    def __getitem__(self, index: int | slice) -> R | Sequence[R]:
        return self._rows[index]

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[R]:
        return iter(self._rows)

    def several(self, first: int, stop: int) -> Sequence[R]:
        """Return the rows from index `first` up to, but not including, `stop`."""
        return self._rows[first:stop]

    def keys(self) -> Iterator[Hashable]:
        """Iterate over the keys of all rows."""
        return map(self._key, self._rows)

    def key_at(self, index: int) -> Hashable:
        """Return the key of the row at an index."""
        return self._key(self._rows[index])

    def index_of(self, key: Hashable) -> int | None:
        """Return the index of the row with this key; None if it is not shown."""
        return next((index for index, found in enumerate(self.keys()) if found == key), None)


class Arranged(RowSelection[R]):
    """Filtered and sorted rows of a `Columnar` object."""

    _source: Columnar

    def several(self, first: int, stop: int) -> Sequence[R]:
        """Return the rows from index `first` up to, but not including, `stop`."""
        count = stop - first
        around = self._positions[max(first - count, 0) : stop + 2 * count]
        rows: Sequence[R] = self._source.several(self._positions[first:stop], around)
        return rows

    def keys(self) -> Iterator[Hashable]:
        """Iterate over the keys of all rows, without building row objects."""
        return map(self._source.key_at, self._positions.tolist())

    def key_at(self, index: int) -> Hashable:
        """Return the key of the row at an index."""
        return self._source.key_at(int(self._positions[index]))

    def index_of(self, key: Hashable) -> int | None:
        """Return the index of the row with this key; None if it is not shown."""
        row_index = self._source.find(key)
        if row_index is None:
            return None
        found = (self._positions == row_index).nonzero()[0]
        return int(found[0]) if len(found) else None


Shown: TypeAlias = Listed[R] | Arranged[R]


def in_source_order(source: Sequence[R], key: Callable[[R], Hashable], wanted: Collection[Hashable]) -> list[Hashable]:
    """Return the keys in `wanted` that a row of `source` has, in the order of the rows in `source`."""
    if not isinstance(source, Columnar):
        return [one for one in map(key, source) if one in wanted]
    indices = {one: index for one in wanted if (index := source.find(one)) is not None}
    return sorted(indices, key=indices.__getitem__)


def arrange(
    rows: Sequence[R],
    accept: Callable[[R], bool] | None,
    search: Callable[[R], str] | None,
    text: str,
    order: Callable[[R], Any] | None,
    reverse: bool,
    ids: Callable[[R], Sequence[str]] | None = None,
    day: Callable[[R], date] | None = None,
) -> list[R]:
    """Return the rows that `accept` accepts and that match every word of `text`, ignoring case and accents.

    `search` returns the text of a row, `ids` its ids. A word matches an id if it is the whole id or a long part of it
    (see `is_of_id`). `day` returns the day of a row, which `23 nov`, `11/23` and `2026-11-23` match. `order` returns
    the sort key of a row; the sort is stable. Without `order`, rows keep their order, or are reversed if `reverse` is
    true.
    """
    matching = list(rows) if accept is None else [row for row in rows if accept(row)]
    needles = filter_words(text)
    if needles and search is not None:
        needles = needles if day is None else with_days(needles)
        # The day of a row costs more than its text, so it is computed only for a filter that names one.
        day = day if any(map(is_day, needles)) else None
        matching = [
            row
            for row in matching
            if _holds(searchable(search(row)), ids(row) if ids else (), day(row) if day else None, needles)
        ]
    if order is not None:
        matching.sort(key=order, reverse=reverse)
    elif reverse:
        matching.reverse()
    return matching


def _holds(text: str, ids: Sequence[str], day: date | None, needles: Sequence[str]) -> bool:
    return all(
        needle in text or any(is_of_id(needle, one) for one in ids) or (day is not None and names_day(needle, day))
        for needle in needles
    )
