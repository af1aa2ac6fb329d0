"""Daily closing prices, and a price feed that replays them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime

from rebal_tui.domain.quantities import Price
from rebal_tui.market.protocol import Quote, renamed
from rebal_tui.market.sessions import TradingCalendar


@dataclass(frozen=True, slots=True)
class Closes:
    """Closing prices: one row per day, ascending, one column per symbol; None where a symbol has no price."""

    symbols: tuple[str, ...]
    days: tuple[date, ...]
    rows: tuple[tuple[Price | None, ...], ...]

    def priced(self, position: int) -> Iterator[tuple[str, Price]]:
        """The symbols and prices of the day with index `position`; symbols without a price on it are left out."""
        for symbol, price in zip(self.symbols, self.rows[position], strict=True):
            if price is not None:
                yield symbol, price


class ClosesFeed:
    """A price feed that replays closing prices: from a session's open on, the price is that day's close.

    While the session is open, a quote has the time of the last `advance` call; afterward, the time of the session's
    close. A symbol without a closing price on a day keeps its older quote.
    """

    def __init__(self, closes: Closes, calendar: TradingCalendar) -> None:
        self._closes = closes
        self._calendar = calendar
        self._next = 0
        self._quotes: dict[str, Quote] = {}
        self._labels: dict[str, str] = {}

    def advance(self, now: datetime) -> Mapping[str, Quote]:
        """Update every quote to `now`. Returns the quotes that changed in price or time."""
        now_utc = now.astimezone(UTC)
        current = self._calendar.last_opened(now_utc)
        if current is None:
            return {}
        fresh: dict[str, Quote] = {}
        position = max(self._next - 1, 0)
        while position < len(self._closes.days) and self._closes.days[position] <= current.day:
            session = self._calendar.session(self._closes.days[position])
            if session is not None:
                at = min(now_utc, session.close)
                fresh.update(
                    (self._labels.get(column, column), Quote(price, at))
                    for column, price in self._closes.priced(position)
                )
            position += 1
        self._next = max(self._next, position)
        changed = {
            symbol: quote
            for symbol, quote in fresh.items()
            if symbol not in self._quotes or (quote != self._quotes[symbol] and quote.at >= self._quotes[symbol].at)
        }
        self._quotes = {**self._quotes, **changed}
        return changed

    def quotes(self) -> Mapping[str, Quote]:
        """The latest quote of every symbol that has had a price."""
        return self._quotes

    def reprice(self, symbol: str, price: Price) -> None:
        """Set a price after a corporate action; it is replaced by the next closing price, which includes the action.

        Does nothing before the first price of any symbol.
        """
        quote = self._quotes.get(symbol)
        at = quote.at if quote is not None else max((q.at for q in self._quotes.values()), default=None)
        if at is not None:
            self._quotes = {**self._quotes, symbol: Quote(price, at)}

    def rename(self, labels: Mapping[str, str]) -> None:
        """Continue the prices of renamed assets under new symbols; `labels` maps old symbols to new ones.

        The prices come from the column of the new symbol if there is one, else from the old symbol's column.
        """
        self._quotes = renamed(self._quotes, labels)
        column_of = {self._labels.get(column, column): column for column in self._closes.symbols}
        moved = {column_of[old]: new for old, new in labels.items() if old in column_of}
        kept = {column: label for column, label in self._labels.items() if column not in moved}
        self._labels = kept | {column: new for column, new in moved.items() if new not in self._closes.symbols}
