"""Interfaces that the files broker needs from the rest of the program."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

SqlRow = tuple[Any, ...]
"""A row as SQLite returns it."""
Value = str | int | bytes | None
Ids = Callable[[str], str]
"""Makes a UUID that depends only on the given name."""


class Writer(Protocol):
    """A write transaction of the SQLite file."""

    def execute(self, sql: str, parameters: Sequence[Value] = ()) -> sqlite3.Cursor:
        """Run one statement."""

    def executemany(self, sql: str, rows: Iterable[Sequence[Any]]) -> sqlite3.Cursor:
        """Run one statement for each row of parameters."""


class Tables(Protocol):
    """The SQLite file: reads at any time, writes in transactions."""

    def write(self) -> AbstractContextManager[Writer]:
        """One write transaction, rolled back when its block raises."""

    def rows(self, sql: str, parameters: Sequence[Value] = ()) -> list[SqlRow]:
        """Every row of a query."""

    def row(self, sql: str, parameters: Sequence[Value] = ()) -> SqlRow | None:
        """The first row of a query, None when there is none."""
