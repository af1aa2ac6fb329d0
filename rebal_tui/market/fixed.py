"""A price feed with fixed prices."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from rebal_tui.domain.quantities import Price
from rebal_tui.market.protocol import Quote


class FixedPrices:
    """A price feed whose prices change only when set. Every quote has the time of the last `advance`."""

    def __init__(self, prices: Mapping[str, Price], at: datetime) -> None:
        self._prices = dict(prices)
        self._at = at

    def advance(self, now: datetime) -> Mapping[str, Quote]:
        """Every quote, with the time `now` (or the latest before, if later)."""
        self._at = max(self._at, now)
        return self.quotes()

    def quotes(self) -> Mapping[str, Quote]:
        return {symbol: Quote(price, self._at) for symbol, price in self._prices.items()}

    def set(self, symbol: str, price: Price) -> None:
        """Set a price."""
        self._prices[symbol] = price
