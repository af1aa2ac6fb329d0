"""Recent prices of each symbol for small charts, in memory only, and the last close before them."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from fractions import Fraction

from rebal_tui.domain.quantities import Price
from rebal_tui.domain.sessions import new_york_day
from rebal_tui.market.protocol import Quote, renamed

MAX_POINTS = 96


class PriceHistory:
    """The last 96 prices (`MAX_POINTS`) of each symbol, one per change, and the last price of the previous day."""

    def __init__(self) -> None:
        self._points: dict[str, deque[Price]] = {}
        self._last: dict[str, tuple[date, Price]] = {}
        self._closes: dict[str, Price] = {}

    def note(self, quotes: Mapping[str, Quote]) -> None:
        """Add changed prices, by label."""
        days: dict[datetime, date] = {}
        for symbol, quote in quotes.items():
            points = self._points.get(symbol)
            if points is None:
                points = self._points[symbol] = deque(maxlen=MAX_POINTS)
            points.append(quote.price)
            day = days.get(quote.at)
            if day is None:
                day = days[quote.at] = new_york_day(quote.at)
            self._note_close(symbol, day, quote.price)

    def resume(self, symbol: str, day: date, price: Price, close: Price | None) -> None:
        """Continue a symbol's prices after a restart.

        `price` is its last price, of `day`, and `close` the last close before that day, None if unknown.
        """
        self._last[symbol] = (day, price)
        if close is not None:
            self._closes[symbol] = close

    def rename(self, labels: Mapping[str, str]) -> None:
        """Move the prices of renamed assets to their new labels; `labels` maps old to new."""
        self._points = renamed(self._points, labels)
        self._last = renamed(self._last, labels)
        self._closes = renamed(self._closes, labels)

    def adjust(self, symbol: str, factor: Fraction, *, may_have_moved: bool = False) -> None:
        """Multiply the prices of a symbol from before a corporate action by its factor (R-54).

        `factor` is the price after the action divided by the price before it: 1/2 for a 2-for-1 split. With
        `may_have_moved`, some of the prices may be from after the action: the last move by about the factor is then
        taken as the action, and prices after that move are not multiplied.
        """
        points = self.of(symbol)
        moved = _first_after(points, factor) if may_have_moved else len(points)
        before = [_scaled(price, factor) for price in points[:moved]]
        if points:
            self._points[symbol] = deque((*before, *points[moved:]), MAX_POINTS)
        if symbol in self._last and moved == len(points):
            day, price = self._last[symbol]
            self._last[symbol] = (day, _scaled(price, factor))
        close = self._closes.get(symbol)
        if close is not None and (moved == len(points) or _jumps(close, points[-1], factor)):
            self._closes[symbol] = _scaled(close, factor)

    def of(self, symbol: str) -> tuple[Price, ...]:
        """The latest prices of a symbol, oldest first."""
        return tuple(self._points.get(symbol, ()))

    def last(self, symbol: str) -> tuple[date, Price] | None:
        """The last price of a symbol with its day; None before any price."""
        return self._last.get(symbol)

    def last_close(self, symbol: str) -> Price | None:
        """Last price of the previous day with prices; on the first day, the first price seen; None before any price."""
        return self._closes.get(symbol)

    def closes(self) -> dict[str, tuple[date, Price]]:
        """By symbol, the day of the last price and the `last_close` before it."""
        return {symbol: (self._last[symbol][0], close) for symbol, close in self._closes.items()}

    def _note_close(self, symbol: str, day: date, price: Price) -> None:
        known = self._last.get(symbol)
        if known is not None and known[0] != day:
            self._closes[symbol] = known[1]
        else:
            self._closes.setdefault(symbol, price)
        self._last[symbol] = (day, price)


def _first_after(points: Sequence[Price], factor: Fraction) -> int:
    """The index of the first price after the last move by about `factor`; the number of prices without one."""
    moves = (index for index in range(len(points) - 1, 0, -1) if _jumps(points[index - 1], points[index], factor))
    return next(moves, len(points))


def _jumps(before: Price, after: Price, factor: Fraction) -> bool:
    """Whether the move between two prices is nearer to `factor` than to no move, by ratio."""
    move = Fraction(after, before) if before else Fraction(1)
    return move**2 < factor if factor < 1 else move**2 > factor


def _scaled(price: Price, factor: Fraction) -> Price:
    return Price(max(1, round(price * factor)))
