"""Every subscription of a book decided at once, in arrays; a `Decision` is made only where one is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from rebal_tui.services.book import Book

if TYPE_CHECKING:
    from rebal_tui.engine.arrays.decide import Decisions
    from rebal_tui.engine.arrays.frame import BookFrame
    from rebal_tui.engine.arrays.layout import Ints
    from rebal_tui.engine.arrays.today import Today


@dataclass(frozen=True, slots=True)
class DecidedBook:
    """The outcomes of a moment; rows of `made` are those of `frame` and of the book's account table."""

    at: datetime
    frame: BookFrame
    today: Today
    made: Decisions

    def stopped_by_assets(self) -> list[str]:
        """The portfolios that stopped an account by an ineligible asset (R-12.6)."""
        from rebal_tui.engine.arrays.decide import CHECKS

        stopped = self.made.check == CHECKS.index("assets")
        places = sorted(set(self.frame.accounts.portfolio[stopped].tolist()))
        return [self.frame.portfolios[place].id for place in places]


def moment_of(book: Book, frame: BookFrame) -> Today:
    """Now, as it bears on the whole book."""
    from rebal_tui.engine.arrays.today import today_of

    now, settings = book.now(), book.settings
    return today_of(
        frame,
        now,
        book.session(now),
        price_max_age=settings.price_max_age,
        quarterly_months=settings.quarterly_months,
    )


def decide_book(book: Book) -> DecidedBook:
    """The outcome of every subscription now, those of `evaluate`. Stores and sends nothing."""
    from rebal_tui.engine.arrays.decide import decide

    now, frame = book.now(), book.frame()
    today = moment_of(book, frame)
    return DecidedBook(now, frame, today, decide(frame, today))


def band_uses(book: Book, decided: DecidedBook) -> tuple[Ints, Ints]:
    """The keys of subscribed accounts and how much of its bands each uses, in tenths of a percent, at most a
    thousandfold."""
    from rebal_tui.engine.arrays.sweep import NO_BAND, sweep

    used = sweep(decided.frame, decided.today).band_used.clip(max=1_000_000)
    known = used != NO_BAND
    return book.account_table.keys[known], used[known]
