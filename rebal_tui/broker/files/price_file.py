"""Price files: `symbol,price[,as_of]`, or `date,SYM,…` of which the last row counts (R-72)."""

from __future__ import annotations

from datetime import date, datetime, time

from rebal_tui.broker.files.cells import AsOf, as_of_in, is_symbol, plain_number, quoted, symbol_of
from rebal_tui.broker.files.source import decode
from rebal_tui.broker.files.table import SEPARATORS, Row, Table, head_of, read_table
from rebal_tui.domain.errors import Fault, Invalid
from rebal_tui.domain.quantities import Price, parse_price
from rebal_tui.domain.sessions import NEW_YORK

_ALIASES = {"symbol": ("symbol", "ticker"), "price": ("price", "close", "lastprice"), "as_of": ("asof", "date", "time")}
_CLOSE = time(16)


def read_prices(content: bytes) -> tuple[dict[str, Price], datetime | None]:
    """Prices by symbol, and the oldest time of the rows, None when no row has one. Raises `Invalid`."""
    source = decode(content)
    used = max(SEPARATORS, key=source.text[:10_000].count)
    table = read_table(source, used)
    faults: list[Fault] = []
    found, dates = _by_symbol(table, faults) or _by_column(table, faults)
    if faults:
        raise Invalid(faults)
    if not found:
        raise Invalid([Fault("line 1", "expected the columns symbol and price, or date and one for each symbol")])
    return found, min((_at(day) for day in dates), default=None)


def price_of(text: str) -> tuple[str, Price]:
    """A price entered by hand, `SYM=PRICE`. Raises `Invalid`."""
    name, _, price = text.partition("=")
    try:
        if not is_symbol(symbol_of(name)):
            raise ValueError("expected SYM=PRICE")
        return symbol_of(name), parse_price(plain_number(price) or "")
    except ValueError as error:
        raise Invalid([Fault("--set", f"got {quoted(text)}, {error}")]) from None


def _by_symbol(table: Table, faults: list[Fault]) -> tuple[dict[str, Price], list[AsOf]] | None:
    at = next((i for i, row in enumerate(table.rows) if head_of(row, _ALIASES, ("symbol", "price"))), None)
    head = None if at is None else head_of(table.rows[at], _ALIASES, ("symbol", "price"))
    if at is None or head is None:
        return None
    found: dict[str, Price] = {}
    dates: list[AsOf] = []
    for row in table.rows[at + 1 :]:
        symbol = symbol_of(head.value(row, "symbol"))
        if not is_symbol(symbol):
            faults.append(Fault(f"line {row.line}, {head.name('symbol')}", f"got {quoted(symbol)}, expected a symbol"))
            continue
        _put(found, faults, row, head.name("price"), symbol, head.value(row, "price"))
        day = as_of_in(head.value(row, "as_of"))
        dates += [day] if day is not None else []
    return found, dates


def _by_column(table: Table, faults: list[Fault]) -> tuple[dict[str, Price], list[AsOf]]:
    if len(table.rows) < 2 or table.rows[0].cells[0].casefold() != "date":
        return {}, []
    head, last = table.rows[0], table.rows[-1]
    found: dict[str, Price] = {}
    for index, name in enumerate(head.cells[1:], 1):
        if last.cell(index):
            _put(found, faults, last, name, symbol_of(name), last.cell(index))
    day = as_of_in(last.cells[0])
    if day is None:
        faults.append(Fault(f"line {last.line}, date", f"got {quoted(last.cells[0])}, expected a date"))
        return found, []
    return found, [day]


def _put(found: dict[str, Price], faults: list[Fault], row: Row, column: str, symbol: str, cell: str) -> None:
    try:
        found[symbol] = parse_price(plain_number(cell) or "")
    except ValueError as error:
        faults.append(Fault(f"line {row.line}, {column}", f"got {quoted(cell)}, {error}"))


def _at(day: AsOf) -> datetime:
    return day if isinstance(day, datetime) else _closing(day)


def _closing(day: date) -> datetime:
    return datetime.combine(day, _CLOSE, NEW_YORK)
