"""Reports on a book's file, for the command and the screens."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from rebal_tui.services.view_models.report_subject import XLSX, ReportKind, ReportSubject

if TYPE_CHECKING:
    from rebal_tui.services.book.book import Book
    from rebal_tui.services.reports.model import Report


def report_file(path: Path, subject: ReportSubject, fmt: str) -> bytes:
    """The content of a report's file, made from a copy of the book as it is now.

    `fmt` is one of `REPORT_FORMATS`. Works while a process has the book open. Raises `NotFound` and `Invalid` for an
    unknown subject, and `Conflict` when the file is not a book, or when the package for xlsx is not installed.
    """
    from rebal_tui import bootstrap, opening
    from rebal_tui.services.reports import render, workbook

    if fmt == XLSX:
        workbook.require_xlsx()
    database = bootstrap.open_copy(path)
    try:
        report = _report(opening.open_to_read(database, path), subject)
    finally:
        database.close()
    if fmt == XLSX:
        return workbook.xlsx(report)
    return {"html": render.html, "md": render.markdown, "csv": render.csv}[fmt](report).encode()


def _report(book: Book, subject: ReportSubject) -> Report:
    from rebal_tui.services.reports import build

    match subject.kind:
        case ReportKind.RUN:
            return build.run_report(book, subject.text)
        case ReportKind.ACCOUNT:
            return build.account_report(book, subject.text, subject.first, subject.last)
        case ReportKind.PORTFOLIO:
            return build.portfolio_report(book, subject.text, subject.first, subject.last)
        case ReportKind.BOOK:
            return build.book_report(book, subject.first, subject.last)
