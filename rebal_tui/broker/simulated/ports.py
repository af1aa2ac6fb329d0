"""Interfaces that the simulated broker needs from the rest of the program."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from datetime import date, datetime
from typing import Any, Protocol

from rebal_tui.domain.quantities import Price
from rebal_tui.domain.sessions import Session

SqlRow = tuple[Any, ...]
"""A row as SQLite returns it, before conversion to a type of its own."""


class Writer(Protocol):
    """A write transaction of the SQLite file."""

    def execute(self, sql: str, parameters: Sequence[str | int | bytes | None] = ()) -> sqlite3.Cursor:
        """Run one statement."""

    def executemany(self, sql: str, rows: Iterable[Sequence[Any]]) -> sqlite3.Cursor:
        """Run one statement for each row of parameters."""


class Tables(Protocol):
    """The SQLite file: reads at any time, writes in transactions."""

    def write(self) -> AbstractContextManager[Writer]:
        """One write transaction, rolled back when its block raises."""

    def rows(self, sql: str, parameters: Sequence[str | int | bytes | None] = ()) -> list[SqlRow]:
        """Every row of a query."""

    def row(self, sql: str, parameters: Sequence[str | int | bytes | None] = ()) -> SqlRow | None:
        """The first row of a query, None when there is none."""


class Sessions(Protocol):
    """The trading calendar."""

    def session(self, day: date) -> Session | None:
        """The session of a New York date, None on a day without one."""


class Quoted(Protocol):
    """The latest price of a symbol, with its timestamp."""

    @property
    def price(self) -> Price: ...
    @property
    def at(self) -> datetime: ...


Query = Callable[[str, tuple[str | int, ...]], Iterable[SqlRow]]
"""A read: `rows` of the tables, or `execute` of the connection inside a transaction."""
PriceOf = Callable[[str], Quoted | None]
"""The latest quote of a symbol."""
Ids = Callable[[str], str]
"""Makes a UUID that depends only on the given name."""
