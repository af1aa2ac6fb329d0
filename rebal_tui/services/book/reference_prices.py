"""Reference prices: an asset's price moves are measured from its last price of an earlier day (R-55)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from fractions import Fraction

from rebal_tui.domain.assets import Asset
from rebal_tui.domain.quantities import Price
from rebal_tui.domain.sessions import new_york_day
from rebal_tui.market.protocol import Quote, renamed


class ReferencePrices:
    """By label, the last price of an earlier day, or the first known price if there is no earlier day.

    `adjusted` has the ids of the corporate actions by which the prices were already multiplied (R-54).
    """

    def __init__(self) -> None:
        self._last: dict[str, tuple[date, Price]] = {}
        self._reference: dict[str, Price] = {}
        self._explained: dict[str, date] = {}
        self.adjusted: set[str] = set()

    def note(self, quotes: Mapping[str, Quote], before: Mapping[str, Asset]) -> None:
        """Add changed prices, by label; `before` has the assets with their previous prices.

        With an asset's first price of a day, its last price before that becomes its reference price.
        """
        for symbol, quote in quotes.items():
            day, last = new_york_day(quote.at), self._last.get(symbol)
            if last is None:
                asset = before.get(symbol)
                self._reference[symbol] = quote.price if asset is None or asset.price is None else asset.price
            elif last[0] < day:
                self._reference[symbol] = last[1]
            self._last[symbol] = (day, quote.price)

    def of(self, symbol: str, day: date) -> Price | None:
        """The reference price of an asset; None without one, or if its moves of `day` were marked as explained."""
        return None if self._explained.get(symbol) == day else self._reference.get(symbol)

    def rename(self, labels: Mapping[str, str]) -> None:
        """Move the prices of renamed assets to their new labels; `labels` maps old to new."""
        self._last = renamed(self._last, labels)
        self._reference = renamed(self._reference, labels)
        self._explained = renamed(self._explained, labels)

    def adjust(self, symbol: str, factor: Fraction) -> bool:
        """Multiply an asset's prices by the factor of a corporate action (price after it ÷ price before it).

        Returns whether the asset has a reference price.
        """
        reference, last = self._reference.get(symbol), self._last.get(symbol)
        if reference is not None:
            self._reference[symbol] = Price(max(1, round(reference * factor)))
        if last is not None:
            self._last[symbol] = last[0], Price(max(1, round(last[1] * factor)))
        return reference is not None

    def replace(self, symbol: str, price: Price) -> None:
        """Set another reference price, which applies until the first price of another day."""
        self._reference[symbol] = price

    def explain(self, symbol: str, day: date) -> None:
        """Mark an asset's price moves of one day as explained: `of` returns None for that day."""
        self._explained[symbol] = day
