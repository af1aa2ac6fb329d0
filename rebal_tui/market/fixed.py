"""A price feed with fixed prices."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from rebal_tui.domain.quantities import Price
from rebal_tui.market.protocol import Quote, renamed


class FixedPrices:
    """A price feed whose prices change only when set. Every quote has the time of the last `advance`."""

    def __init__(self, prices: Mapping[str, Price], at: datetime) -> None:
        self._prices = dict(prices)
        self._at = at
        self._quotes: Mapping[str, Quote] | None = None

    def advance(self, now: datetime) -> Mapping[str, Quote]:
        """Set the time of every quote to `now`, unless that is earlier, and return all quotes."""
        if now > self._at:
            self._at, self._quotes = now, None
        return self.quotes()

    def quotes(self) -> Mapping[str, Quote]:
        """The quote of every symbol. The mapping is rebuilt only after a change, because each order reads it."""
        if self._quotes is None:
            self._quotes = {symbol: Quote(price, self._at) for symbol, price in self._prices.items()}
        return self._quotes

    def set(self, symbol: str, price: Price) -> None:
        """Set the price of a symbol."""
        self._prices[symbol], self._quotes = price, None

    def reprice(self, symbol: str, price: Price) -> None:
        """Set the price of a symbol after a corporate action."""
        self.set(symbol, price)

    def rename(self, labels: Mapping[str, str]) -> None:
        """Continue the prices of renamed assets under new symbols; `labels` maps old symbols to new ones."""
        self._prices, self._quotes = renamed(self._prices, labels), None
