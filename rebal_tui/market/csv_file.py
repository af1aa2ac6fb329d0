"""Reading CSV files as spreadsheets write them: `,` or `;` between cells, blanks, empty columns and empty lines."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import TextIO

from rebal_tui.domain.errors import Fault, Invalid
from rebal_tui.domain.text import display_text

MAX_BYTES = 64 * 1024 * 1024
MAX_LINE_LENGTH = 200_000
MAX_LINES = 100_000
"""Far more than the sessions of all years in the calendar."""
MAX_FAULTS = 10_000
"""Faults listed one by one; further faults are only counted."""
_QUOTED_CHARACTERS = 40
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_OPEN_COMMA = re.compile(r",(?![0-9]{3}(?![0-9]))", re.ASCII)
"""A comma that cannot separate thousands."""


@dataclass(slots=True)
class FaultList:
    """Faults of a file by line. Those beyond the first `MAX_FAULTS` are counted, not listed."""

    faults: list[tuple[int, Fault]] = field(default_factory=list)
    unlisted: int = 0

    def add(self, line: int, column: str, message: str) -> None:
        """Add a fault in a column of a line; an empty `column` means the whole line."""
        if len(self.faults) < MAX_FAULTS:
            self.faults.append((line, Fault(f"line {line}, {column}" if column else f"line {line}", message)))
        else:
            self.unlisted += 1

    def refusal(self) -> Invalid:
        """The `Invalid` error that lists the faults in the order of the lines, and the number of those left out."""
        listed = [fault for _, fault in sorted(self.faults, key=lambda item: item[0])]
        if self.unlisted:
            listed.append(Fault("", f"and {self.unlisted:,} more fault{'' if self.unlisted == 1 else 's'}"))
        return Invalid(listed)


@dataclass(frozen=True, slots=True)
class CsvText:
    """The text of a CSV file, the separator of its cells, and whether its decimals are written with a comma.

    The separator is `;` when the first line has it and no `,`. `decimal_comma` is True when the separator is `;`, no
    later line has a point, and at least one comma cannot be a thousands separator.
    """

    text: str
    separator: str
    decimal_comma: bool

    def rows(self, faults: FaultList) -> Iterator[tuple[int, list[str]]]:
        """The line number and the cells of every line that is not blank; cells have no blanks around them.

        A line that is not readable as CSV is added to `faults` and left out. Raises `Invalid` beyond 100,000 lines, or
        200,000 characters in a line.
        """
        # No cell may contain a line break. Reading line by line keeps a fault in one line from hiding faults in the
        # next.
        for number, line in enumerate(io.StringIO(self.text, newline=""), start=1):
            content = line.rstrip("\r\n")
            if number > MAX_LINES:
                faults.add(number, "", f"expected at most {MAX_LINES:,} lines")
                raise faults.refusal()
            if len(content) > MAX_LINE_LENGTH:
                faults.add(number, "", f"expected at most {MAX_LINE_LENGTH:,} characters, got {len(content):,}")
                raise faults.refusal()
            if not content.strip(f"{self.separator} "):
                continue
            try:
                cells = next(csv.reader([content], delimiter=self.separator, skipinitialspace=True, strict=True))
            except csv.Error as error:
                faults.add(number, "", f"not readable as CSV: {error}")
            else:
                yield number, [cell.strip(" ") for cell in cells]

    def number(self, cell: str) -> str:
        """The text of a cell that is a number, with a point as its decimal mark."""
        return cell.replace(",", ".") if self.decimal_comma else cell


def read_csv(source: Path | TextIO) -> CsvText:
    """Read a UTF-8 file with or without a byte-order mark. Raises `Invalid` when it is unreadable or above 64 MiB."""
    text = _text(source)
    header, *rest = re.split(r"[\r\n]", text.lstrip("\r\n"), maxsplit=1)
    body = "".join(rest)
    separator = ";" if ";" in header and "," not in header else ","
    comma = separator == ";" and "." not in body and _OPEN_COMMA.search(body) is not None
    return CsvText(text, separator, comma)


def day_of(cell: str) -> date | None:
    """The day of a cell such as `2024-06-10`, None for anything else."""
    with suppress(ValueError):
        return date.fromisoformat(cell) if _DATE.fullmatch(cell) else None
    return None


def without_empty_end(cells: list[str]) -> list[str]:
    """The cells without the empty ones at the end."""
    end = len(cells)
    while end and not cells[end - 1]:
        end -= 1
    return cells[:end]


def got(cell: str, expected: str) -> str:
    """The message for a cell that is not accepted: the text found and the text expected.

    If the cell has an invisible character, the message names it instead.
    """
    try:
        shown = display_text(cell[: _QUOTED_CHARACTERS + 1])
    except ValueError as hidden:
        return f"{hidden}, {expected}"
    if len(shown) > _QUOTED_CHARACTERS:
        shown = shown[:_QUOTED_CHARACTERS] + "…"
    return f"got '{shown}', {expected}" if cell else f"got nothing, {expected}"


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
    if not source.exists():
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
