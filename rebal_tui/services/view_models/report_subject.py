"""What a report is about, and its formats."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

XLSX = "xlsx"
REPORT_FORMATS = ("html", "md", "csv", XLSX)


class ReportKind(StrEnum):
    """What a report is about."""

    ACCOUNT = "account"
    PORTFOLIO = "portfolio"
    RUN = "run"
    BOOK = "book"


@dataclass(frozen=True, slots=True)
class ReportSubject:
    """The subject of a report, and its first and last New York day, both included; None is unbounded.

    `text` is an account's id, number or words of its name, a portfolio's id or name, or a run's id. A report of a run
    has no days.
    """

    kind: ReportKind
    text: str = ""
    first: date | None = None
    last: date | None = None
