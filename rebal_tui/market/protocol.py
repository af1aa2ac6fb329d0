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
    """The program's only source of the current time."""

    def now(self) -> datetime:
        """The current time in UTC, with its time zone."""


class PriceFeed(Protocol):
    """Prices that change with time."""

    def advance(self, now: datetime) -> Mapping[str, Quote]:
        """Update every price to `now`. Returns the quotes that changed. An earlier `now` never moves prices back."""

    def quotes(self) -> Mapping[str, Quote]:
        """The latest quote of every symbol that has one. A consistent snapshot, which must not be modified."""

    def reprice(self, symbol: str, price: Price) -> None:
        """Set a price at once after a corporate action; a feed of real market prices ignores it (R-54)."""

    def rename(self, labels: Mapping[str, str]) -> None:
        """Continue the prices of renamed assets under new symbols; `labels` maps old symbols to new ones (R-50)."""


def renamed(values: Mapping[str, T], labels: Mapping[str, str]) -> dict[str, T]:
    """The values with their keys renamed; `labels` maps old symbols to new ones, and symbols may be swapped.

    A value whose key is a new symbol, and is not renamed itself, is replaced.
    """
    kept = {symbol: value for symbol, value in values.items() if symbol not in labels}
    return kept | {labels[symbol]: value for symbol, value in values.items() if symbol in labels}
