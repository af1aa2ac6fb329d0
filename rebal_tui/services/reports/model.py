"""The content of a report, independent of its format."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime


@dataclass(frozen=True, slots=True)
class Table:
    """A table below an entry; every row has as many cells as `columns`.

    `numeric` are the indexes of right-aligned columns.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numeric: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that happened. `who` acted: system, broker, advisor or the name of an API key.

    `audit` is the number of the audit entry that recorded it, None when the sentence comes from another record. `notes`
    are further sentences. `traded` is a sentence about what a run traded, why and who approved it; `waited` one about
    why an evaluation created no run. The summary of a day consists of them.
    """

    at: datetime
    who: str
    sentence: str
    tables: tuple[Table, ...] = ()
    audit: int | None = None
    notes: tuple[str, ...] = ()
    traded: str = ""
    waited: str = ""


@dataclass(frozen=True, slots=True)
class Day:
    """A New York calendar day with its entries, oldest first."""

    day: date
    entries: tuple[Entry, ...]

    @property
    def results(self) -> tuple[str, ...]:
        """Sentences on what the account traded and why; on a day on which no run ended, on why it did not trade."""
        traded = [entry.traded for entry in self.entries if entry.traded]
        return tuple(traded or dict.fromkeys(entry.waited for entry in self.entries if entry.waited))


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
    first: date | None
    last: date | None
    made_at: datetime
    broker: str
    audit: AuditFoot
    sections: tuple[AccountSection, ...]
    lacking: str = ""
