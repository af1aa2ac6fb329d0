"""Prices of a real market, fetched beside everything else so that nobody waits for them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime, timedelta

from rebal_tui.domain.quantities import Price
from rebal_tui.market.protocol import Quote

log = logging.getLogger(__name__)

REFRESH_INTERVAL = timedelta(seconds=5)

Fetched = Mapping[str, tuple[Price, datetime]]
Fetch = Callable[[Sequence[str]], Fetched]
"""The latest price of each symbol that has one, with the time it was made. May raise anything."""


class LivePrices:
    """A `PriceFeed` of the symbols that are needed, asked for again and again on a thread of its own.

    A price keeps the time at which it was made, so that an old one is seen to be old (R-12.5); one never goes back to
    an earlier moment.
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
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="prices")

    def advance(self, now: datetime) -> Mapping[str, Quote]:
        """What has come since the last call; asks for more when it is time. Does not wait."""
        changed = self._collect()
        if self._pending_fetch is None and (self._next_fetch_at is None or now >= self._next_fetch_at):
            symbols = sorted(self._needed())
            self._next_fetch_at = now + self._interval
            if symbols:
                self._pending_fetch = self._thread.submit(self._fetch, symbols)
        return changed

    def quotes(self) -> Mapping[str, Quote]:
        """The latest price of every symbol that has one."""
        return self._quotes

    def quote(self, symbol: str) -> Quote | None:
        """The latest price of a symbol."""
        return self._quotes.get(symbol)

    def close(self) -> None:
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _collect(self) -> dict[str, Quote]:
        done = self._pending_fetch
        if done is None or not done.done():
            return {}
        self._pending_fetch = None
        error = done.exception()
        if error is not None:
            log.warning("no prices: %s", error)
            return {}
        changed = {}
        for symbol, (price, at) in done.result().items():
            known = self._quotes.get(symbol)
            quote = Quote(price, at)
            if known is None or (at >= known.at and quote != known):
                changed[symbol] = self._quotes[symbol] = quote
        return changed
