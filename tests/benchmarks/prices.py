"""Prices that stream over a large book: `python -m tests.benchmarks.prices [BOOK.db]`.

5,000 symbols tick 5,000 times a second over 100,000 accounts of 20 holdings; the screen reads twenty times a second.
Measures the processor time of a tick and of a frame, each as a ratio to one C loop over the same arrays. With the file
of a demonstration it also measures the Desk's own snapshot; the file is not written. Nothing fails because of a time.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np

from rebal_tui import bootstrap
from rebal_tui.domain.assets import Asset, AssetStatus
from rebal_tui.domain.quantities import Price
from rebal_tui.engine.arrays.exact import exact_account
from rebal_tui.engine.arrays.frame import BookFrame
from rebal_tui.engine.arrays.kernels import pieces, row_wise_iteration, slot_prices
from rebal_tui.engine.arrays.sweep import Group, sweep
from rebal_tui.market.protocol import Quote
from rebal_tui.services.book.frame_cache import with_quotes
from rebal_tui.services.book.price_history import PriceHistory
from rebal_tui.services.book.prices import PriceCache
from rebal_tui.services.queries.desk import desk_snapshot
from rebal_tui.services.simulation.demonstration.setup import DEFAULT_START
from tests.benchmarks import frames
from tests.benchmarks.c_loop import c_evaluation
from tests.benchmarks.whole_book import in_turn

ACCOUNTS = 100_000
SYMBOLS = 5_000
TICKS = 5_000
"""Ticks per second."""
FRAMES = 20
"""Frames per second."""
SHOWN = 50


class Stream:
    """Ticks of random symbols, stored as a book stores them, and the frame at the latest prices."""

    def __init__(self, frame: BookFrame) -> None:
        self.frame = frame
        self.price_cache, self.price_history = PriceCache(), PriceHistory()
        prices = frame.assets.price.tolist()
        self.price_cache.load(
            {
                symbol: Asset(symbol, symbol, symbol, "", AssetStatus.ACTIVE, True, True, Price(price), frames.NOW)
                for symbol, price in zip(frame.assets.symbols, prices, strict=True)
            }
        )
        self._batches = self._walk(frame.assets.symbols, prices)

    def _walk(self, symbols: tuple[str, ...], prices: list[int]) -> Iterator[dict[str, Quote]]:
        rng = np.random.default_rng(7)
        at: datetime = frames.NOW
        while True:
            at += timedelta(seconds=1 / FRAMES)
            batch = {}
            for number in rng.integers(0, len(symbols), TICKS // FRAMES).tolist():
                prices[number] += 10**7 * (1 - 2 * (number & 1))
                batch[symbols[number]] = Quote(Price(max(10**7, prices[number])), at)
            yield batch

    def draw(self) -> None:
        """Draw the next batch."""
        self.batch = next(self._batches)

    def store(self) -> None:
        """Store the batch, as `Book.apply_prices` does."""
        self.price_history.note(self.batch)
        self.price_cache.note(self.batch)

    def read(self) -> None:
        """Update the frame to the stored prices."""
        self.frame = with_quotes(self.frame, self.price_cache.take_unread())


def streaming() -> None:
    """Ticks and frames over synthetic arrays."""
    stream = Stream(frames.book(ACCOUNTS, listed=SYMBOLS))
    today = frames.today(stream.frame)
    swept = [sweep(stream.frame, today)]

    def frame() -> None:
        swept[0] = sweep(stream.frame, today)

    def shown() -> None:
        used = swept[0].band_used
        for row in np.argpartition(used, -SHOWN)[-SHOWN:].tolist():
            exact_account(stream.frame, row)

    def bare() -> None:
        with row_wise_iteration():
            for block in stream.frame.blocks:
                prices = slot_prices(stream.frame, block)
                for piece in pieces(block):
                    np.einsum("sa,sa->a", piece.qty.astype(np.float64), piece.of(prices))

    works: dict[str, Callable[[], object]] = {
        "": stream.draw,
        f"storing {TICKS // FRAMES:,} ticks": stream.store,
        "the frame under them": stream.read,
        "one sweep of the whole book: band use and tiles, exact": frame,
        "the order of the table, every account": lambda: np.argsort(-swept[0].band_used, kind="stable"),
        f"the {SHOWN} worst of them in full, exact": shown,
        "the asset and the drift of every account, when ordered by them": lambda: sweep(stream.frame, today).worst,
        "bare NumPy: shares × prices, summed": bare,
    }
    loop = c_evaluation(stream.frame, today)
    if loop is not None:
        works["plain C loop, floats only"] = loop
    found = in_turn(works)
    against = found.get("plain C loop, floats only", found["bare NumPy: shares × prices, summed"])
    print(f"{ACCOUNTS:,} accounts of 20 holdings, {SYMBOLS:,} symbols, {swept[0].count(Group.OUTSIDE):,} outside")
    report(found, against)
    names = list(found)
    second = FRAMES * sum(found[name] for name in names[1:6])
    print(f"{TICKS:,} ticks and {FRAMES} frames a second take {second:.0%} of one processor")


def report(found: dict[str, float], against: float) -> None:
    for name, seconds in found.items():
        if name:
            print(f"{name:<66}{seconds * 1e3:>10.2f} ms{seconds / against:>9.2f} × the C loop", flush=True)


def desk(path: Path) -> None:
    """The Desk of a demonstration after every price has ticked."""
    book = bootstrap.open_simulation(bootstrap.open_database(path, read_only=True), at=DEFAULT_START)
    book.frame()

    def tick() -> None:
        later = book.now() + timedelta(seconds=1)
        assets = book.assets.values()
        book.apply_prices({a.symbol: Quote(Price((a.price or 0) + 10**7), later) for a in assets if a.price})

    works: dict[str, Callable[[], object]] = {
        "every price of the demonstration stored": tick,
        "the Desk's snapshot after it": lambda: desk_snapshot(book),
    }
    print(f"\n{path.name}: {len(book.subscriptions):,} subscriptions")
    for name, seconds in in_turn(works).items():
        print(f"{name:<66}{seconds * 1e3:>10.2f} ms")
    book.database.close()


def main() -> None:
    streaming()
    if len(sys.argv) > 1:
        desk(Path(sys.argv[1]))


if __name__ == "__main__":
    main()
