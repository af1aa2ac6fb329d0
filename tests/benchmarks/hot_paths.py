"""Hot paths of a small book and the Desk's table, in elapsed time and as a ratio to a reference in the same run.

Medians of five runs.
"""

from __future__ import annotations

import asyncio
import gc
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from textual.app import ComposeResult
from textual.widgets import DataTable

from rebal_tui import bootstrap
from rebal_tui.services.evaluation.account import evaluate_book
from rebal_tui.services.queries.desk import desk_snapshot
from rebal_tui.services.schedule import scheduler
from rebal_tui.services.simulation.demonstration.setup import DEFAULT_START
from rebal_tui.services.view_models.desk import DeskRow, DeskSnapshot
from rebal_tui.tui.screens.desk import columns as desk_columns
from rebal_tui.tui.widgets.named_styles import StyledApp
from rebal_tui.tui.widgets.table import BookTable
from tests.benchmarks.report import duration, header, parser, ratio, row

RUNS = 5
ACCOUNTS = 1_000
ROWS = 100_000


def median(work: Callable[[], object], runs: int = RUNS) -> float:
    """Median seconds of an operation."""
    gc.collect()
    durations = []
    for _ in range(runs):
        started = time.perf_counter()
        work()
        durations.append(time.perf_counter() - started)
    return statistics.median(durations)


def line(what: str, seconds: float, against: float) -> None:
    row(what, duration(seconds), ratio(seconds / against))


def book_paths(accounts: int) -> DeskSnapshot:
    """Evaluation, the Desk and a heartbeat over a book."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "book.db"
        bootstrap.create_demo(path, accounts=accounts).close()
        book = bootstrap.open_simulation(bootstrap.open_database(path), at=DEFAULT_START)
        scheduler.advance_market(book, book.now())
        reading = median(lambda: book.database.rows("SELECT * FROM positions"))
        header(f"a book of {accounts:,} accounts", "time", "÷ reading its positions")
        line("reading every position from SQLite", reading, reading)
        line("evaluating every subscription, with plans and traces", median(lambda: evaluate_book(book)), reading)
        line("the Desk's snapshot, live drift of every account", median(lambda: desk_snapshot(book)), reading)
        scheduler.tick(book)
        line("a heartbeat with nothing due", median(lambda: scheduler.tick(book)), reading)
        snapshot = desk_snapshot(book)
        book.database.close()
        return snapshot


class _Bench(StyledApp):
    def compose(self) -> ComposeResult:
        yield BookTable(desk_columns.columns(), id, search=desk_columns.search)
        yield DataTable()


async def table_paths(rows: tuple[DeskRow, ...]) -> None:
    """The Desk's table compared with Textual's own."""
    app = _Bench()
    async with app.run_test(size=(160, 50)) as pilot:
        table = app.query_one(BookTable)
        other = app.query_one(DataTable)
        few = rows[:1_000]
        other.add_columns("client", "portfolio", "state")

        def fill_other() -> None:
            other.clear()
            for row in few:
                other.add_row(row.client, row.portfolio, row.state)

        header(f"the Desk's table, {len(rows):,} rows", "time", "÷ DataTable, 1,000 rows")
        against = median(fill_other)
        line("Textual's DataTable: adding 1,000 rows of 3 columns", against, against)
        line("this program's table: setting all rows", median(lambda: table.set_rows(rows, None)), against)
        line("this program's table: order by the next column", median(table.cycle_sort), against)
        line("this program's table: painting a page again", median(lambda: _page(table)), against)
        await pilot.pause()


def _page(table: BookTable[DeskRow]) -> None:
    table.action_page(1)
    for y in range(table.size.height):
        table.render_line(y)


def main() -> None:
    found = parser("hot_paths", __doc__)
    found.add_argument("--accounts", type=int, default=ACCOUNTS, metavar="N")
    found.add_argument("--rows", type=int, default=ROWS, metavar="N", help="rows of the table (%(default)s)")
    options = found.parse_args()
    snapshot = book_paths(options.accounts)
    copies = -(-options.rows // len(snapshot.rows))
    asyncio.run(table_paths((tuple(snapshot.rows) * copies)[: options.rows]))


if __name__ == "__main__":
    main()
