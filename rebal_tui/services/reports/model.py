"""The content of a report, independent of its format."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby

from rebal_tui.services.reports.texts import time_text


@dataclass(frozen=True, slots=True)
class Table:
    """A table below an entry of a report; every row has as many cells as `columns`.

    `numeric` are the indexes of right-aligned columns. `ids` are the indexes of columns with long ids, in which a line
    may break anywhere.
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
    are further sentences. `traded` is a sentence about what a run traded, why and who approved it; `waited` is a
    sentence about why an evaluation created no run. The summary of a day consists of these sentences. `times` are those
    of the evaluations that an entry counts, oldest first; empty when they are not certain. Entries of the same time are
    in the order of `order_key`, an audit number, by default `audit`; entries without such a number are first.
    """

    at: datetime
    who: str
    sentence: str
    tables: tuple[Table, ...] = ()
    audit: int | None = None
    notes: tuple[str, ...] = ()
    traded: str = ""
    waited: str = ""
    times: tuple[datetime, ...] = ()
    order_key: int | None = None

    @property
    def order(self) -> tuple[datetime, int]:
        """A sort key: the time, then the position in the audit trail."""
        return self.at, (self.audit if self.order_key is None else self.order_key) or 0


@dataclass(frozen=True, slots=True)
class Day:
    """A New York calendar day with its entries, oldest first."""

    day: date
    entries: tuple[Entry, ...]

    @property
    def results(self) -> tuple[str, ...]:
        """Sentences on what the account traded and why; on a day on which no run ended, on why it did not trade.

        If there are several reasons for not trading, each begins with the times of its evaluations, and the earliest is
        first.
        """
        traded = tuple(entry.traded for entry in self.entries if entry.traded)
        waiting = sorted((entry for entry in self.entries if entry.waited), key=lambda one: min((*one.times, one.at)))
        reasons = tuple(dict.fromkeys(entry.waited for entry in waiting))
        if traded or len(reasons) < 2:
            return traded or reasons
        return tuple(f"{_spans(waiting, reason)}: {reason}" for reason in reasons)


def _spans(waiting: Sequence[Entry], reason: str) -> str:
    """When a reason held: `09:30 to 11:30 and at 13:30`; `last at 15:30` when the times are not certain.

    A range of times ends where an evaluation had another reason.
    """
    own = [entry for entry in waiting if entry.waited == reason]
    if not all(entry.times for entry in own):
        return f"last at {time_text(own[-1].at)[:5]}"
    every = sorted((at, entry.waited) for entry in waiting for at in entry.times or (entry.at,))
    spans = []
    for held, group in groupby(every, key=lambda one: one[1]):
        times = [time_text(at)[:5] for at, _ in group]
        if held == reason:
            spans.append(f"{times[0]} to {times[-1]}" if len(times) > 1 else f"at {times[0]}")
    return " and ".join([", ".join(spans[:-1]), spans[-1]] if len(spans) > 1 else spans)


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
    """A report of one run, one account, or several accounts, from `first` to `last` inclusive; None means no bound.

    `content` is what kind of report it is. `lacking` names the part of the past that could not be read; empty when
    nothing is missing.
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
