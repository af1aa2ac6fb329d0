"""The days on which the engine would rebalance the accounts of a book over a price history."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from rebal_tui.domain.decisions import Outcome
from rebal_tui.domain.runs import RunType
from rebal_tui.domain.sessions import new_york_day
from rebal_tui.lab.progress import Canceled, Cancelled, Progress
from rebal_tui.market.clock import FixedClock
from rebal_tui.services.book.book import Book
from rebal_tui.services.evaluation.whole_book import decide_book
from rebal_tui.services.schedule import scheduler
from rebal_tui.store import runs


def rebalance_days(
    book: Book, days: Sequence[date], progress: Progress | None = None, canceled: Cancelled | None = None
) -> dict[str, list[date]]:
    """The days of full rebalances by account id, ascending, found by running the engine over `days`.

    The whole book is evaluated at the end of each session's window. The scheduler runs only in sessions in which an
    account would trade; in others it would change nothing. `progress` is called with the number of days done. Raises
    `Canceled`.
    """
    if not isinstance(book.clock, FixedClock):
        raise TypeError("the clock is moved here: expected a book with a FixedClock")
    for done, day in enumerate(days, start=1):
        session = book.calendar.session(day)
        if session is None:
            continue
        book.clock.set(session.window_end)
        scheduler.advance_market(book, session.window_end)
        made = decide_book(book).made
        if any(len(made.where(outcome)) for outcome in (Outcome.FULL_REBALANCE, Outcome.INVEST_CASH)):
            scheduler.tick(book)
            if book.open_runs:
                book.clock.set(session.close)
                scheduler.tick(book)
        if canceled is not None and canceled():
            raise Canceled
        if progress is not None:
            progress(done, len(days))
    found: dict[str, list[date]] = {account: [] for account in book.accounts}
    for run in reversed(runs.newest(book.database, -1)):
        if run.type is RunType.FULL_REBALANCE:
            found[run.account_id].append(new_york_day(run.created_at))
    return found
