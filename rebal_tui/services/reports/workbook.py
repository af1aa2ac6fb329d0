"""Reports as xlsx workbooks, with the optional package XlsxWriter."""

from __future__ import annotations

import importlib.util
import io
from collections.abc import Iterator
from typing import TYPE_CHECKING

from rebal_tui.domain.errors import Conflict
from rebal_tui.services.reports.render import audit_text, facts, terms
from rebal_tui.services.reports.texts import time_text

if TYPE_CHECKING:
    from rebal_tui.services.reports.model import AccountSection, Day, Entry, Report

INSTALL_HINT = "install it with: pip install 'rebal-tui[xlsx]'"
_DAYS, _EVENTS = "Days", "Events"
_WHO = ("Day", "Time", "Account", "Client")
_WIDTHS = {"Day": 11, "Time": 9, "Account": 12, "Client": 24, "What": 100}
_DEFAULT_WIDTH = 16
_MAX_CELL = 32_767
"""Characters that a cell of a workbook can hold."""


def require_xlsx() -> None:
    """Raise `Conflict` when the package XlsxWriter is not installed."""
    if importlib.util.find_spec("xlsxwriter") is None:
        raise Conflict(f"xlsx needs the package XlsxWriter; {INSTALL_HINT}")


def xlsx(report: Report) -> bytes:
    """A workbook with a sheet of the report's facts, one of all entries, and one for each kind of table.

    Every cell is text, exactly as in the other formats: nothing is a formula, a link or a rounded number.
    """
    import xlsxwriter

    content = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    book = xlsxwriter.Workbook(content, options)
    # The time at which the book was made, not that of the machine: equal reports are equal files.
    book.set_properties({"title": report.title, "created": report.made_at.replace(tzinfo=None)})
    head, right = book.add_format({"bold": True}), book.add_format({"align": "right"})

    about = book.add_worksheet("Report")
    lines = [(report.title, report.subject), *facts(report), ("Audit trail", audit_text(report)), *terms(report)]
    for row, (label, value) in enumerate(lines):
        about.write_string(row, 0, label, head)
        about.write_string(row, 1, value)
    about.set_column(0, 0, 16)
    about.set_column(1, 1, 100)

    for name, (columns, numeric, rows) in _sheets(report).items():
        sheet = book.add_worksheet(name)
        sheet.freeze_panes(1, 0)
        for at, column in enumerate(columns):
            sheet.write_string(0, at, column, head)
            sheet.set_column(at, at, _WIDTHS.get(column, _DEFAULT_WIDTH))
        for row, cells in enumerate(rows, 1):
            for at, cell in enumerate(cells):
                sheet.write_string(row, at, cell[:_MAX_CELL], right if at in numeric else None)
    book.close()
    return content.getvalue()


_Sheet = tuple[tuple[str, ...], frozenset[int], list[tuple[str, ...]]]


def _sheets(report: Report) -> dict[str, _Sheet]:
    """The sheets of a workbook by name: columns, indexes of right-aligned columns, and rows."""
    made: dict[str, _Sheet] = {
        _DAYS: (("Day", "Account", "Client", "What"), frozenset(), []),
        _EVENTS: ((*_WHO, "Who", "What", "Audit entry"), frozenset({6}), []),
    }
    for section in report.sections:
        for day in section.days:
            made[_DAYS][2].extend((day.day.isoformat(), section.number, section.client, one) for one in day.results)
    for section, day, entry in _entries(report):
        start = (day.day.isoformat(), time_text(entry.at), section.number, section.client)
        number = "" if entry.audit is None else str(entry.audit)
        made[_EVENTS][2].append((*start, entry.who, entry.sentence, number))
        made[_EVENTS][2].extend((*start, entry.who, note, "") for note in entry.notes)
        for table in entry.tables:
            numeric = frozenset(at + len(_WHO) for at in table.numeric)
            # The title of a plan has the account's figures, which each of its rows repeats.
            name, _, figures = table.title.partition(", ")
            more = (figures,) if figures else ()
            columns = (*_WHO, *table.columns, *("Account's figures" for _ in more))
            sheet = made.setdefault(name, (columns, numeric, []))
            sheet[2].extend((*start, *cells, *more) for cells in table.rows)
    return made


def _entries(report: Report) -> Iterator[tuple[AccountSection, Day, Entry]]:
    for section in report.sections:
        for day in section.days:
            for entry in day.entries:
                yield section, day, entry
