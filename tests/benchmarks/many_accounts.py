"""Operations on very many accounts, in processor time, compared with one account at a time.

The panel of a portfolio, the impact of a change of its weights, the first runs of accounts that move to it, and the
move itself. One account at a time is a scaled sample; for the impact, all accounts.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from itertools import islice
from pathlib import Path

from rebal_tui import bootstrap
from rebal_tui.domain.accounts import AccountStatus
from rebal_tui.services.advisory import subscriptions
from rebal_tui.services.advisory.bulk import preview_subscriptions
from rebal_tui.services.book.book import Book
from rebal_tui.services.parsing.portfolio_body import PortfolioBody
from rebal_tui.services.queries.accounts import account_row
from rebal_tui.services.queries.portfolios import impact, portfolio_view
from rebal_tui.services.schedule import scheduler
from rebal_tui.services.simulation.demonstration.setup import DEFAULT_START
from tests.benchmarks.report import duration, header, parser, ratio, row
from tests.services.evaluation.what_if_oracle import exact_first_run, exact_impact

ACCOUNTS = 100_000
MOVED = 5_000
SAMPLE = 200


def timed(work: Callable[[], object]) -> float:
    """Seconds of processor time."""
    started_at = time.process_time()
    work()
    return time.process_time() - started_at


def line(what: str, seconds: float, alone: float) -> None:
    row(what, duration(seconds), duration(alone), f"{ratio(alone / seconds)} ×")


def measure(book: Book) -> None:
    by_size = sorted(book.portfolios, key=lambda identity: len(book.subscribers(identity)))
    largest, other = by_size[-1], by_size[-2]
    stored, like = book.portfolio(largest), book.portfolio(other)
    body = PortfolioBody(stored.name, "", like.weights, stored.cooldown_days, stored.conditions, stored.review)
    subscribers = book.subscribers(largest)
    size = f"{len(subscribers):,} subscribers"
    header("operation", "time", "one account at a time", "longer")
    portfolio_view(book, largest)
    seen = timed(lambda: portfolio_view(book, largest).subscribers[:30])
    rows = timed(lambda: [account_row(book, one) for one in subscribers[:SAMPLE]]) * len(subscribers)
    rows /= min(SAMPLE, len(subscribers))
    line(f"the panel of a portfolio of {size}", seen, rows)
    line(
        f"the impact of other weights on {size}",
        timed(lambda: impact(book, largest, body)),
        timed(lambda: exact_impact(book, largest, body)),
    )
    active = (one for one in book.subscribers(other) if book.account(one).status is AccountStatus.ACTIVE)
    movers = list(islice(active, MOVED))
    first = timed(lambda: preview_subscriptions(book, movers, largest, moving=True))
    apart = timed(lambda: [exact_first_run(book, one, largest) for one in movers[:SAMPLE]]) * len(movers)
    apart /= min(SAMPLE, len(movers))
    line(f"the first runs of {len(movers):,} accounts that would move", first, apart)
    few = movers[-SAMPLE:]
    alone = timed(lambda: [subscriptions.move(book, one, largest) for one in few]) * len(movers) / len(few)
    line(f"moving {len(movers):,} accounts", timed(lambda: subscriptions.move_many(book, movers, largest)), alone)


def main() -> None:
    found = parser("many_accounts", __doc__)
    found.add_argument("--accounts", type=int, default=ACCOUNTS, metavar="N")
    found.add_argument("--book", type=Path, metavar="FILE", help="a demonstration's file to start from; it is copied")
    options = found.parse_args()
    with tempfile.TemporaryDirectory(prefix="many-accounts-") as folder:
        path = Path(folder, "book.db")
        if options.book:
            shutil.copy(options.book, path)
        else:
            bootstrap.create_demo(path, accounts=options.accounts).close()
        book = bootstrap.open_simulation(bootstrap.open_database(path), at=DEFAULT_START)
        book.settings = replace(book.settings, price_max_age=None)
        scheduler.advance_market(book, book.now())
        measure(book)
        book.close()


if __name__ == "__main__":
    main()
