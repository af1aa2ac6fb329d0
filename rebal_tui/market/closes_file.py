"""Daily closes read from a CSV file."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import TextIO

from rebal_tui.domain.errors import Invalid
from rebal_tui.domain.quantities import Price, parse_price
from rebal_tui.market.closes import Closes
from rebal_tui.market.csv_file import CsvText, FaultList, day_of, got, read_csv, without_empty_end

MAX_SYMBOLS = 5_000
_SYMBOL = re.compile(r"[A-Z][A-Z0-9.\-]{0,15}", re.ASCII)


def read_closes(source: Path | TextIO) -> Closes:
    """Closing prices from a UTF-8 CSV file with the header `date,SYM,SYM,…`; an empty cell means no price that day.

    `date` may be in any case, cells may be separated by `;` and have blanks around them, empty columns and lines at the
    end are ignored, and the newest day may come first. Raises `Invalid` with every fault: line, column, the text found
    and the text expected, such as `line 17, TLT: got '0', expected a price above 0`. Faults are a file above 64 MiB,
    more than 100,000 lines, 200,000 characters in a line or 5,000 symbols, dates that neither all ascend nor all
    descend, and prices that are not plain decimals above 0.
    """
    content = read_csv(source)
    reader = _Reader(content)
    for number, cells in content.rows(reader.faults):
        reader.add_row(number, cells)
    return reader.closes()


@dataclass(slots=True)
class _Reader:
    """The rows read so far and their faults."""

    content: CsvText
    columns: tuple[str, ...] | None = None
    faults: FaultList = field(default_factory=FaultList)
    lines: list[int] = field(default_factory=list)
    days: list[date] = field(default_factory=list)
    rows: list[tuple[Price | None, ...]] = field(default_factory=list)

    def add_row(self, line: int, cells: list[str]) -> None:
        if self.columns is None:
            self.columns = self._header(line, without_empty_end(cells))
            return
        cells = self._matched(line, cells, self.columns)
        day = self._day(line, cells[0])
        prices = tuple(
            self._price(line, column, cell) if cell else None
            for column, cell in zip(self.columns[1:], cells[1:], strict=False)
        )
        if day is not None:
            self.lines.append(line)
            self.days.append(day)
            self.rows.append(prices)

    def closes(self) -> Closes:
        """The closes read, ascending. Raises `Invalid` when there are faults or no closes."""
        if self.columns is None and not self.faults.faults:
            raise Invalid("got an empty file, expected a header such as date,SPY,AGG")
        if self.columns is None:
            raise self.faults.refusal()
        descending = _descends(self.days)
        self._check_order(descending)
        if self.faults.faults:
            raise self.faults.refusal()
        if not self.rows:
            raise Invalid("got only a header, expected at least one day of closes")
        step = -1 if descending else 1
        return Closes(self.columns[1:], tuple(self.days[::step]), tuple(self.rows[::step]))

    def _header(self, line: int, cells: list[str]) -> tuple[str, ...]:
        if cells[0].lower() != "date":
            self.faults.add(line, "column 1", got(cells[0], "expected the heading date"))
        if not 1 <= len(cells) - 1 <= MAX_SYMBOLS:
            expected = f"got {len(cells) - 1:,} symbols, expected 1 to {MAX_SYMBOLS:,} after date, separated by , or ;"
            self.faults.add(line, "", expected)
            raise self.faults.refusal()
        columns = ["date"]
        for number, cell in enumerate(cells[1:], start=2):
            known = _SYMBOL.fullmatch(cell) is not None
            if not known:
                self.faults.add(line, f"column {number}", got(cell, "expected a symbol such as SPY or BRK.B"))
            columns.append(cell if known else f"column {number}")
        for symbol, times in Counter(columns).items():
            if times > 1:
                self.faults.add(line, symbol, f"got it {times} times, expected every symbol once")
        return tuple(columns)

    def _matched(self, line: int, cells: list[str], columns: tuple[str, ...]) -> list[str]:
        """The cells below a heading; others must be empty."""
        if len(cells) < len(columns):
            self.faults.add(line, "", f"got {len(cells)} cells, expected {len(columns)}")
        for number, cell in enumerate(cells[len(columns) :], start=len(columns) + 1):
            if cell:
                self.faults.add(line, f"column {number}", got(cell, "expected nothing: the column has no heading"))
        return cells[: len(columns)]

    def _day(self, line: int, cell: str) -> date | None:
        day = day_of(cell)
        if day is None:
            self.faults.add(line, "date", got(cell, "expected a date such as 2024-03-28"))
        return day

    def _price(self, line: int, column: str, cell: str) -> Price | None:
        try:
            return parse_price(self.content.number(cell))
        except ValueError as error:
            self.faults.add(line, column, got(cell, str(error)))
            return None

    def _check_order(self, descending: bool) -> None:
        """Every day must come after the day above it, or before it when the newest comes first."""
        last: date | None = None
        for line, day in zip(self.lines, self.days, strict=True):
            if last is not None and (day >= last if descending else day <= last):
                self.faults.add(line, "date", f"got {day}, expected a day {'before' if descending else 'after'} {last}")
            else:
                last = day


def _descends(days: list[date]) -> bool:
    """Whether most days come before the day in the line above them."""
    steps = [(below > above) - (below < above) for above, below in pairwise(days)]
    return sum(steps) < 0
