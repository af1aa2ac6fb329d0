"""A sequence of rows over NumPy columns; each row is built only on access."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Collection, Hashable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, ClassVar, TypeVar, overload

import numpy as np
from numpy.typing import NDArray

from rebal_tui.domain.quantities import NANO, Money, nearest_cents
from rebal_tui.domain.text import searchable
from rebal_tui.services.view_models.filter_terms import FieldKind, Term, parse_filter
from rebal_tui.services.view_models.shown_rows import ShownRows

R = TypeVar("R")
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]
MAX_CACHED_ROWS = 1_024
MAX_ARRANGED = 8
"""How many arrangements are kept: the one shown, and those that keys may show next."""


class LazyRows(Sequence[R]):
    """Immutable rows, built on access; subclasses provide the columns.

    A position is an index in this sequence. `FIELDS` are the fields that a filter may use, `CHOICES` the values of
    the fields that have a fixed set of values.
    """

    FIELDS: ClassVar[Mapping[str, FieldKind]] = MappingProxyType({})
    CHOICES: ClassVar[Mapping[str, Collection[str]]] = MappingProxyType({})

    def __init__(self, count: int) -> None:
        self._count = count
        self._made: dict[int, R] = {}
        self._orders: dict[tuple[str | None, bool], Ints] = {}
        self._arranged: dict[tuple[object, str, str | None, bool], Ints] = {}
        self._found: dict[str, Flags] = {}
        self._counted: dict[tuple[str, object], tuple[tuple[Any, int], ...]] = {}

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, index: int) -> R: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[R]: ...
    def __getitem__(self, index: int | slice) -> R | Sequence[R]:
        if isinstance(index, slice):
            return tuple(self[position] for position in range(*index.indices(self._count)))
        position = index + self._count if index < 0 else index
        if not 0 <= position < self._count:
            raise IndexError(index)
        made = self._made.get(position)
        if made is None:
            made = self.make(position)
            if len(self._made) >= MAX_CACHED_ROWS:
                self._made.clear()
            self._made[position] = made
        return made

    def arrange(self, accept: Callable[[R], bool] | None, text: str, sort: str | None, reverse: bool) -> Ints:
        """The positions of the rows that pass `accept` and the filter `text`, sorted by the column `sort`.

        The filter ignores case and accents; the sort is stable. None for `sort` is the list's own order. `accept`
        selects the rows to keep, None keeps all; it must be a predicate that `accepted` supports. May run on several
        threads at once.
        """
        asked = accept, text, sort, reverse
        found = self._arranged.get(asked)
        if found is None:
            found = self._arrange(*asked)
            if len(self._arranged) >= MAX_ARRANGED:
                self._arranged.clear()
            self._arranged[asked] = found
        return found

    def has_arranged(self, accept: Callable[[R], bool] | None, text: str, sort: str | None, reverse: bool) -> bool:
        """Whether `arrange` has nothing left to compute for these arguments."""
        return (accept, text, sort, reverse) in self._arranged

    def prepare(self, shown: ShownRows) -> None:
        """Filter and sort the rows as the screen shows them, and build those that the screen needs first.

        A screen may leave its rows in their former order for a while (`ShownRows.keep`). So the rows in view are built
        for both orders: for the former order also a page before and a page after them. Called before the rows are
        handed to the screens' thread, which then only looks them up.
        """
        positions = self.arrange(shown.accept, shown.text, shown.sort, shown.reverse)
        kept, page = shown.keep(positions, self.row_ids()), shown.stop - shown.first
        for wanted in (kept[max(shown.first - page, 0) : shown.stop + page], positions[shown.first : shown.stop]):
            self.several(wanted, wanted)

    def _arrange(self, accept: Callable[[R], bool] | None, text: str, sort: str | None, reverse: bool) -> Ints:
        mask, positions = self._mask(accept, text), self._sorted_by(sort, reverse)
        return positions if mask is None else positions[mask[positions]]

    def _mask(self, accept: Callable[[R], bool] | None, text: str) -> Flags | None:
        """By position, whether the row passes `accept` and the filter `text`; None if neither filters."""
        mask: Flags | None = None if accept is None else self.accepted(accept)
        matches = self.found(text)
        if matches is None:
            return mask
        return matches if mask is None else mask & matches

    def found(self, text: str) -> Flags | None:
        """By position, whether the filter `text` finds the row; None if the text filters nothing.

        Cached, because one text is used with several sort orders and tabs. May run on several threads at once.
        """
        found = self._found.get(text)
        if found is None:
            asked = parse_filter(text, self.FIELDS, self.CHOICES)
            for matches in (*map(self.matching, asked.words), *map(self.fulfilling, asked.terms)):
                found = matches if found is None else found & matches
            if found is not None:
                if len(self._found) >= MAX_ARRANGED:
                    self._found.clear()
                self._found[text] = found
        return found

    def count_found(self, text: str) -> int:
        """The number of rows that the filter `text` finds."""
        found = self.found(text)
        return self._count if found is None else int(np.count_nonzero(found))

    def counts(self, text: str = "", accept: Callable[[R], bool] | None = None) -> tuple[tuple[Any, int], ...]:
        """Each group that has a tab, with the number of its rows that the filter `text` finds and `accept` accepts, a
        predicate as in `arrange`.
        """
        counted = self._counted.get((text, accept))
        if counted is None:
            if len(self._counted) >= MAX_ARRANGED:
                self._counted.clear()
            counted = self._counted[text, accept] = self.count_groups(self._mask(accept, text))
        return counted

    def _sorted_by(self, sort: str | None, reverse: bool) -> Ints:
        """Every position sorted by a column; cached, because filters change more often than the sort order."""
        found = self._orders.get((sort, reverse))
        if found is None:
            values = self.order(sort)
            if values is None:
                positions = np.arange(self._count)
                found = positions[::-1] if reverse else positions
            else:
                found = in_order(-values if reverse else values)
            self._orders[sort, reverse] = found
        return found

    def several(self, positions: Ints, around: Ints) -> list[R]:
        """The rows at these positions; those not built yet are built together.

        Rows at the positions `around` may be read next: a subclass may compute some of their values in advance.
        """
        made, wanted = self._made, positions.tolist()
        if any(position not in made for position in wanted):
            if len(made) + len(wanted) > MAX_CACHED_ROWS:
                made.clear()
            missing = [position for position in wanted if position not in made]
            made.update(zip(missing, self.make_all(missing, around), strict=True))
        return [made[position] for position in wanted]

    def make_all(self, positions: list[int], around: Ints) -> list[R]:
        """Build the rows at these positions; see `several` for `around`."""
        del around
        return [self.make(position) for position in positions]

    @abstractmethod
    def make(self, position: int) -> R:
        """Build the row at a position."""

    @abstractmethod
    def key_at(self, position: int) -> Hashable:
        """The id of the row at a position, such as the account id, which is the same in every later list."""

    @abstractmethod
    def row_ids(self) -> Ints:
        """By position, the account row of the row's account, which is the same in every later list."""

    @abstractmethod
    def find(self, key: Hashable) -> int | None:
        """The position of the row with this id (see `key_at`); None when there is none."""

    @abstractmethod
    def accepted(self, accept: Callable[[R], bool]) -> Flags:
        """By position, whether a predicate accepts the row."""

    @abstractmethod
    def matching(self, needle: str) -> Flags:
        """By position, whether the row contains `needle`, a text in lower case without accents and spaces."""

    def fulfilling(self, term: Term) -> Flags:
        """By position, whether the row fulfills a term of a filter, such as `drift>5`, over one of `FIELDS`."""
        raise NotImplementedError

    def count_groups(self, found: Flags | None) -> tuple[tuple[Any, int], ...]:
        """Each group that has a tab, with the number of its rows among those `found`, by position; None for all."""
        raise NotImplementedError

    @abstractmethod
    def order(self, sort: str | None) -> NDArray[Any] | None:
        """By position, the signed value by which the column `sort` is sorted; None for the list's own order."""


def in_order(values: NDArray[Any]) -> Ints:
    """The positions of signed integers in ascending order of value; the sort is stable.

    Values and positions are combined in one integer and sorted, or ranks if the range is too wide for that; this is
    several times faster than NumPy's stable sort.
    """
    count = len(values)
    if not count:
        return np.empty(0, np.int64)
    positions, lowest, bits = np.arange(count), int(values.min()), count.bit_length()
    if (int(values.max()) - lowest + 1) << bits < 2**63:
        keys = values.astype(np.int64)
        keys -= lowest
    else:
        positions = np.argsort(values)
        keys = np.cumsum(np.diff(values[positions], prepend=lowest) != 0)
    keys <<= bits
    keys |= positions
    keys.sort()
    keys &= (1 << bits) - 1
    return keys


def longest_used(texts: Sequence[str], codes: NDArray[Any]) -> int:
    """The length of the longest of the `texts` that `codes`, indexes in `texts`, refer to; 0 without any."""
    used = np.flatnonzero(np.bincount(codes, minlength=1)).tolist()
    return max((len(texts[code]) for code in used), default=0)


def money_length(amounts: Ints) -> int:
    """The length of the longest of these amounts in dollars and cents, such as `-1,234.50`."""
    if not len(amounts):
        return 0
    ends = [nearest_cents(Money(int(end))) for end in (amounts.min(), amounts.max())]
    return max(len(f"{abs(one) // NANO:,}.00") + (one < 0) for one in ends)


def matching_any(texts: Sequence[str], codes: NDArray[Any], needle: str) -> Flags:
    """By row, whether its text contains `needle`, ignoring case and accents.

    `codes` has the index in `texts` of the text of each row.
    """
    hits = np.array([needle in searchable(text) for text in texts] or [False], np.bool_)
    found: Flags = hits[codes]
    return found
