"""What the Alpaca adapter asks of its surroundings."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from rebal_tui.domain.quantities import Price


@dataclass(frozen=True, slots=True)
class ReceivedEvent:
    """One thing that the broker told us: `seq` is ours, `event_id` the broker's, `body` its JSON."""

    seq: int
    stream: str
    event_id: str
    at: datetime
    body: str


class EventInbox(Protocol):
    """Where everything that the broker tells is kept in the order it came, each thing once."""

    def add(self, received: Sequence[tuple[str, str, datetime, str]]) -> int:
        """Keep (stream, event id, time, JSON) of each, except what is there; returns how many were new."""

    def after(self, seq: int, limit: int) -> Sequence[ReceivedEvent]:
        """What came after `seq`, oldest first."""

    def last_at(self, stream: str) -> datetime | None:
        """The time of the latest event of a stream, None when none came."""


class Quoted(Protocol):
    """A last price and the moment it was made."""

    @property
    def price(self) -> Price: ...
    @property
    def at(self) -> datetime: ...


PriceOf = Callable[[str], Quoted | None]
"""The latest quote of a symbol."""
SettlesOn = Callable[[date], date]
"""When a trade of a New York day settles (R-30)."""
