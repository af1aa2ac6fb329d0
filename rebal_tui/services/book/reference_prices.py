"""Reference prices: an asset's price moves are measured from its last price of an earlier day (R-55)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from fractions import Fraction
from typing import TypeAlias

from rebal_tui.domain.assets import Asset
from rebal_tui.domain.quantities import Price
from rebal_tui.domain.sessions import new_york_day
from rebal_tui.market.protocol import Quote, renamed
from rebal_tui.services.book.price_history import PriceHistory

Accepted: TypeAlias = dict[str, tuple[date, Price | None]]
"""By label, a day and the price from which moves of that day are measured; None if they are not compared."""


class ReferencePrices:
    """By label, the last price of an earlier day, or the first known price if there is no earlier day.

    `accepted` has the assets whose move of a day was explained or released. `adjusted` has the ids of the corporate
    actions by which the prices were already multiplied (R-54).
    """

    def __init__(self, accepted: Accepted) -> None:
        self._last: dict[str, tuple[date, Price]] = {}
        self._reference: dict[str, Price] = {}
        self.accepted = accepted
        self.adjusted: set[str] = set()

    def note(self, quotes: Mapping[str, Quote], history: PriceHistory, before: Mapping[str, Asset]) -> None:
        """Add changed prices, by label; `history` and `before` have the prices that the book had before the change.

        With the first price of a day, the asset's last price of an earlier day becomes its reference price.
        """
        for symbol, quote in quotes.items():
            day, last = new_york_day(quote.at), self._last.get(symbol)
            if last is None:
                self._reference[symbol] = _reference_before(symbol, day, history, before) or quote.price
            elif last[0] < day:
                self._reference[symbol] = last[1]
            self._last[symbol] = (day, quote.price)

    def forget(self) -> None:
        """Forget the prices, because none are noted while the jump guard is off; accepted moves stay accepted."""
        self._last.clear()
        self._reference.clear()

    def of(self, symbol: str, day: date) -> Price | None:
        """The price from which an asset's moves of `day` are measured.

        None if there is none, or if the jump guard does not check the asset's moves of that day (R-55).
        """
        accepted = self.accepted.get(symbol)
        return accepted[1] if accepted is not None and accepted[0] == day else self._reference.get(symbol)

    def rename(self, labels: Mapping[str, str]) -> None:
        """Move the prices of renamed assets to their new labels; `labels` maps old to new."""
        self._last = renamed(self._last, labels)
        self._reference = renamed(self._reference, labels)
        self.accepted = renamed(self.accepted, labels)

    def adjust(self, symbol: str, factor: Fraction) -> bool:
        """Multiply an asset's prices by the factor of a corporate action (price after it ÷ price before it).

        Returns whether the asset has a reference price.
        """
        reference, last, accepted = self._reference.get(symbol), self._last.get(symbol), self.accepted.get(symbol)
        if reference is not None:
            self._reference[symbol] = _scaled(reference, factor)
        if last is not None:
            self._last[symbol] = last[0], _scaled(last[1], factor)
        if accepted is not None and accepted[1] is not None:
            self.accepted[symbol] = accepted[0], _scaled(accepted[1], factor)
        return reference is not None

    def accept(self, symbol: str, day: date, price: Price | None) -> None:
        """Measure an asset's moves of `day` from `price`; with None, do not compare its prices of that day."""
        self.accepted[symbol] = (day, price)


def _reference_before(symbol: str, day: date, history: PriceHistory, before: Mapping[str, Asset]) -> Price | None:
    """The last price of a day before `day`, or else the last known price; None without a price."""
    if (last := history.last(symbol)) is not None:
        return last[1] if last[0] < day else history.last_close(symbol) or last[1]
    asset = before.get(symbol)
    return None if asset is None else asset.price


def _scaled(price: Price, factor: Fraction) -> Price:
    return Price(max(1, round(price * factor)))
