"""Search index of account texts: substring filter and sort ranks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache, partial

import numpy as np
from numpy.typing import NDArray

from rebal_tui.domain.text import fold, searchable
from rebal_tui.services.view_models.filter_terms import MIN_ID_PART
from rebal_tui.store.account_table import AccountTable

Ranks = NDArray[np.int64]
Flags = NDArray[np.bool_]
_LINE_END = 10
_ID_START, _ID_END = "\x02", "\x03"
"""Around each id, so that a search can be for a whole id."""
_MAX_CACHED_SEARCHES = 32
"""Cached searches: each finished word of a query is searched again with every letter of the next word."""


class SearchIndex:
    """Ids, numbers and client names of all accounts by account row; immutable.

    `by_number` and `by_name` are the positions of an account in the order of numbers and of names, by account row.
    The order of names ignores case and accents. `longest_name` is the number of characters of the longest name.
    """

    def __init__(self, table: AccountTable) -> None:
        self.version = table.texts_version
        self.ids = tuple(table.ids)
        self.numbers = tuple(table.numbers)
        self.names = tuple(table.names)
        self.row_of = dict(table.row_of)
        names = [fold(name) for name in self.names]
        # Safe on several threads: lists search on those of the book and of the screens.
        cached = lru_cache(maxsize=_MAX_CACHED_SEARCHES)
        self._named = cached(_search_in(f"{one} {two}\n" for one, two in zip(self.numbers, names, strict=True)))
        self._of_id = cached(_search_in(f"{_ID_START}{one}{_ID_END}\n" for one in self.ids))
        self.longest_name = max(map(len, self.names), default=0)
        self.by_number = ranks(self.numbers)
        self.by_name = ranks(names)

    def matching(self, needle: str) -> Flags:
        """By account row, whether `needle` occurs in number or name, or is the id or 8 or more characters of it.

        `needle` is a text made by `searchable`.
        """
        part = needle if len(needle) >= MIN_ID_PART else f"{_ID_START}{needle}{_ID_END}"
        found: Flags = self._named(needle) | self._of_id(part)
        return found


def _search_in(lines: Iterable[str]) -> Callable[[str], Flags]:
    """Return a function that searches some lines for a text; the lines are put in lower case without accents for it."""
    text = np.frombuffer(searchable("".join(lines)).encode(), np.uint8)
    return partial(_search, text, np.flatnonzero(text == _LINE_END), np.bincount(text, minlength=256))


def _search(lines: NDArray[np.uint8], ends: Ranks, often: Ranks, needle: str) -> Flags:
    """Whether each line contains `needle`; `ends` are the line ends, `often` how often each byte occurs.

    A function of arrays: a cached method of the index would keep the index until a garbage collection.
    """
    wanted = needle.encode()
    rarest = min(range(len(wanted)), key=lambda index: int(often[wanted[index]]))
    starts = np.flatnonzero(lines == wanted[rarest])
    if len(wanted) > 1:
        starts -= rarest
        starts = starts[(starts >= 0) & (starts <= len(lines) - len(wanted))]
    for index, byte in enumerate(wanted):
        if index != rarest:
            starts = starts[lines[starts + index] == byte]
    found: Flags = np.zeros(len(ends), np.bool_)
    if len(starts) < len(ends):
        found[np.searchsorted(ends, starts)] = True
    else:
        through = np.searchsorted(starts, ends)
        found = np.diff(through, prepend=0) > 0
    return found


def ranks(texts: Sequence[str]) -> Ranks:
    """The rank of each text in ascending order, from 0; equal texts share a rank."""
    found = np.zeros(len(texts), np.int64)
    last, rank = None, -1
    for index in sorted(range(len(texts)), key=texts.__getitem__):
        if texts[index] != last:
            last, rank = texts[index], rank + 1
        found[index] = rank
    return found
