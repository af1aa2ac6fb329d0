"""Live market prices, fetched on a background thread so that callers never wait."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime, timedelta

from rebal_tui.domain.quantities import Price
from rebal_tui.market.protocol import Quote, renamed

log = logging.getLogger(__name__)

REFRESH_INTERVAL = timedelta(seconds=5)
MAX_AHEAD = timedelta(seconds=30)
"""A price with a time further ahead of the clock than this is wrong (R-12.5)."""

Fetched = Mapping[str, tuple[Price, datetime]]
Fetch = Callable[[Sequence[str]], Fetched]
"""Fetches the latest price of each symbol that has one, with the time of the price. May raise any exception."""


class LivePrices:
    """A price feed of a real market. It fetches the needed symbols every `interval` on its own thread.

    `needed` returns these symbols. A symbol that is missing in a response is requested again at once, but only one
    time; after that, together with the others. A quote has the time of its price, not of the request, so that an old
    price fails the age check (R-12.5). A quote is never replaced by an older one, unless the quote's time is more than
    `MAX_AHEAD` in the future.
    """

    def __init__(
        self, fetch: Fetch, needed: Callable[[], Iterable[str]], interval: timedelta = REFRESH_INTERVAL
    ) -> None:
        self._fetch = fetch
        self._needed = needed
        self._interval = interval
        self._quotes: dict[str, Quote] = {}
        self._next_fetch_at: datetime | None = None
        self._pending_fetch: Future[Fetched] | None = None
        self._asked: Sequence[str] = ()
        self._missing: set[str] = set()
        """Symbols that the last response about them left out; they have been requested once more."""
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="prices")

    def advance(self, now: datetime) -> Mapping[str, Quote]:
        """The quotes that changed since the last call. Starts the next fetch when due, and does not wait for it.

        A failed fetch is logged and changes no quotes.
        """
        changed = self._collect(now)
        if self._pending_fetch is None and (self._next_fetch_at is None or now >= self._next_fetch_at):
            symbols = sorted(self._needed())
            self._next_fetch_at = now + self._interval
            self._missing.intersection_update(symbols)
            self._start(symbols)
        return changed

    def quotes(self) -> Mapping[str, Quote]:
        """The latest quote of every symbol that has one."""
        return self._quotes

    def quote(self, symbol: str) -> Quote | None:
        """The latest quote of a symbol, None before its first quote."""
        return self._quotes.get(symbol)

    def reprice(self, symbol: str, price: Price) -> None:
        """Changes nothing: the market's own quotes include corporate actions."""

    def rename(self, labels: Mapping[str, str]) -> None:
        """Continue the quotes of renamed assets under new symbols; `labels` maps old symbols to new ones.

        The result of a fetch in progress is dropped, because it has the old symbols; a new fetch starts at the next
        `advance`.
        """
        self._quotes = renamed(self._quotes, labels)
        self._pending_fetch = self._next_fetch_at = None

    def close(self) -> None:
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _start(self, symbols: Sequence[str]) -> None:
        if symbols:
            self._asked = symbols
            self._pending_fetch = self._thread.submit(self._fetch, symbols)

    def _collect(self, now: datetime) -> dict[str, Quote]:
        done = self._pending_fetch
        if done is None or not done.done():
            return {}
        self._pending_fetch = None
        error = done.exception()
        if error is not None:
            log.warning("no prices: %s", error)
            return {}
        changed = {}
        fetched = done.result()
        left_out = {symbol for symbol in self._asked if symbol not in fetched}
        self._start(sorted(left_out - self._missing))
        self._missing = self._missing.difference(fetched) | left_out
        for symbol, (price, at) in fetched.items():
            known = self._quotes.get(symbol)
            quote = Quote(price, at)
            if known is None or ((at >= known.at or known.at > now + MAX_AHEAD) and quote != known):
                changed[symbol] = self._quotes[symbol] = quote
        return changed
