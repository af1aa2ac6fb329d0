"""Interfaces of the market: clock and price feed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeVar

from rebal_tui.domain.quantities import Price

T = TypeVar("T")


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
        """The latest quote of every symbol that has one; of one time, and not to be changed."""

    def reprice(self, symbol: str, price: Price) -> None:
        """Set a price at once after a corporate action; a feed of outside prices may ignore it (R-54)."""

    def rename(self, labels: Mapping[str, str]) -> None:
        """Continue the prices of renamed assets under new symbols, given by old symbol (R-50)."""


def renamed(values: Mapping[str, T], labels: Mapping[str, str]) -> dict[str, T]:
    """Values by symbol after assets were renamed, given as old symbol to new; symbols may be swapped.

    A value under a new symbol that no renamed asset gave up is replaced.
    """
    kept = {symbol: value for symbol, value in values.items() if symbol not in labels}
    return kept | {labels[symbol]: value for symbol, value in values.items() if symbol in labels}
