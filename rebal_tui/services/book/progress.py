"""How far long-running work on a book has come: following another writer, polling a broker, an evaluation pass."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(slots=True)
class FollowState:
    """How far a book that another program writes has been read: the file's version and the mark of what is in memory.

    `idle_until` is when, in real seconds, everything may be read again.
    """

    version: int = -1
    mark: str = ""
    idle_until: float = 0.0


@dataclass(slots=True)
class PollingState:
    """How far a book is level with a broker at the other end of a wire.

    `loaded` once everything was read; the moments are when something is due again, None for at once; `last_error` is
    why the broker could not be read, and `try_at` when it is tried again.
    """

    loaded: bool = False
    try_at: datetime | None = None
    last_error: str = ""
    account_at: datetime | None = None
    orders_at: datetime | None = None
    daily_at: datetime | None = None
    account_row: int = 0


class UnfinishedPass(Protocol):
    """An evaluation pass of which some chunks are stored. `slot` is the time it stands for, `began` the stopwatch's
    reading at its start; `manual` when a person asked for it; `done` and `total` count subscriptions."""

    manual: bool

    @property
    def slot(self) -> datetime: ...
    @property
    def began(self) -> float | None: ...
    @property
    def done(self) -> int: ...
    @property
    def total(self) -> int: ...
