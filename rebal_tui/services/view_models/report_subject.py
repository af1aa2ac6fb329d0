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
    """What a report is about, and its New York days, both included; None is unbounded.

    `text` is an account's id, number or words of its name, a portfolio's id or name, or a run's id. A run has no days.
    """

    kind: ReportKind
    text: str = ""
    first: date | None = None
    last: date | None = None
