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
    """The last price of an asset and the time of that price."""

    price: Price
    at: datetime


class Clock(Protocol):
    """The program's only source of the current time."""

    def now(self) -> datetime:
        """The current time in UTC, with its time zone."""


class PriceFeed(Protocol):
    """A source of quotes by symbol that change with time."""

    def advance(self, now: datetime) -> Mapping[str, Quote]:
        """Update every price to `now`. Returns the quotes that changed. An earlier `now` never moves prices back."""

    def quotes(self) -> Mapping[str, Quote]:
        """The latest quote of every symbol that has one. A consistent snapshot; the caller must not modify it."""

    def reprice(self, symbol: str, price: Price) -> None:
        """Set a price at once after a corporate action; a feed of real market prices ignores it (R-54)."""

    def rename(self, labels: Mapping[str, str]) -> None:
        """Continue the prices of renamed assets under new symbols; `labels` maps old symbols to new ones (R-50)."""


def renamed(values: Mapping[str, T], labels: Mapping[str, str]) -> dict[str, T]:
    """A mapping by symbol with its keys renamed; `labels` maps old symbols to new ones. Symbols may be swapped.

    A renamed value replaces one that already has the new symbol as its key.
    """
    kept = {symbol: value for symbol, value in values.items() if symbol not in labels}
    return kept | {labels[symbol]: value for symbol, value in values.items() if symbol in labels}
