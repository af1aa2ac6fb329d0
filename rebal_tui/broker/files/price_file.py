"""Price files (R-72): rows `symbol,price[,as_of]`, or rows of a date and a price for each symbol.

The second form has the column names `date,SYM,…`; only its last row counts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, time

from rebal_tui.broker.files.cells import AsOf, as_of_in, is_absent, is_symbol, plain_number, quoted, symbol_of
from rebal_tui.broker.files.decimal_mark import BY_OPTION, decimal_mark
from rebal_tui.broker.files.source import decode
from rebal_tui.broker.files.table import Head, Row, Table, head_of, tables
from rebal_tui.domain.errors import Fault, Invalid
from rebal_tui.domain.quantities import Price, parse_price

_ALIASES = {
    "symbol": ("symbol", "ticker"),
    "price": ("price", "close", "lastprice"),
    "as_of": ("asof", "asofdate", "date", "time"),
}
_NEEDED = ("symbol", "price")
_MAX_FAULTS = 1_000


@dataclass(frozen=True, slots=True)
class StatedPrice:
    """A price in a file with its date or time, None when the file has none."""

    price: Price
    as_of: AsOf | None


@dataclass(slots=True)
class _Reading:
    """Prices read so far by symbol, the line of each, and the faults."""

    decimal: str = "."
    found: dict[str, StatedPrice] = field(default_factory=dict)
    lines: dict[str, int] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)

    def put(self, row: Row, columns: tuple[str, str], symbol_cell: str, cell: str, as_of: AsOf | None) -> None:
        """Keep the price of a symbol, unless the file had a newer one in an earlier row. `columns` are the names of the
        columns of symbol and price.
        """
        symbol = symbol_of(symbol_cell)
        if not is_symbol(symbol):
            self._fault(row, columns[0], f"got {quoted(symbol_cell)}, expected a symbol such as VTI")
            return
        try:
            stated = StatedPrice(parse_price(plain_number(cell, self.decimal) or ""), as_of)
        except ValueError as error:
            self._fault(row, columns[1], f"got {quoted(cell)}, {error}")
            return
        known = self.found.get(symbol)
        if known is not None and _order(known.as_of) == _order(as_of) and known.price != stated.price:
            other = f"line {self.lines[symbol]} has another price of the same symbol and time"
            self._fault(row, columns[1], f"got {quoted(cell)}, but {other}")
        elif known is None or _order(known.as_of) < _order(as_of):
            self.found[symbol], self.lines[symbol] = stated, row.line

    def date(self, row: Row, column: str, cell: str) -> AsOf | None:
        """The date or time in a cell, None when it has none; any other content is recorded as a fault."""
        found = as_of_in(cell)
        if found is None and not is_absent(cell):
            self._fault(row, column, f"got {quoted(cell)}, expected a date such as 2026-11-27")
        return found

    def _fault(self, row: Row, column: str, message: str) -> None:
        self.faults.append(Fault(f"line {row.line}, {column}", message))


def read_prices(content: bytes, decimal: str | None = None) -> Mapping[str, StatedPrice]:
    """Prices by symbol. `decimal` is the decimal mark; None determines it from the file. Raises `Invalid`."""
    source = decode(content)
    faults: list[Invalid] = []
    for table in tables(source, faults):
        reading = _by_symbol(table, decimal) or _by_column(table, decimal)
        if reading is None:
            continue
        if reading.faults:
            raise Invalid(reading.faults[:_MAX_FAULTS])
        if reading.found:
            return reading.found
    raise (
        faults[0]
        if faults
        else Invalid([Fault("line 1", "expected the columns symbol and price, or date and one for each symbol")])
    )


def price_of(text: str) -> tuple[str, Price]:
    """The symbol and price of a text `SYM=PRICE` that a person entered. Raises `Invalid`."""
    name, _, price = text.partition("=")
    try:
        if not is_symbol(symbol_of(name)):
            raise ValueError("expected SYM=PRICE")
        return symbol_of(name), parse_price(plain_number(price) or "")
    except ValueError as error:
        raise Invalid([Fault("--set", f"got {quoted(text)}, {error}")]) from None


def _by_symbol(table: Table, decimal: str | None) -> _Reading | None:
    """The prices of a table with the columns symbol and price; None without these columns."""
    rows: list[tuple[Head, Row]] = []
    head: Head | None = None
    for row in table.rows:
        found = head_of(row, _ALIASES, _NEEDED)
        if found is not None:
            head = found
        elif head is not None and row.filled > 1 and not is_absent(head.value(row, "price")):
            rows.append((head, row))
    if head is None:
        return None
    reading = _Reading(decimal or decimal_mark([], [one.value(row, "price") for one, row in rows], name_it=BY_OPTION))
    for used, row in rows:
        as_of = reading.date(row, used.name("as_of"), used.value(row, "as_of"))
        names = used.name("symbol"), used.name("price")
        reading.put(row, names, used.value(row, "symbol"), used.value(row, "price"), as_of)
    return reading


def _by_column(table: Table, decimal: str | None) -> _Reading | None:
    """The prices in the last row of a table with a date column and a column for each symbol; None for other tables."""
    if len(table.rows) < 2 or table.rows[0].cells[0].casefold() != "date":
        return None
    head, last = table.rows[0], table.rows[-1]
    figures = [cell for row in table.rows[1:] for cell in row.cells[1:]]
    reading = _Reading(decimal or decimal_mark([], figures, name_it=BY_OPTION))
    as_of = reading.date(last, "date", last.cells[0])
    if as_of is None and not reading.faults:
        reading.faults.append(Fault(f"line {last.line}, date", "got nothing, expected a date such as 2026-11-27"))
    for index, name in enumerate(head.cells[1:], 1):
        if not is_absent(last.cell(index)):
            reading.put(last, (name, name), name, last.cell(index), as_of)
    return reading


def _order(as_of: AsOf | None) -> tuple[str, time]:
    """A sort key for the dates and times of prices: a date counts as the end of that day; None (no date) comes
    first.
    """
    if as_of is None:
        return "", time.min
    return (as_of.date().isoformat(), as_of.time()) if isinstance(as_of, datetime) else (as_of.isoformat(), time.max)
