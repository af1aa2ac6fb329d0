"""Figures of a book for monitoring systems."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from rebal_tui.broker.budget import rate_of
from rebal_tui.services.book import kill_switch
from rebal_tui.services.book.book import Book
from rebal_tui.services.runs.sending import rate_limit
from rebal_tui.services.schedule import scheduler
from rebal_tui.store import audit, jobs


@dataclass(frozen=True, slots=True)
class Budget:
    """The limit of requests to the broker per minute, and how many requests of the last minute count against it.

    `limit` is None without a limit. `reported_left` is how many requests the broker last reported as left, None if it
    has not reported this for the current minute.
    """

    limit: int | None
    used: int
    reported_left: int | None


@dataclass(frozen=True, slots=True)
class BookFigures:
    """Counts of a book at one time, `at`, given in seconds since 1970 UTC.

    `alerts` is the number of open alerts by kind, `open_runs` that of open runs by status. `orders_waiting` counts the
    orders to be sent, `orders_unanswered` those for which the broker has not confirmed that it received them.
    """

    at: float
    accounts: int
    subscriptions: int
    paused_accounts: int
    alerts: Mapping[str, int]
    open_runs: Mapping[str, int]
    orders_waiting: int
    orders_unanswered: int
    budget: Budget
    kill_switch: bool
    scheduler_paused: bool
    audit_entries: int


def book_figures(book: Book) -> BookFigures:
    """The current figures of a book."""
    limiter = book.rate_limiter
    limiter.load(book.database)
    return BookFigures(
        at=book.now().timestamp(),
        accounts=len(book.accounts),
        subscriptions=len(book.subscriptions),
        paused_accounts=len({*book.holds, *book.quarantine.by_account}),
        alerts=Counter(alert.kind for alert in jobs.open_alerts(book.database)),
        open_runs=Counter(run.status.value for run in book.open_runs.values()),
        orders_waiting=len(limiter.waiting),
        orders_unanswered=len(limiter.unknown),
        budget=_budget(book),
        kill_switch=kill_switch.halted(book),
        scheduler_paused=scheduler.paused(book),
        audit_entries=audit.head(book.database)[0],
    )


def _budget(book: Book) -> Budget:
    reported = rate_limit(book)
    left = reported.remaining if reported is not None and book.now() < reported.reset_at else None
    return Budget(rate_of(book.settings.orders_per_minute, reported), book.rate_limiter.budget.used(book.now()), left)
