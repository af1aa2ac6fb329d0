"""Interfaces that the Alpaca adapter needs from the rest of the program."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from rebal_tui.domain.quantities import Price


@dataclass(frozen=True, slots=True)
class ReceivedEvent:
    """An event received from the broker. `seq` is the number that the inbox assigned, `event_id` the broker's id.

    `body` is its JSON.
    """

    seq: int
    stream: str
    event_id: str
    at: datetime
    body: str


class EventInbox(Protocol):
    """Storage of events received from the broker, in order of arrival; an event received again is not stored again."""

    def add(self, received: Sequence[tuple[str, str, datetime, str]]) -> int:
        """Store events that are not stored yet, each as stream, event id, time and JSON; returns how many were new."""

    def after(self, seq: int, limit: int) -> Sequence[ReceivedEvent]:
        """Events with numbers above `seq`, oldest first, at most `limit`."""

    def last_at(self, stream: str) -> datetime | None:
        """The time of the latest stored event of a stream, None when there is none."""

    def began_at(self) -> datetime:
        """The time at which the book was created; earlier events do not concern the book."""


class Quoted(Protocol):
    """The latest price of a symbol, with its timestamp."""

    @property
    def price(self) -> Price: ...
    @property
    def at(self) -> datetime: ...


PriceOf = Callable[[str], Quoted | None]
"""The latest quote of a symbol."""
SettlesOn = Callable[[date], date]
"""The settlement date of a trade on a New York date (R-30)."""
