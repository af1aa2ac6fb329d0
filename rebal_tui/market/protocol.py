"""What the rest asks of the market: what time it is and what things cost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from rebal_tui.domain.quantities import Price


@dataclass(frozen=True, slots=True)
class Quote:
    """A last price and the moment it was made."""

    price: Price
    at: datetime


class Clock(Protocol):
    """The one source of the current time."""

    def now(self) -> datetime:
        """The current moment, aware, in UTC."""


class PriceFeed(Protocol):
    """Prices that move with time."""

    def advance(self, now: datetime) -> Mapping[str, Quote]:
        """Bring every price up to `now`; returns those that changed. Never goes back in time."""

    def quotes(self) -> Mapping[str, Quote]:
        """The latest price of every symbol that has one."""
