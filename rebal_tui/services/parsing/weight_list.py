"""A list of weights as text: one symbol and percent a line, as spreadsheets copy them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from rebal_tui.broker.files.cells import plain_number, quoted, symbol_of
from rebal_tui.broker.files.source import SourceText
from rebal_tui.broker.files.table import Head, Row, Table, head_of, read_table
from rebal_tui.domain.errors import Fault, Invalid

_ALIASES = {
    "symbol": ("symbol", "ticker", "asset", "security", "instrument", "name"),
    "percent": ("percent", "%", "weight", "weight%", "target", "target%", "targetweight", "allocation", "allocation%"),
}
_WIDE_BLANKS = re.compile(r"\t|\s{2,}")
_BLANK_SEPARATED = re.compile(r"[^,;|]*[^,;|\s]\s+[-+($]*[0-9][0-9.,']*\s*%?\)?")
"""A line of a symbol, blanks and a number, which may have a decimal comma."""
_CASH = frozenset({"CASH", "USD", "CASH USD", "$"})
_TOTALS = frozenset({"TOTAL", "SUM"})


class NotAList(Invalid):
    """Raised for a text that has no line with a symbol and a percent."""


@dataclass(frozen=True, slots=True)
class WeightList:
    """A parsed list of weights: symbol and percent of each line as plain text, the percent of cash, and the faults.

    A line with a readable symbol and an unreadable percent is in `lines`, with an empty percent, and in `faults`.
    `cash` is empty without a line for cash.
    """

    lines: tuple[tuple[str, str], ...]
    cash: str
    faults: tuple[Fault, ...]


def read_weight_list(text: str) -> WeightList:
    """Read lines of symbol and percent, separated by a tab, blanks, a comma, a semicolon or a vertical bar.

    A heading and a line with the total are skipped. A column with the asset's name may stand between symbol and
    percent. All percents must have the same decimal mark, comma or point. Raises `NotAList` for other text, and
    `Invalid` for a list with two decimal marks.
    """
    try:
        rows = _rows(text.replace("\r\n", "\n").replace("\r", "\n"))
    except Invalid as error:
        raise NotAList(list(error.faults)) from error
    head = head_of(rows[0], _ALIASES, ("symbol", "percent")) if rows else None
    if rows and (head is not None or not any(_is_figure(cell) for cell in rows[0].cells)):
        rows = rows[1:]
    cells = [(row, row.cell(_symbol_column(head)), _percent_cell(row, head)) for row in rows]
    if not any(symbol and _is_figure(percent) for _, symbol, percent in cells):
        raise NotAList("expected a list of weights: a symbol and a percent on each line")
    mark = _decimal_mark([percent for _, _, percent in cells])
    lines: list[tuple[str, str]] = []
    faults: list[Fault] = []
    cash = ""
    for row, name, cell in cells:
        symbol, percent = symbol_of(name), ""
        if symbol in _TOTALS:
            continue
        try:
            percent = plain_number(cell, mark) or ""
        except ValueError as error:
            faults.append(Fault(f"line {row.line}", f"{error}, got {quoted(cell)}"))
        else:
            if not percent:
                faults.append(Fault(f"line {row.line}", "expected a symbol and its percent"))
        if symbol in _CASH:
            cash = percent
        elif symbol:
            lines.append((symbol, percent))
    return WeightList(tuple(lines), cash, tuple(faults))


def _rows(text: str) -> Sequence[Row]:
    """Return the rows of the list, cut at the separator that fits."""
    lines = [line for line in text.split("\n") if line.strip()]
    for separator in ("\t", ";", "|"):
        if separator in text:
            return _table(text, separator).rows
    if any(_BLANK_SEPARATED.fullmatch(line.strip()) for line in lines):
        return [
            Row(number, _blank_separated(line.strip()))
            for number, line in enumerate(text.split("\n"), start=1)
            if line.strip()
        ]
    return _table(text, ",").rows


def _table(text: str, separator: str) -> Table:
    return read_table(SourceText(text, "utf-8"), separator)


def _blank_separated(line: str) -> tuple[str, ...]:
    """Return the cells of a line: between two or more blanks if it has them, else what is before the last word."""
    line = re.sub(r"\s+%$", "%", line)
    cells = _WIDE_BLANKS.split(line)
    return tuple(cells) if len(cells) > 1 else tuple(line.rsplit(maxsplit=1))


def _symbol_column(head: Head | None) -> int:
    return 0 if head is None else head.columns["symbol"]


def _percent_cell(row: Row, head: Head | None) -> str:
    """Return the cell with the percent: that of its heading, or the only figure after the symbol, or the second cell.

    Empty if none of them exists.
    """
    if head is not None:
        return head.value(row, "percent")
    figures = [cell for cell in row.cells[1:] if _is_figure(cell)]
    return figures[0] if len(figures) == 1 else row.cell(1) if len(row.cells) == 2 else ""


def _is_figure(cell: str) -> bool:
    """Whether a cell begins as a number does."""
    return cell.lstrip("-+($ ")[:1].isdigit()


def _decimal_mark(percents: Sequence[str]) -> str:
    """Return the decimal mark of all percents, which have no thousands. Raises `Invalid` if they use both marks."""
    point, comma = (next((cell for cell in percents if mark in cell), None) for mark in ".,")
    if point is not None and comma is not None:
        raise Invalid(f"{quoted(point)} and {quoted(comma)} have different decimal marks; expected one")
    return "." if comma is None else ","
