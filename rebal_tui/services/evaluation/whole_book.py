"""Decisions for all subscriptions of a book, computed in arrays without `Decision` objects."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from rebal_tui.services.book.book import Book

if TYPE_CHECKING:
    from rebal_tui.engine.arrays.day_context import DayContext
    from rebal_tui.engine.arrays.decide import Decisions
    from rebal_tui.engine.arrays.frame import BookFrame
    from rebal_tui.engine.arrays.memory_layout import Ints


@dataclass(frozen=True, slots=True)
class DecidedBook:
    """The decisions of all subscriptions at one time.

    Entry n of `made` is the decision for the account in row n of `frame`, which is also its row in the account table.
    The outcome of an account without a subscription is `NOT_EVALUATED`.
    """

    at: datetime
    frame: BookFrame
    day_context: DayContext
    made: Decisions

    def stopped_by_assets(self) -> list[str]:
        """Ids of the portfolios with ineligible assets that stopped the evaluation of an account (R-12.6)."""
        from rebal_tui.engine.arrays.decide import CHECKS

        stopped = self.made.check == CHECKS.index("assets")
        indexes = sorted(set(self.frame.accounts.portfolio[stopped].tolist()))
        return [self.frame.portfolios[index].id for index in indexes]


def book_day_context(book: Book, frame: BookFrame) -> DayContext:
    """The inputs shared by all decisions made now: time, session, calendar conditions due, fresh prices."""
    from rebal_tui.engine.arrays.day_context import day_context_of

    now, settings = book.now(), book.settings
    return day_context_of(
        frame,
        now,
        book.session(now),
        price_max_age=settings.price_max_age,
        quarterly_months=settings.quarterly_months,
    )


def decide_book(book: Book) -> DecidedBook:
    """The current decision for every subscription, as if each were evaluated alone. Stores and sends nothing."""
    from rebal_tui.engine.arrays.decide import decide

    now, frame = book.now(), book.frame()
    day_context = book_day_context(book, frame)
    return DecidedBook(now, frame, day_context, decide(frame, day_context))


def band_usage_of_accounts(book: Book, decided: DecidedBook) -> tuple[Ints, Ints]:
    """The keys (integers in the file) of the accounts that have a drift band, and the band usage of each.

    Usages are in tenths of a percent, capped at 1,000,000 (1,000 times the band).
    """
    from rebal_tui.engine.arrays.sweep import NO_BAND, sweep

    used = sweep(decided.frame, decided.day_context).band_used.clip(max=1_000_000)
    known = used != NO_BAND
    return book.account_table.keys[known], used[known]
