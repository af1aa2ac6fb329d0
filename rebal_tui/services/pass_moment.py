"""The moment that a pass decides by, and what is the same for every account at it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rebal_tui.engine.arrays.frame import Mark
from rebal_tui.services import records
from rebal_tui.services.book import Book
from rebal_tui.services.evaluation import needs_review
from rebal_tui.services.starts import Rows, able_rows
from rebal_tui.services.whole_book import DecidedBook
from rebal_tui.store import contexts
from rebal_tui.store.keys import keys


@dataclass(frozen=True, slots=True, eq=False)
class Moment:
    """What a pass decides by: every outcome of a moment, and what is the same for all of them.

    `context` is the number under which the moment is kept; the runs of `reviewed` portfolios await approval; the runs
    that were under way at it, and the system runs of the day before it, are by the row of their account.
    """

    decided: DecidedBook
    context: int
    reviewed: frozenset[str]
    portfolio_keys: Sequence[int]
    asset_keys: dict[str, int]
    able: npt.NDArray[np.bool_]
    under_way: dict[int, int]
    had_run: dict[int, int]

    @classmethod
    def of(cls, book: Book, decided: DecidedBook, rows: Rows) -> Moment:
        """Keep the moment that was decided just now, for some accounts. Must be called inside `database.write()`."""
        portfolio = keys(book.database, "portfolios", book.portfolios)
        return cls(
            decided,
            records.keep_context(book),
            frozenset(identity for identity, one in book.portfolios.items() if needs_review(book, one)),
            [portfolio[one.id] for one in decided.frame.portfolios],
            contexts.symbol_keys(book.database),
            able_rows(book, decided.frame),
            *_earlier(book, decided, rows),
        )


def _earlier(book: Book, decided: DecidedBook, rows: Rows) -> tuple[dict[int, int], dict[int, int]]:
    """By row, the keys of the open run and of the system run of the day, where there is one."""
    accounts, ids = decided.frame.accounts, book.account_table.ids
    open_rows = rows[accounts.marks[rows] & int(Mark.OPEN_RUN) != 0].tolist()
    had_rows = rows[accounts.system_run_on[rows] == decided.today.day].tolist()
    under_way = {row: book.open_runs[ids[row]].id for row in open_rows}
    had = {row: book.system_runs[ids[row]][1] for row in had_rows}
    known = keys(book.database, "runs", {*under_way.values(), *had.values()})
    return {row: known[run] for row, run in under_way.items()}, {row: known[run] for row, run in had.items()}
