"""The content of a report, independent of its format."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime


@dataclass(frozen=True, slots=True)
class Table:
    """A table below an entry; every row has as many cells as `columns`. `numeric` has the right-aligned columns."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numeric: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that happened. `who` acted: system, broker, advisor or the name of an API key.

    `audit` is the number of the audit entry that recorded it, None when the sentence comes from another record. `notes`
    are further sentences. `traded` says what a run traded, why and who approved it, `waited` why an evaluation made no
    run; a day is summed up by them.
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
        """What the account traded and why; on a day without a run that ended, why it did not trade."""
        traded = [entry.traded for entry in self.entries if entry.traded]
        return tuple(traded or dict.fromkeys(entry.waited for entry in self.entries if entry.waited))


@dataclass(frozen=True, slots=True)
class AccountSection:
    """One account: who, the portfolio it currently follows, and its days."""

    account_id: str
    number: str
    client: str
    portfolio: str
    days: tuple[Day, ...]


@dataclass(frozen=True, slots=True)
class AuditFoot:
    """The head of the audit trail when the report was made; `fault` is empty when the chain is intact."""

    seq: int
    hash: str
    fault: str


@dataclass(frozen=True, slots=True)
class Report:
    """A report of one run, one account, or several accounts, from `first` to `last` inclusive; None is unbounded.

    `lacking` says which part of the past could not be read; empty when nothing is lacking.
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
