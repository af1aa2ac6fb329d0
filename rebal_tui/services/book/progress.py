"""Progress of long-running work on a book: reading another program's changes, polling a broker, an evaluation pass."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Protocol


@dataclass(slots=True)
class FollowState:
    """How far this program has read a book that another program writes.

    `version` is that of the file, `mark` that of the in-memory state. `idle_until` is the stopwatch time, in seconds,
    before which nothing is read again; `renames` is the number of changed asset labels read.
    """

    version: int = -1
    mark: str = ""
    idle_until: float = 0.0
    renames: int = -1


class PriceFault(StrEnum):
    """What is wrong with the times of a price feed: `DELAYED` prices are minutes old, `AHEAD` ones later than now."""

    NONE = ""
    DELAYED = "delayed"
    AHEAD = "ahead"


@dataclass(slots=True)
class PollingState:
    """Polling progress of a book with a real broker.

    `loaded` is set once everything was read. `account_at`, `orders_at`, `journals_read_at` and `daily_at` are when
    that read is next due, `journals_at` when journals are next checked, None for immediately. `last_error` is why
    the broker could not be read (`clocks_differ` if it was the clocks), and `try_at` the time of the next attempt.
    `clock_alerted` is the difference of the clocks in the open alert, 0 without one; `stream_alerts` are the open
    alerts of streams by name, `prices_alerted` is the fault of the prices that has one, empty without a fault; all
    are None until they are compared with the stored alerts. `clock_asked_at` is when the broker's clock was last
    requested because of a difference. `differences_asked` is when each account with an unexplained difference was
    last requested, `compared_on` the session at whose open all were compared, and `events_missed` whether a stream
    was down since the last comparison. `orders_left` are the accounts whose orders are still to be compared in this
    round, `budget_at` is when the requests of the last minute are next stored. `asked_at` is when cash or a
    journal, by withdrawal, key or id, was last requested.
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

    `slot` is its scheduled time, `began` the stopwatch reading at its start in seconds, `manual` whether a person
    requested it; `done` and `total` count subscriptions.
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
