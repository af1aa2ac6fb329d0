"""Opening a large book, its memory, and the Desk's rows while prices move, in processor time.

The book is a demonstration, reconciled with the simulated broker when it is opened.
"""

from __future__ import annotations

import gc
import shutil
import tempfile
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from rebal_tui import bootstrap, opening
from rebal_tui.domain.quantities import Price
from rebal_tui.market.protocol import Quote
from rebal_tui.services.book.book import Book
from rebal_tui.services.queries.desk import desk_snapshot
from tests.benchmarks.report import duration, header, parser, row
from tests.benchmarks.whole_book import in_turn

ACCOUNTS = 100_000
SHOWN = 50
ROUNDS = 10


def resident_megabytes() -> float:
    """Megabytes of this process in memory; Linux only."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) / 1024


def measure(path: Path) -> None:
    gc.collect()
    before, started_at = resident_megabytes(), time.process_time()
    book = opening.open_book(path)
    opened = time.process_time() - started_at
    gc.collect()
    grown = resident_megabytes() - before
    header(f"{len(book.accounts):,} accounts", "figure")
    row("opening the book, reconciled with the simulated broker", duration(opened))
    row("memory of the open book, without screens", f"{grown:.0f} MB")
    works: dict[str, Callable[[], object]] = {
        "storing a new price of every asset": lambda: move_prices(book),
        "the Desk's rows and filters after it": lambda: desk_snapshot(book),
        "the Desk's rows and filters, unchanged": lambda: desk_snapshot(book),
        f"{SHOWN} rows of a page, exact": lambda: list(desk_snapshot(book).rows[:SHOWN]),
    }
    for name, seconds in in_turn(works, ROUNDS).items():
        row(name, duration(seconds))
    book.close()


def move_prices(book: Book) -> None:
    at = max(book.now(), *(asset.price_at for asset in book.assets.values() if asset.price_at)) + timedelta(seconds=1)
    quotes = {a.symbol: Quote(Price(a.price + 10**7), at) for a in book.assets.values() if a.price}
    book.apply_prices(quotes)


def main() -> None:
    found = parser("open_book", __doc__)
    found.add_argument("--accounts", type=int, default=ACCOUNTS, metavar="N")
    found.add_argument("--book", type=Path, metavar="FILE", help="a demonstration's file; it is copied")
    options = found.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "book.db")
        if options.book:
            shutil.copy(options.book, path)
        else:
            bootstrap.create_demo(path, accounts=options.accounts).close()
        measure(path)


if __name__ == "__main__":
    main()
