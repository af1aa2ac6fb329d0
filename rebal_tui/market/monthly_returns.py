"""Monthly returns read from a CSV file."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from pathlib import Path
from typing import TextIO

from rebal_tui.domain.errors import Invalid
from rebal_tui.market.csv_file import FaultList, got, read_csv, without_empty_end

_MONTH = re.compile(r"([0-9]{4})-(0[1-9]|1[0-2])", re.ASCII)
_SUFFIX = "_return"
_RETURN = re.compile(r"-?[0-9]{1,6}(?:\.[0-9]{1,18})?(?:[eE][+-]?[0-9]{1,2})?", re.ASCII)


@dataclass(frozen=True, slots=True)
class MonthlyReturns:
    """Returns as fractions: one row per month, ascending without gaps, one column per symbol.

    `months` has the first day of each month.
    """

    symbols: tuple[str, ...]
    months: tuple[date, ...]
    rows: tuple[tuple[Fraction, ...], ...]


def has_monthly_returns(first_line: str) -> bool:
    """Whether a file has monthly returns, according to its first line."""
    return first_line.lstrip("\ufeff\r\n ").lower().startswith("month")


def read_monthly_returns(source: Path | TextIO) -> MonthlyReturns:
    """Returns from a UTF-8 CSV file with a header `month,SYM_return,SYM_return,…` and months such as 1926-07.

    A symbol is its heading without `_return`, in capitals. Every cell is a fraction above -1, such as 0.0318. Raises
    `Invalid` with every fault: line, column, the text found and the text expected; a gap between months is a fault.
    """
    content = read_csv(source)
    faults = FaultList()
    columns: tuple[str, ...] = ()
    months: list[date] = []
    rows: list[tuple[Fraction, ...]] = []
    for line, cells in content.rows(faults):
        if not columns:
            header = without_empty_end(cells)
            columns = tuple(cell.lower().removesuffix(_SUFFIX).upper() for cell in header)
            if columns[0] != "MONTH" or len(set(columns)) != len(columns) or len(columns) < 2:
                faults.add(line, "", got(",".join(header), "expected month,STOCK_return,BOND_return,… each once"))
                raise faults.refusal()
            continue
        if len(cells) < len(columns):
            faults.add(line, "", f"got {len(cells)} cells, expected {len(columns)}")
            continue
        months.append(_month(line, cells[0], months, faults))
        rows.append(
            tuple(
                _return(line, column, content.number(cell), faults)
                for column, cell in zip(columns[1:], cells[1:], strict=False)
            )
        )
    if faults.faults:
        raise faults.refusal()
    if not rows:
        raise Invalid("got no month of returns, expected at least one")
    return MonthlyReturns(columns[1:], tuple(months), tuple(rows))


def _month(line: int, cell: str, before: list[date], faults: FaultList) -> date:
    match = _MONTH.fullmatch(cell)
    if match is None or not int(match[1]):
        faults.add(line, "month", got(cell, "expected a month such as 1926-07"))
        return date.min
    month = date(int(match[1]), int(match[2]), 1)
    if before and before[-1] != date.min:
        last = before[-1]
        expected = date(last.year + last.month // 12, last.month % 12 + 1, 1)
        if month != expected:
            faults.add(line, "month", got(cell, f"expected {expected:%Y-%m}, the month after {last:%Y-%m}"))
    return month


def _return(line: int, column: str, cell: str, faults: FaultList) -> Fraction:
    value = Fraction(cell) if _RETURN.fullmatch(cell) else None
    if value is None or value <= -1:
        faults.add(line, column, got(cell, "expected a return above -1, such as 0.0318 or -6.3e-05"))
        return Fraction(0)
    return value
