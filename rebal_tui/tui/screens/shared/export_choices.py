"""What the export (key `x`) can write: the rows of a list as shown, all records of that kind
in the book, a report, or one portfolio.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Hashable, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, TypeVar

from rebal_tui.domain.errors import Conflict, Invalid
from rebal_tui.domain.text import count_text, fold
from rebal_tui.services.view_models.report_subject import REPORT_FORMATS, ReportKind
from rebal_tui.tui.book_services import export as export_services
from rebal_tui.tui.files import write_private
from rebal_tui.tui.questions import Question
from rebal_tui.tui.segments import Line
from rebal_tui.tui.widgets.table_layout import Column
from rebal_tui.typed_paths import read_path, require_output, start_folder

if TYPE_CHECKING:
    from rebal_tui.services.book.book import Book
    from rebal_tui.services.maintenance.export import Export
    from rebal_tui.services.view_models.report_subject import ReportSubject
    from rebal_tui.tui.host import HoldsHeartbeats, MakeReport

R = TypeVar("R", bound=Hashable)
REPORT = "report"
"""Key of the choice that writes a report."""
LIST_FORMATS = ("csv", "json")
ROWS_PER_CHUNK = 500
"""How many rows of a list are formatted before the event loop continues with other work."""
_NAME_CHARACTERS = 60
"""Longest part of a client, portfolio or run name that is used in a file name, in characters."""
_BAR = re.compile("[\u2500-\u259f]+")
"""Characters of which bars are drawn: lines and blocks."""
_MARK = re.compile("^[●◌▲▼✗✓▶◷○◇◆■⊘!?] ")
"""The mark before a status."""
_FIGURE = re.compile(r"[-+−]?\d{1,3}(,\d{3})*(\.\d+)?")
NOTHING = ("–", "·")
"""Texts of cells without a value."""
Progress: TypeAlias = Callable[[int, int], None]
"""Called with the number of rows done and the number of all rows."""


@dataclass(frozen=True, slots=True)
class Written:
    """The content of a file; `what` names it in a notice."""

    content: str | bytes
    what: str


@dataclass(frozen=True, slots=True)
class Reported:
    """The subject of a report; `name` is the name of the client, portfolio or run as shown."""

    subject: ReportSubject
    name: str


@dataclass(frozen=True, slots=True)
class ExportChoice:
    """One content that can be exported: label, figure next to it, file name without extension (`stem`), and formats.

    `make` returns the content in a format; it can be canceled at any time. It raises a
    `Refusal` if the content cannot be made.
    """

    key: str
    label: str
    figure: str
    stem: str
    formats: tuple[str, ...]
    make: Callable[[str, Progress], Awaitable[Written]]


class ShownRows(Protocol):
    """A table with the rows as shown and the columns to export; `total` is the number of rows without the filter."""

    @property
    def rows(self) -> Sequence[Any]: ...
    @property
    def exported_columns(self) -> Sequence[Column[Any]]: ...
    @property
    def total(self) -> int: ...


def shown_rows(table: ShownRows, stem: str, noun: str) -> ExportChoice:
    """Choice to export the rows of a table as shown, filtered and sorted; `noun` is the word for one row.

    They are the rows shown when the file is written: behind the dialog, the table still takes in new rows.
    """

    async def make(fmt: str, progress: Progress) -> Written:
        rows, columns, total = table.rows, table.exported_columns, table.total
        named = {f"{column.title} {column.unit}".rstrip(): column for column in columns if column.title}
        items: list[dict[str, str]] = []
        source = iter(rows)
        while chunk := list(islice(source, ROWS_PER_CHUNK)):
            items += [{title: cell_text(column, row) for title, column in named.items()} for row in chunk]
            progress(len(items), len(rows))
            await asyncio.sleep(0)
        text = await asyncio.to_thread(export_services.table_text, list(named), items, fmt)
        return Written(text, f"{len(rows):,} of {count_text(total, noun)}")

    return ExportChoice("shown", "Rows shown", f"{len(table.rows):,}", stem, LIST_FORMATS, make)


def whole_book(host: HoldsHeartbeats, what: str) -> ExportChoice:
    """Choice to export all records of one kind (`what`, such as `accounts`), with all fields.

    No heartbeat runs during the export, so that all records are of the same time.
    """

    async def make(fmt: str, progress: Progress) -> Written:
        # The export must be consistent: no heartbeat changes the book between two chunks.
        async with host.heartbeats_held():
            made = await host.ask(export_services.Export, what, fmt)
            while await host.ask(advance, made):
                progress(made.done, made.total)
            return Written(await host.ask(text_of, made), f"all {what} of the book")

    return ExportChoice("whole", f"All {what}, all fields", "", what, LIST_FORMATS, make)


def report(make_report: MakeReport, reported: Reported, key: str = REPORT) -> ExportChoice:
    """Choice to export a report. It is made on another thread from a copy of the book."""

    async def make(fmt: str, _progress: Progress) -> Written:
        content = await asyncio.to_thread(make_report, reported.subject, fmt)
        return Written(content, f"the report of {reported.name}")

    kind = reported.subject.kind
    of = "" if kind is ReportKind.BOOK else f"-{file_words(reported.name.removeprefix(f'{kind} '))}"
    return ExportChoice(key, f"Report of {reported.name}", "", f"{kind}-report{of}", REPORT_FORMATS, make)


def file_words(name: str) -> str:
    """Return a name in the form used in file names: `Ruiz, Ana` becomes `ruiz-ana`."""
    letters = "".join(char if char.isalnum() else " " for char in fold(name)[:_NAME_CHARACTERS])
    return "-".join(letters.split())


def file_name(choice: ExportChoice) -> str:
    """Return the proposed file name."""
    return f"{choice.stem}.{choice.formats[0]}"


def endings_text(choice: ExportChoice) -> str:
    """Return a sentence about the file name extensions that select the formats."""
    *others, last = [f".{fmt}" for fmt in choice.formats]
    return f"Name it {', '.join(others)} or {last}" if others else f"Name it {last}"


def read_target(choice: ExportChoice, text: str) -> tuple[Path, bool]:
    """Parse the path of the file to write; returns the absolute path, and whether a file exists there.

    Raises a `Refusal` for a path that cannot be written, or a file name extension that selects no format of the choice.
    """
    path = start_folder() / read_path(text)
    if path.suffix[1:].lower() not in choice.formats:
        raise Invalid(endings_text(choice))
    return path, require_output(path)


def replace_question(path: Path) -> Question:
    """Build the confirmation before an existing file is replaced."""
    return Question("Replace this file?", "Replace", f"{path} exists and will be replaced.")


async def write_choice(choice: ExportChoice, path: Path, progress: Progress) -> str:
    """Write a file that only its owner can read, and return a sentence about what was written to which path.

    Raises a `Refusal` if the content cannot be made or the file not written; an existing file is then unchanged.
    """
    try:
        made = await choice.make(path.suffix[1:].lower(), progress)
        await asyncio.to_thread(write_private, path, made.content)
    except OSError as error:
        raise Conflict(f"not written: {error.strerror or error}") from error
    return f"Wrote {made.what} to {path}."


def cell_text(column: Column[R], row: R) -> str:
    """Return a cell's text for an export: without styles, bars, marks and padding; empty if the cell has no value.

    Figures have no thousands separators, no plus sign and no unit, so that a spreadsheet reads them as numbers. If the
    column has a `plain` function, the text is taken from it.
    """
    cell: str | Line = column.plain(row) if column.plain is not None else column.cell(row)
    text = cell if isinstance(cell, str) else "".join(part for part, _ in cell)
    text = " ".join(_BAR.sub(" ", text).split())
    if text in NOTHING:
        return ""
    if not isinstance(cell, str):
        text = _MARK.sub("", text)
    if column.unit:
        text = text.removesuffix(f" {column.unit}")
    if column.align == "right" and _FIGURE.fullmatch(text):
        return text.replace(",", "").replace("−", "-").removeprefix("+")
    return text


def advance(_book: Book, export: Export) -> bool:
    """Build the next chunk of an export on the book's thread; returns whether there may be more."""
    return export.advance()


def text_of(_book: Book, export: Export) -> str:
    """Return the complete text of an export. Called on the book's thread, as the parts of the text are read from the
    book.
    """
    return export.text()
