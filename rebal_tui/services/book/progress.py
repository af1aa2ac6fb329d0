"""Progress of long-running work on a book: reading another program's changes, polling a broker, an evaluation pass."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Protocol


@dataclass(slots=True)
class FollowState:
    """How far this program has read a book that another program writes.

    `version` is the version of the file that was read last. `mark` is the number of audit entries and the event cursor
    as text: while it is unchanged, only runs are read again. `idle_until` is the stopwatch time, in seconds, before
    which nothing is read again. `renames` is the number of changed asset labels that were read.
    """

    version: int = -1
    mark: str = ""
    idle_until: float = 0.0
    renames: int = -1


class PriceFault(StrEnum):
    """What is wrong with the times of a price feed: `DELAYED` prices are minutes old, `AHEAD` ones in the future."""

    NONE = ""
    DELAYED = "delayed"
    AHEAD = "ahead"


@dataclass(slots=True)
class PollingState:
    """What was last read from a real broker, and when each kind of data is to be read next.

    `loaded` is set once the book has read everything after its start.

    Next times, None for immediately: `account_at` to read the next account (the one in row `account_row`), `orders_at`
    to compare the open orders of runs, `journals_read_at` to read journals, `journals_at` to look for overdue journals,
    `daily_at` to read the calendar and the assets, `budget_at` to store the requests of the last minute.

    Failures: `last_error` is why the broker could not be read, `clocks_differ` whether that was a difference between
    its clock and this computer's, and `try_at` the time of the next attempt.

    Open alerts, each None until it was compared with the stored alerts: `clock_alerted` is the difference of the clocks
    that the alert names, 0 without an alert. `stream_alerts` are the alert texts by name of the stream.
    `prices_alerted` is the fault of the prices that the alert names, `PriceFault.NONE` without an alert.

    Comparison: `compared_on` is the day of the last session at whose open all accounts were compared, and
    `events_missed` whether a stream has been down since the last comparison. `orders_left` are the ids of the accounts
    whose open orders are still to be compared in the present round.

    Last requests: `clock_asked_at` for the broker's clock because of a difference, `differences_asked` by account id
    for an account with an unexplained difference, `asked_at` for the cash or the journal of a withdrawal, by the id of
    withdrawal or journal, or the journal's idempotency key.
    """

    loaded: bool = False
    try_at: datetime | None = None
    last_error: str = ""
    clocks_differ: bool = False
    account_at: datetime | None = None
    orders_at: datetime | None = None
    orders_left: list[str] = field(default_factory=list)
    budget_at: datetime | None = None
    asked_at: dict[str, datetime] = field(default_factory=dict)
    journals_at: datetime | None = None
    journals_read_at: datetime | None = None
    daily_at: datetime | None = None
    account_row: int = 0
    clock_alerted: timedelta | None = None
    clock_asked_at: datetime | None = None
    stream_alerts: dict[str, str] | None = None
    prices_alerted: PriceFault | None = None
    differences_asked: dict[str, datetime] = field(default_factory=dict)
    compared_on: date | None = None
    events_missed: bool = False


class UnfinishedPass(Protocol):
    """An evaluation pass in progress, stored in chunks.

    `slot` is the scheduled time of the pass. `began` is the stopwatch time at its start in seconds, None without a
    stopwatch. `manual` is whether a person requested it. `done` and `total` count subscriptions.
    """

    manual: bool

    @property
    def slot(self) -> datetime: ...
    @property
    def began(self) -> float | None: ...
    @property
    def done(self) -> int: ...
    @property
    def total(self) -> int: ...
