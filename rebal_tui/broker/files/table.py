"""The rows of a CSV file with their line numbers, and lookup of columns by name."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from rebal_tui.broker.files.source import SourceText
from rebal_tui.domain.errors import Fault, Invalid

SEPARATORS = (",", ";", "\t", "|")
_BEGIN_CHARACTERS = 100_000
"""Characters of a file in which its separators are looked for."""
MAX_ROWS = 1_000_000
_FIGURE_STARTS = frozenset("0123456789$+(")
"""First characters of figures; no column name begins with one."""
_IN_PARENTHESES = re.compile(r"^(.*?)\(([^()]*)\)\s*$")
_INVISIBLE = dict.fromkeys(map(ord, "\u200b\u200c\u200d\u2060\ufeff\u00ad"))


@dataclass(frozen=True, slots=True)
class Row:
    """One row: `line` is the number of its first line in the file, from 1; `cells` have no surrounding blanks.

    Empty cells at the end are dropped.
    """

    line: int
    cells: tuple[str, ...]

    def cell(self, column: int | None) -> str:
        """The cell in a column, empty when the column is None or the row is shorter."""
        return self.cells[column] if column is not None and column < len(self.cells) else ""

    @property
    def filled(self) -> int:
        """The number of cells that are not empty."""
        return sum(1 for cell in self.cells if cell)


@dataclass(frozen=True, slots=True)
class Table:
    """The rows of a file without blank rows, the encoding of the file, and the separator with which it was parsed."""

    rows: tuple[Row, ...]
    encoding: str
    separator: str


def read_table(source: SourceText, separator: str) -> Table:
    """The rows of a file, parsed with one separator. Raises `Invalid` with the line that is not readable as CSV."""
    reader = csv.reader(io.StringIO(source.text, newline=""), delimiter=separator, strict=True, skipinitialspace=True)
    rows: list[Row] = []
    start = 1
    try:
        for cells in reader:
            cleaned = [clean(cell) for cell in cells]
            while cleaned and not cleaned[-1]:
                cleaned.pop()
            if cleaned:
                rows.append(Row(start, tuple(cleaned)))
            start = reader.line_num + 1
            if len(rows) > MAX_ROWS:
                raise Invalid(f"the file has more than {MAX_ROWS:,} rows")
    except csv.Error as error:
        raise Invalid([Fault(f"line {start}", f"not readable as CSV: {error}")]) from None
    return Table(tuple(rows), source.encoding, separator)


def tables(source: SourceText, faults: list[Invalid]) -> Iterator[Table]:
    """The file as a table for each separator that occurs in it, the most frequent first.

    A separator with which the file is not readable as CSV yields no table; its error is added to `faults`.
    """
    begin = source.text[:_BEGIN_CHARACTERS]
    for separator in sorted((one for one in SEPARATORS if one in begin), key=lambda one: -begin.count(one)):
        try:
            table = read_table(source, separator)
        except Invalid as error:
            faults.append(error)
        else:
            yield table


def clean(cell: str) -> str:
    """A cell without blanks, no-break spaces and invisible characters around it."""
    return cell.strip() if cell.isascii() else cell.translate(_INVISIBLE).strip()


def starts_figure(cell: str) -> bool:
    """Whether a cell begins like a number; no column name does."""
    return cell[:1] in _FIGURE_STARTS if cell else False


def name_forms(name: str) -> tuple[str, ...]:
    """The forms of a column name that are compared: lower case, without blanks, punctuation and `($)`.

    `Qty (Quantity)` has two forms, `qty` and `quantity`.
    """
    match = _IN_PARENTHESES.match(name)
    forms = [match[1], match[2]] if match and any(char.isalnum() for char in match[2]) else [name]
    return tuple(dict.fromkeys(form for form in map(_plain, forms) if form))


def _plain(name: str) -> str:
    return "".join(char for char in name.casefold() if char.isalnum() or char in "%$#").replace("$", "")


@dataclass(frozen=True, slots=True)
class Head:
    """The column names of a table.

    The names are the cells of `row`; `width` is their number. `columns` has the index of each known column by its key,
    the program's own name for it, such as `quantity`.
    """

    row: Row
    columns: Mapping[str, int]

    @property
    def width(self) -> int:
        return len(self.row.cells)

    def name(self, key: str) -> str:
        """The name, as written in the file, of the column that the program calls `key`; for messages."""
        at = self.columns.get(key)
        return self.row.cells[at] if at is not None else key

    def value(self, row: Row, key: str) -> str:
        """The cell of a row in the column that the program calls `key`; empty when the row or the table does not have
        it.
        """
        return row.cell(self.columns.get(key))


def head_of(row: Row, aliases: Mapping[str, Iterable[str]], needed: Sequence[str]) -> Head | None:
    """The column names, if this row has a name for every column in `needed`; else None.

    `needed` has the program's own names of columns, such as `quantity`; `aliases` has, by such a name, the names that
    files may use for the column, in the forms of `name_forms`.
    """
    if any(starts_figure(cell) for cell in row.cells):
        return None
    present: dict[str, int] = {}
    for index, cell in enumerate(row.cells):
        for form in name_forms(cell):
            present.setdefault(form, index)
    columns: dict[str, int] = {}
    for key, names in aliases.items():
        at = next((present[name] for name in names if name in present), None)
        if at is not None:
            columns[key] = at
    return Head(row, columns) if all(key in columns for key in needed) else None
