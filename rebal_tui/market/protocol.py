"""Interfaces of the market: clock and price feed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from rebal_tui.domain.quantities import Price


@dataclass(frozen=True, slots=True)
class Quote:
    """A last price and its time."""

    price: Price
    at: datetime


class Clock(Protocol):
    """The single source of the current time."""

    def now(self) -> datetime:
        """The current time, aware, in UTC."""


class PriceFeed(Protocol):
    """Prices that change with time."""

    def advance(self, now: datetime) -> Mapping[str, Quote]:
        """Update every price to `now`. Returns the quotes that changed. A feed never goes back in time."""

    def quotes(self) -> Mapping[str, Quote]:
        """The latest quote of every symbol that has one."""
