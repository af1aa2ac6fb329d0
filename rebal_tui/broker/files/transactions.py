"""A row of a custodian's transactions: a trade, a movement of cash or something else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import TypeVar

from rebal_tui.broker.files.cells import as_of_in, is_absent, nanos, plain_number, quoted
from rebal_tui.broker.files.table import Head, Row
from rebal_tui.domain.quantities import Money, Price, Qty, parse_price, parse_qty

_Read = TypeVar("_Read")


class Kind(StrEnum):
    BUY = "buy"
    SELL = "sell"
    DIVIDEND = "dividend"
    REINVESTMENT = "reinvestment"
    DEPOSIT = "deposit"
    WITHDRAWAL = "withdrawal"
    SWEEP = "sweep"
    OTHER = "other"


TRADES = (Kind.BUY, Kind.SELL)


@dataclass(frozen=True, slots=True)
class Transaction:
    """One row of a custodian's transactions.

    `account` is empty when the file has no account column; `qty` is above 0; `amount` is in dollars, with the sign that
    the file has. `fees` is below 0 for a rebate. `reference` is the order's reference in the trade list, if the
    custodian's file has it; else empty.
    """

    line: int
    account: str
    day: date | None
    kind: Kind
    text: str
    symbol: str
    qty: Qty | None
    price: Price | None
    fees: Money
    amount: Money | None
    reference: str = ""


@dataclass(frozen=True, slots=True)
class RowReader:
    """Reads the cells of one row under column names. Every method raises `ValueError` with the column's name."""

    head: Head
    row: Row
    decimal: str = "."

    def text(self, column: str) -> str:
        """A cell, empty when it or its column does not exist."""
        return self.head.value(self.row, column)

    def qty(self, column: str = "quantity") -> Qty | None:
        """The shares in a column without their sign; None when the cell has no number, or zero."""
        plain = (self._plain(column) or "").removeprefix("-")
        return self._read(column, lambda: parse_qty(plain)) if plain.strip("0.") else None

    def price(self, column: str = "price") -> Price | None:
        """The price in a column, None when the cell has no number, or zero."""
        plain = self._plain(column) or ""
        return self._read(column, lambda: parse_price(plain)) if plain.strip("0.") else None

    def money(self, column: str) -> Money | None:
        """The dollars in a column, None when the cell has no number."""
        plain = self._plain(column)
        return None if plain is None else self._read(column, lambda: Money(nanos(plain)))

    def negative(self, column: str) -> bool:
        """Whether the number in a column is below zero; False for a cell without a number."""
        return (self._plain(column) or "").startswith("-")

    def day(self, column: str = "date") -> date | None:
        """The effective date in a column, such as the second date of `07/16/2024 as of 07/15/2024`; None without a
        date.
        """
        cell = self.text(column)
        found = as_of_in(cell.rpartition(" as of ")[2])
        if found is None and not is_absent(cell):
            raise ValueError(f"{self.head.name(column)}: got {quoted(cell)}, expected a date such as 2026-11-27")
        return found.date() if isinstance(found, datetime) else found

    def _plain(self, column: str) -> str | None:
        return self._read(column, lambda: plain_number(self.text(column), self.decimal))

    def _read(self, column: str, read: Callable[[], _Read]) -> _Read:
        try:
            return read()
        except ValueError as error:
            raise ValueError(f"{self.head.name(column)}: got {quoted(self.text(column))}, {error}") from None
