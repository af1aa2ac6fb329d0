"""Prices that stay where they are put."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from rebal_tui.domain.quantities import Price
from rebal_tui.market.protocol import Quote


class FixedPrices:
    """A price feed without movement: every quote is as old as the moment asked for."""

    def __init__(self, prices: Mapping[str, Price], at: datetime) -> None:
        self._prices = dict(prices)
        self._at = at

    def advance(self, now: datetime) -> Mapping[str, Quote]:
        """Every quote, made now."""
        self._at = max(self._at, now)
        return self.quotes()

    def quotes(self) -> Mapping[str, Quote]:
        return {symbol: Quote(price, self._at) for symbol, price in self._prices.items()}

    def set(self, symbol: str, price: Price) -> None:
        """Put a price where it stays."""
        self._prices[symbol] = price
