"""Streaming prices over accounts of 20 holdings, in processor time and as a ratio to one C loop over the same arrays.

5,000 symbols tick 5,000 times a second in total; the screen reads 20 frames a second. Without a C compiler the ratio is
to the same products and sums in NumPy.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

import numpy as np

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
from tests.benchmarks import frames
from tests.benchmarks.c_loop import c_evaluation
from tests.benchmarks.report import duration, header, notes, parser, ratio, row
from tests.benchmarks.whole_book import in_turn

ACCOUNTS = 100_000
SYMBOLS = 5_000
TICKS = 5_000
"""Ticks per second."""
FRAMES = 20
"""Frames per second."""
SHOWN = 50
BARE = "NumPy: shares × prices, summed"
LOOP = "C loop, floats only"


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


def streaming(accounts: int) -> None:
    """Ticks and frames over synthetic arrays."""
    stream = Stream(frames.book(accounts, listed=SYMBOLS))
    today = frames.today(stream.frame)
    swept = [sweep(stream.frame, today)]

    def frame() -> None:
        swept[0] = sweep(stream.frame, today)

    def shown() -> None:
        used = swept[0].band_used
        for index in np.argpartition(used, -SHOWN)[-SHOWN:].tolist():
            exact_account(stream.frame, index)

    def bare() -> None:
        with row_wise_iteration():
            for block in stream.frame.blocks:
                prices = slot_prices(stream.frame, block)
                for piece in pieces(block):
                    np.einsum("sa,sa->a", piece.qty.astype(np.float64), piece.of(prices))

    works: dict[str, Callable[[], object]] = {
        "": stream.draw,
        f"storing {TICKS // FRAMES:,} ticks": stream.store,
        "updating the arrays to them": stream.read,
        "one sweep: band usage and filters, exact": frame,
        "the order of the table, every account": lambda: np.argsort(-swept[0].band_used, kind="stable"),
        f"{SHOWN} rows in full, exact": shown,
        "the asset and the drift of every account (only when ordered by them)": lambda: (
            sweep(stream.frame, today).worst
        ),
        BARE: bare,
    }
    loop = c_evaluation(stream.frame, today)
    if loop is not None:
        works[LOOP] = loop
    found = in_turn(works)
    against = found.get(LOOP, found[BARE])
    header("step", "time", "÷ C loop" if loop is not None else "÷ NumPy")
    for name, seconds in found.items():
        if name:
            row(name, duration(seconds), ratio(seconds / against))
    second = FRAMES * sum(found[name] for name in list(found)[1:6])
    outside = swept[0].count(Group.OUTSIDE)
    notes(
        (
            f"{accounts:,} accounts, {SYMBOLS:,} symbols; {outside:,} accounts are outside their bands.",
            f"{TICKS:,} ticks and {FRAMES} frames a second take {second:.0%} of one processor.",
        )
    )


def main() -> None:
    found = parser("prices", __doc__)
    found.add_argument("--accounts", type=int, default=ACCOUNTS, metavar="N")
    streaming(found.parse_args().accounts)


if __name__ == "__main__":
    main()
