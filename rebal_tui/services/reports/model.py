"""The content of a report, independent of its format."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from rebal_tui.services.reports.texts import time_text


@dataclass(frozen=True, slots=True)
class Table:
    """A table below an entry; every row has as many cells as `columns`.

    `numeric` are the indexes of right-aligned columns, `ids` those of columns of long ids, which may break anywhere.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numeric: frozenset[int] = frozenset()
    ids: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that happened. `who` acted: system, broker, advisor or the name of an API key.

    `audit` is the number of the audit entry that recorded it, None when the sentence comes from another record. `notes`
    are further sentences. `traded` is a sentence about what a run traded, why and who approved it; `waited` one about
    why an evaluation created no run. The summary of a day consists of them. `since` is the time of the first of the
    evaluations that an entry counts, None when it is not certain.
    """

    at: datetime
    who: str
    sentence: str
    tables: tuple[Table, ...] = ()
    audit: int | None = None
    notes: tuple[str, ...] = ()
    traded: str = ""
    waited: str = ""
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Day:
    """A New York calendar day with its entries, oldest first."""

    day: date
    entries: tuple[Entry, ...]

    @property
    def results(self) -> tuple[str, ...]:
        """Sentences on what the account traded and why; on a day on which no run ended, on why it did not trade.

        Of several reasons for not trading, each begins with the times of its evaluations.
        """
        traded = tuple(entry.traded for entry in self.entries if entry.traded)
        waited: dict[str, list[Entry]] = {}
        for entry in self.entries:
            if entry.waited and not traded:
                waited.setdefault(entry.waited, []).append(entry)
        if len(waited) < 2:
            return traded or tuple(waited)
        return tuple(f"{_span(some)}: {text}" for text, some in waited.items())


def _span(some: Sequence[Entry]) -> str:
    """`09:30 to 11:30`, `at 15:30`, or `last at 15:30` when the beginning is not known."""
    first, last = some[0].since, time_text(some[-1].at)[:5]
    if first is None:
        return f"last at {last}"
    start = time_text(first)[:5]
    return f"at {last}" if start == last else f"{start} to {last}"


@dataclass(frozen=True, slots=True)
class AccountSection:
    """The part of a report about one account: the account, the portfolio it follows now, and its days."""

    account_id: str
    number: str
    client: str
    portfolio: str
    days: tuple[Day, ...]


@dataclass(frozen=True, slots=True)
class AuditFoot:
    """The number and hash of the last audit entry at the time of the report.

    `fault` is what is wrong with the hash chain, empty when it is intact.
    """

    seq: int
    hash: str
    fault: str


@dataclass(frozen=True, slots=True)
class Report:
    """A report of one run, one account, or several accounts, from `first` to `last` inclusive; None is unbounded.

    `lacking` names the part of the past that could not be read; empty when nothing is missing.
    """

    title: str
    subject: str
    content: str
    first: date | None
    last: date | None
    made_at: datetime
    broker: str
    audit: AuditFoot
    sections: tuple[AccountSection, ...]
    lacking: str = ""
