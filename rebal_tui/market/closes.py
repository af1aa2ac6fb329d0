"""Daily closes from a CSV file, and their replay as a price feed."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TextIO

from rebal_tui.domain.errors import Fault, Invalid
from rebal_tui.domain.quantities import Price, parse_price
from rebal_tui.domain.text import display_text
from rebal_tui.market.protocol import Quote, renamed
from rebal_tui.market.sessions import TradingCalendar

MAX_BYTES = 64 * 1024 * 1024
MAX_SYMBOLS = 5_000
MAX_LINE_LENGTH = 200_000
MAX_LINES = 100_000
"""Far more than the sessions of all years in the calendar."""
MAX_FAULTS = 10_000
"""Faults listed one by one; further faults are only counted."""
_SYMBOL = re.compile(r"[A-Z][A-Z0-9.\-]{0,15}", re.ASCII)
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Closes:
    """Closing prices: one row per day, ascending, one column per symbol; None where a symbol has no price."""

    symbols: tuple[str, ...]
    days: tuple[date, ...]
    rows: tuple[tuple[Price | None, ...], ...]

    def priced(self, position: int) -> Iterator[tuple[str, Price]]:
        """Symbol and price of every price in the row at `position`."""
        for symbol, price in zip(self.symbols, self.rows[position], strict=True):
            if price is not None:
                yield symbol, price


def read_closes(source: Path | TextIO) -> Closes:
    """Closes from a UTF-8 CSV whose header is `date,SYM,SYM,…`; an empty cell is a day without a price.

    Raises `Invalid` with every fault and its location, such as `line 17, TLT: expected a price above 0`, for a file
    above 64 MiB, 100,000 lines, 200,000 characters a line or 5,000 symbols, for dates that do not ascend, and for
    prices that are not plain decimals above 0.
    """
    reader = _Reader()
    # No cell may contain a line break. Reading line by line keeps a fault in one line from hiding faults in the next.
    for number, line in enumerate(io.StringIO(_text(source), newline=""), start=1):
        content = line.rstrip("\r\n")
        if number > MAX_LINES:
            raise Invalid([*reader.faults, Fault(f"line {number}", f"expected at most {MAX_LINES:,} lines")])
        if len(content) > MAX_LINE_LENGTH:
            raise Invalid([*reader.faults, Fault(f"line {number}", f"expected at most {MAX_LINE_LENGTH:,} characters")])
        if not content:
            continue
        try:
            cells = next(csv.reader([content], strict=True))
        except csv.Error as error:
            reader.fault(f"line {number}", f"not readable as CSV: {error}")
        else:
            reader.add_row(number, cells)
    return reader.closes()


def _text(source: Path | TextIO) -> str:
    too_large = Invalid(f"the file is larger than {MAX_BYTES // 1024 // 1024} MiB")
    if not isinstance(source, Path):
        try:
            text = source.read(MAX_BYTES + 1)
        except UnicodeDecodeError as error:
            raise Invalid("expected UTF-8 text") from error
        if len(text) > MAX_BYTES:
            raise too_large
        return text.removeprefix("\ufeff")
    if not source.is_file():
        raise Invalid("the file cannot be read: no such file")
    try:
        with source.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise Invalid(f"the file cannot be read: {error.strerror}") from error
    if len(content) > MAX_BYTES:
        raise too_large
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise Invalid([Fault(f"line {line}", "expected UTF-8 text")]) from error


@dataclass(slots=True)
class _Reader:
    """The rows read so far and their faults."""

    columns: tuple[str, ...] | None = None
    days: list[date] = field(default_factory=list)
    rows: list[tuple[Price | None, ...]] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    unlisted: int = 0

    def fault(self, position: str, message: str) -> None:
        if len(self.faults) < MAX_FAULTS:
            self.faults.append(Fault(position, message))
        else:
            self.unlisted += 1

    def add_row(self, line: int, cells: list[str]) -> None:
        if self.columns is None:
            self._header(line, cells)
            return
        if len(cells) != len(self.columns):
            self.fault(f"line {line}", f"expected {len(self.columns)} cells, got {len(cells)}")
        day = self._day(line, cells[0])
        prices = tuple(
            self._price(line, column, cell) if cell else None
            for column, cell in zip(self.columns[1:], cells[1:], strict=False)
        )
        if day is not None:
            self.days.append(day)
            self.rows.append(prices)

    def closes(self) -> Closes:
        """The closes read. Raises `Invalid` when there are faults or no closes."""
        if self.columns is None:
            raise Invalid("expected a header such as date,SPY,AGG, got an empty file")
        if not self.rows and not self.faults:
            self.fault("", "expected at least one day of closes")
        if self.unlisted:
            self.faults.append(Fault("", f"and {self.unlisted:,} more fault{'' if self.unlisted == 1 else 's'}"))
        if self.faults:
            raise Invalid(self.faults)
        return Closes(self.columns[1:], tuple(self.days), tuple(self.rows))

    def _header(self, line: int, cells: list[str]) -> None:
        if cells[0] != "date":
            self.fault(f"line {line}, column 1", "expected the heading date")
        if not 1 <= len(cells) - 1 <= MAX_SYMBOLS:
            raise Invalid([*self.faults, Fault(f"line {line}", f"expected 1 to {MAX_SYMBOLS:,} symbols after date")])
        columns = ["date"]
        for number, cell in enumerate(cells[1:], start=2):
            known = _SYMBOL.fullmatch(cell) is not None
            if not known:
                self.fault(f"line {line}, column {number}", _unreadable(cell, "expected a symbol such as SPY or BRK.B"))
            columns.append(cell if known else f"column {number}")
        for symbol, times in Counter(columns).items():
            if times > 1:
                self.fault(f"line {line}, {symbol}", f"expected every symbol once, got it {times} times")
        self.columns = tuple(columns)

    def _day(self, line: int, cell: str) -> date | None:
        try:
            day = date.fromisoformat(cell) if _DATE.fullmatch(cell) else None
        except ValueError:
            day = None
        if day is None:
            self.fault(f"line {line}, date", _unreadable(cell, "expected a date such as 2024-03-28"))
        elif self.days and day <= self.days[-1]:
            self.fault(f"line {line}, date", f"expected a day after {self.days[-1]}, got {day}")
            return None
        return day

    def _price(self, line: int, column: str, cell: str) -> Price | None:
        try:
            return parse_price(cell)
        except ValueError as error:
            self.fault(f"line {line}, {column}", _unreadable(cell, str(error)))
            return None


def _unreadable(cell: str, expected: str) -> str:
    """Why a cell is refused: its invisible character if it has one, else the expected format."""
    try:
        display_text(cell)
    except ValueError as hidden:
        return str(hidden)
    return expected


class ClosesFeed:
    """A price feed that replays closes: the quotes of a session are that day's closes, starting at the open.

    A quote's time is the time of the `advance` call while its session is open, and the session's close afterward.
    A symbol without a price on a day keeps its older quote.
    """

    def __init__(self, closes: Closes, calendar: TradingCalendar) -> None:
        self._closes = closes
        self._calendar = calendar
        self._next = 0
        self._quotes: dict[str, Quote] = {}
        self._labels: dict[str, str] = {}

    @property
    def days_without_session(self) -> tuple[date, ...]:
        """Days with closes but no session in the calendar; they are never replayed."""
        return tuple(day for day in self._closes.days if self._calendar.session(day) is None)

    def advance(self, now: datetime) -> Mapping[str, Quote]:
        """Update every quote to `now`. Returns the quotes that changed in price or time."""
        now_utc = now.astimezone(UTC)
        current = self._calendar.last_opened(now_utc)
        if current is None:
            return {}
        fresh: dict[str, Quote] = {}
        position = max(self._next - 1, 0)
        while position < len(self._closes.days) and self._closes.days[position] <= current.day:
            session = self._calendar.session(self._closes.days[position])
            if session is not None:
                at = min(now_utc, session.close)
                fresh.update(
                    (self._labels.get(column, column), Quote(price, at))
                    for column, price in self._closes.priced(position)
                )
            position += 1
        self._next = max(self._next, position)
        changed = {
            symbol: quote
            for symbol, quote in fresh.items()
            if symbol not in self._quotes or (quote != self._quotes[symbol] and quote.at >= self._quotes[symbol].at)
        }
        self._quotes = {**self._quotes, **changed}
        return changed

    def quotes(self) -> Mapping[str, Quote]:
        """The latest quote of every symbol that has had a price."""
        return self._quotes

    def reprice(self, symbol: str, price: Price) -> None:
        """Set the latest price after a corporate action, until the next close: closes already include the action."""
        quote = self._quotes.get(symbol)
        at = quote.at if quote is not None else max((q.at for q in self._quotes.values()), default=None)
        if at is not None:
            self._quotes = {**self._quotes, symbol: Quote(price, at)}

    def rename(self, labels: Mapping[str, str]) -> None:
        """Continue the prices of renamed assets under new symbols, given by old symbol: in the column of the new symbol
        if the file has one, else in the column that has served so far."""
        self._quotes = renamed(self._quotes, labels)
        column_of = {self._labels.get(column, column): column for column in self._closes.symbols}
        moved = {column_of[old]: new for old, new in labels.items() if old in column_of}
        kept = {column: label for column, label in self._labels.items() if column not in moved}
        self._labels = kept | {column: new for column, new in moved.items() if new not in self._closes.symbols}
