"""The price that each asset's moves are compared with: that of the last session's close (R-55)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from fractions import Fraction

from rebal_tui.domain.assets import Asset
from rebal_tui.domain.quantities import Price
from rebal_tui.domain.sessions import new_york_day
from rebal_tui.market.protocol import Quote, renamed


class ReferencePrices:
    """By symbol, the last price of an earlier day; on the first day that is seen, the first price known.

    `adjusted` has the ids of the corporate actions that the prices are adjusted for.
    """

    def __init__(self) -> None:
        self._last: dict[str, tuple[date, Price]] = {}
        self._reference: dict[str, Price] = {}
        self._explained: dict[str, date] = {}
        self.adjusted: set[str] = set()

    def note(self, quotes: Mapping[str, Quote], before: Mapping[str, Asset]) -> None:
        """Take changed prices; `before` has the assets with the prices known before them.

        The first price of a day makes the last one before it the reference.
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
        """The price to compare with; None without one, and on a day whose moves are explained."""
        return None if self._explained.get(symbol) == day else self._reference.get(symbol)

    def rename(self, labels: Mapping[str, str]) -> None:
        """Continue the prices of renamed assets under their new labels, given by old label."""
        self._last = renamed(self._last, labels)
        self._reference = renamed(self._reference, labels)
        self._explained = renamed(self._explained, labels)

    def adjust(self, symbol: str, factor: Fraction) -> bool:
        """Multiply the prices of an asset by the factor of a corporate action; returns whether there is a reference."""
        reference, last = self._reference.get(symbol), self._last.get(symbol)
        if reference is not None:
            self._reference[symbol] = Price(max(1, round(reference * factor)))
        if last is not None:
            self._last[symbol] = last[0], Price(max(1, round(last[1] * factor)))
        return reference is not None

    def replace(self, symbol: str, price: Price) -> None:
        """Compare with another price until the next day begins."""
        self._reference[symbol] = price

    def explain(self, symbol: str, day: date) -> None:
        """Compare nothing on one day."""
        self._explained[symbol] = day
